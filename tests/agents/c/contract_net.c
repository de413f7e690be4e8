#include <stdlib.h>

#include "worker.h"

enum { MAX_NETS = 4, MAX_PARTIES = 32 };

typedef enum {
    // It may still come.
    AWAITED,
    PROPOSED,
    LATE,
    // There is none, or nothing more to do about it.
    SETTLED,
} answer;

typedef struct {
    // Points into the request for the contract net.
    json name;
    answer answer;
    // There for who proposed; the price points into the proposal.
    price price;
    json proposal;
} party;

typedef struct {
    // Not there while the place is free.
    json asked;
    // A JSON string, kept from its making on.
    text conversation;
    int64_t micros;
    int32_t timer;
    int count;
    party parties[MAX_PARTIES];
    // From then on answers are late.
    bool decided;
    party *winner;
    const char *outcome;
} net;

static net nets[MAX_NETS];

static net *free_place(void) {
    for (int i = 0; i < MAX_NETS; i++) {
        if (!nets[i].asked.at) return &nets[i];
    }
    return NULL;
}

// How many agents are named; 0 if that is no list of names, or too long a one.
static int count_names(json names) {
    if (!json_is(names, '[')) return 0;
    const char *at = NULL;
    json name;
    int count = 0;
    while ((name = json_next(names, &at, NULL)).at) {
        if (!is_string(name) || ++count > MAX_PARTIES) return 0;
    }
    return count;
}

static json conversation_of(const net *it) { return (json){it->conversation.at, it->conversation.len}; }

static void forget(net *it) {
    for (int i = 0; i < it->count; i++) free((char *)it->parties[i].proposal.at);
    free(it->conversation.at);
    free((char *)it->asked.at);
    it->asked = (json){0};
}

static bool call_for_proposals(net *it, json names, json task) {
    text out = {0};
    print(&out, "{\"performative\":\"cfp\",\"receiver\":%v,\"protocol\":\"fipa-contract-net\",", names);
    print(&out, "\"conversation_id\":%v,\"reply_with\":\"cfp-1\",", conversation_of(it));
    print(&out, "\"reply_by\":%d,\"content\":", (int64_t)current_timestamp() + it->micros);
    print(&out, task.at ? "{\"task\":%v}}" : "{}}", task);
    return post(&out) == 0;
}

int32_t start_net(json message, json data) {
    int count = count_names(json_member(data, "participants"));
    int64_t micros = json_whole(json_member(data, "deadline_micros"));
    if (count == 0 || micros <= 0) return invalid(message);
    net *it = free_place();
    if (!it) return refuse(message, "too busy");
    json asked = keep(message);
    if (!asked.at) return refuse(message, "too long");
    int32_t timer = set_timer(micros);
    if (timer <= 0) {
        free((char *)asked.at);
        return refuse(message, "no timer");
    }

    *it = (net){.asked = asked, .micros = micros, .timer = timer, .count = count};
    print(&it->conversation, "\"cn-%d\"", (int64_t)random_u32());
    json kept = term(asked, "data"), names = json_member(kept, "participants");
    const char *at = NULL;
    for (int i = 0; i < count; i++) it->parties[i].name = json_next(names, &at, NULL);
    if (!call_for_proposals(it, names, json_member(kept, "task"))) {
        cancel_timer(timer);
        forget(it);
        return fail(message, "not sent");
    }
    return 0;
}

static bool awaits(const net *it) {
    for (int i = 0; i < it->count; i++) {
        if (it->parties[i].answer == AWAITED) return true;
    }
    return false;
}

static void take_proposal(party *from, json message) {
    price asked;
    json kept = keep(message);
    if (kept.at && read_price(term(kept, "price"), &asked)) {
        *from = (party){from->name, PROPOSED, asked, kept};
    } else {
        free((char *)kept.at);
        from->answer = SETTLED;
        reject(message, "no price");
    }
}

static party *party_named(net *it, json name) {
    for (int i = 0; i < it->count; i++) {
        if (json_same(it->parties[i].name, name)) return &it->parties[i];
    }
    return NULL;
}

