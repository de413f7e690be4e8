#include "worker.h"

enum { MAX_SUBSCRIPTIONS = 16 };

static int32_t agree_to(json message, int64_t micros, task what) {
    const char *why = put_off(message, micros, what);
    return why ? refuse(message, why) : agree(message);
}

// Begins to tell something again and again (FIPA subscribe).
int32_t subscribe(json message) {
    json given = term(message, "times");
    task running = {NOTIFY, json_whole(term(message, "every_micros")), json_whole(given), 0};
    if (running.every <= 0 || (given.at && running.times < 0)) return refuse(message, "unknown interval");
    if (subscriptions() >= MAX_SUBSCRIPTIONS) return refuse(message, "too many subscriptions");
    return agree_to(message, running.every, running);
}

// Tells the next count, and waits for the one after it.
int32_t notify(json message, task running) {
    if (running.count == running.times) return fail(message, "the source ran dry");
    running.count++;
    int32_t code = reply(message, "inform", "{\"count\":%d}", running.count);
    const char *why = put_off(message, running.every, running);
    return why ? fail(message, why) : code;
}

// Does something once a condition holds (FIPA request-when).
int32_t request_when(json message) {
    int64_t after = json_whole(json_member(term(message, "condition"), "after_micros"));
    if (after < 0) return refuse(message, "unknown condition");
    return agree_to(message, after, (task){.job = FINISH});
}

int32_t cancel(json message) {
    if (!drop_conversation(message)) return fail(message, "too late");
    return reply(message, "inform", "{\"cancelled\":true}");
}
