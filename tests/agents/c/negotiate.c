#include "worker.h"

static bool has_protocol(json message, const char *name) {
    return json_equals(json_member(message, "protocol"), name);
}

static bool is_auction(json message) {
    return has_protocol(message, "fipa-auction-english") || has_protocol(message, "fipa-auction-dutch");
}

// Answers a cfp at once, later, or not at all.
int32_t call(json message) {
    if (config.refuses || json_true(term(message, "refuse"))) return refuse(message, "no time");
    if (config.silent || json_true(term(message, "silent"))) return 0;
    if (config.delay <= 0) return propose(message);
    const char *why = put_off(message, config.delay, (task){.job = PROPOSE});
    return why ? refuse(message, why) : 0;
}

// Makes a proposal, unless the price that is called is above the limit.
int32_t propose(json message) {
    price called, mine = config.price;
    bool is_called = read_price(term(message, "price"), &called);
    if (is_auction(message)) {
        if (!is_called || called.value > config.limit.value) return 0;
        mine = called;
    } else if (is_called && has_protocol(message, "fipa-iterated-contract-net")) {
        mine = called.value > config.limit.value ? called : config.limit;
    }
    json task = term(message, "task");
    const char *proposal = task.at ? "{\"price\":%v,\"task\":%v}" : "{\"price\":%v}";
    if (config.twice) reply(message, "propose", proposal, mine.raw, task);
    return reply(message, "propose", proposal, mine.raw, task);
}

// Does what it proposed. In an auction nothing is due yet: the winner gets a request.
int32_t accepted(json message) {
    if (is_auction(message)) return 0;
    if (config.fails) return fail(message, "it broke");
    return reply(message, "inform", "{\"result\":{\"done\":%v}}", json_member(message, "content"));
}

// Answers an offer. One that belongs to a contract net which is over comes too late.
int32_t offer(json message) {
    price asked;
    if (has_protocol(message, "fipa-contract-net")) return reject(message, "too late");
    bool is_asked = read_price(term(message, "price"), &asked);
    return is_asked && asked.value <= config.limit.value ? accept(message) : reject(message, "too much");
}