static void hear(net *it, json message) {
    json performative = json_member(message, "performative"), sender = json_member(message, "sender");
    bool proposes = json_equals(performative, "propose"), informs = json_equals(performative, "inform");
    bool from_host = json_equals(sender, "ams");
    party *from = party_named(it, from_host ? term(message, "agent") : sender);
    if (!from) return;
    if (from == it->winner && !it->outcome && !proposes) {
        it->outcome = informs ? "inform" : "failure";
        return;
    }
    // Who is silent at the deadline may still answer late.
    if (from_host && json_equals(term(message, "kind"), "deadline")) return;
    if (informs || from->answer != AWAITED) return;
    if (it->decided && !from_host) {
        from->answer = LATE;
        if (proposes) reject(message, "too late");
    } else if (proposes) {
        take_proposal(from, message);
    } else {
        from->answer = SETTLED;
    }
}

// Accepts the cheapest proposal, the first of several, and rejects the others.
static void decide(net *it) {
    it->decided = true;
    for (int i = 0; i < it->count; i++) {
        party *from = &it->parties[i];
        if (from->answer == PROPOSED && (!it->winner || from->price.value < it->winner->price.value)) it->winner = from;
    }
    for (int i = 0; i < it->count; i++) {
        party *from = &it->parties[i];
        if (from->answer != PROPOSED) continue;
        from->answer = SETTLED;
        if (from == it->winner) {
            reply_with(from->proposal, "accept-proposal", "award-1", "{\"price\":%v}", from->price.raw);
        } else {
            reject(from->proposal, "a better offer");
        }
    }
}

// At the deadline the cheapest wins. Whoever is late has as long again to say so.
static void time_is_up(net *it) {
    if (!it->decided) {
        decide(it);
        it->timer = set_timer(it->micros);
        if (it->timer > 0) return;
    }
    for (int i = 0; i < it->count; i++) {
        if (it->parties[i].answer == AWAITED) it->parties[i].answer = SETTLED;
    }
}

static void report(const net *it) {
    const party *winner = it->winner;
    text result = {0};
    print(&result, "{\"winner\":%v,\"price\":%v,\"late\":[", winner ? winner->name : (json){0},
          winner ? winner->price.raw : (json){0});
    bool first = true;
    for (int i = 0; i < it->count; i++) {
        if (it->parties[i].answer != LATE) continue;
        print(&result, first ? "%v" : ",%v", it->parties[i].name);
        first = false;
    }
    print(&result, it->outcome ? "],\"outcome\":\"%s\"}" : "],\"outcome\":null}", it->outcome);
    reply(it->asked, "inform", "{\"result\":%v}", (json){result.at, result.len});
    free(result.at);
}

// Does what has become possible, and forgets the contract net once it is over.
static void go_on(net *it) {
    if (!it->decided && !awaits(it)) {
        cancel_timer(it->timer);
        decide(it);
    }
    if (!it->decided || awaits(it) || (it->winner && !it->outcome)) return;
    cancel_timer(it->timer);
    report(it);
    forget(it);
}

// Takes in an answer; false if the message belongs to no contract net that goes on.
bool net_answered(json message) {
    static const char *const acts[] = {"propose", "refuse", "inform", "failure", "not-understood"};
    json performative = json_member(message, "performative"), conversation = json_member(message, "conversation_id");
    bool is_answer = false;
    for (int i = 0; i < 5; i++) is_answer |= json_equals(performative, acts[i]);
    for (int i = 0; is_answer && i < MAX_NETS; i++) {
        if (!nets[i].asked.at || !json_same(conversation_of(&nets[i]), conversation)) continue;
        hear(&nets[i], message);
        go_on(&nets[i]);
        return true;
    }
    return false;
}

// Ends the time for answers, if the timer belongs to a contract net.
void ring_net(int32_t timer) {
    for (int i = 0; i < MAX_NETS; i++) {
        if (!nets[i].asked.at || nets[i].timer != timer) continue;
        time_is_up(&nets[i]);
        go_on(&nets[i]);
        return;
    }
}
