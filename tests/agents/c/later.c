// All of this lives in memory: a timer that rings after a restart finds nothing to do.

#include <stdlib.h>

#include "worker.h"

// How many things may be put off at a time.
enum { MAX_LATER = 64 };

typedef struct {
    int32_t timer;
    json message;
    task what;
} later;

static later waiting[MAX_LATER];
static int count;

const char *put_off(json message, int64_t micros, task what) {
    if (count == MAX_LATER) return "too busy";
    json kept = keep(message);
    if (!kept.at) return "too long";
    int32_t timer = set_timer(micros);
    if (timer <= 0) {
        free((char *)kept.at);
        return "no timer";
    }
    waiting[count++] = (later){timer, kept, what};
    return NULL;
}

int subscriptions(void) {
    int found = 0;
    for (int i = 0; i < count; i++) found += waiting[i].what.job == NOTIFY;
    return found;
}

// Takes one out; its message is to be freed.
static later take(int at) {
    later taken = waiting[at];
    waiting[at] = waiting[--count];
    return taken;
}

static void do_later(json message, task what) {
    switch (what.job) {
    case PROPOSE: propose(message); break;
    case FINISH: reply(message, "inform", "{\"result\":\"done\"}"); break;
    case NOTIFY: notify(message, what); break;
    }
}

// Does what was put off until this timer; false if it is not one of those here.
bool ring_later(int32_t timer) {
    for (int i = 0; i < count; i++) {
        if (waiting[i].timer != timer) continue;
        later due = take(i);
        do_later(due.message, due.what);
        free((char *)due.message.at);
        return true;
    }
    return false;
}

// Drops what the sender of a message asked for in the same conversation; whether there was something.
bool drop_conversation(json cancel) {
    json conversation = json_member(cancel, "conversation_id"), sender = json_member(cancel, "sender");
    bool found = false;
    for (int i = count - 1; i >= 0; i--) {
        json message = waiting[i].message;
        if (!json_same(json_member(message, "conversation_id"), conversation)) continue;
        if (!json_same(json_member(message, "sender"), sender)) continue;
        later dropped = take(i);
        cancel_timer(dropped.timer);
        free((char *)dropped.message.at);
        found = true;
    }
    return found;
}
