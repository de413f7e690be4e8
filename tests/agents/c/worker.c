// A worker that transforms text, alone or as one step of a relay, and takes part in FIPA's protocols.

#include "worker.h"

#include <string.h>

static const char capabilities[] =
    "{\"version\":\"1.0.0\",\"performatives\":[\"accept-proposal\",\"agree\",\"cancel\",\"cfp\","
    "\"failure\",\"inform\",\"propose\",\"query-if\",\"query-ref\",\"refuse\",\"reject-proposal\",\"request\","
    "\"request-when\",\"subscribe\"],\"protocols\":[\"fipa-request\",\"fipa-query\",\"fipa-request-when\","
    "\"fipa-propose\",\"fipa-subscribe\",\"fipa-contract-net\",\"fipa-iterated-contract-net\","
    "\"fipa-auction-english\",\"fipa-auction-dutch\"],"
    "\"ontologies\":[],\"resource_requirements\":{\"min_memory_mb\":1,\"preferred_memory_mb\":4,"
    "\"cpu_intensive\":false,\"network_access\":false,\"persistence_needed\":false},"
    "\"services\":[{\"name\":\"text-processing\","
    "\"description\":\"Uppercases and lowercases ASCII text, and reverses any text\","
    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"operation\":{\"type\":\"string\"},"
    "\"data\":{\"type\":\"string\"}},\"required\":[\"operation\",\"data\"]},"
    "\"output_schema\":{\"type\":\"object\",\"properties\":{\"result\":{\"type\":\"string\"},"
    "\"timestamp\":{\"type\":\"integer\"}}},\"estimated_latency_ms\":1}]}";

uint64_t handled;

static int32_t request(json message) {
    json action = term(message, "action"), data = term(message, "data");
    if (json_equals(action, "process_data")) return process(message, data);
    if (json_equals(action, "relay")) return relay(message, data);
    if (json_equals(action, "get_status")) {
        static const char status[] = "{\"result\":{\"status\":\"ready\",\"language\":\"c\",\"handled\":%d}}";
        return reply(message, "inform", status, (int64_t)handled);
    }
    if (json_equals(action, "agree_first")) {
        agree(message);
        return reply(message, "inform", "{\"result\":\"done\"}");
    }
    if (json_equals(action, "ask_df")) return ask_directory(message, data);
    if (json_equals(action, "start_contract_net")) return start_net(message, data);
    return not_understood(message, "Unknown action");
}

// Silence here keeps two agents from feeding each other errors for ever.
static int32_t stay_silent(json message) {
    (void)message;
    return 0;
}

static const struct {
    const char *performative;
    int32_t (*handle)(json message);
} handlers[] = {
    {"request", request},          {"cfp", call},
    {"accept-proposal", accepted}, {"propose", offer},
    {"query-if", query_if},        {"query-ref", query_ref},
    {"subscribe", subscribe},      {"request-when", request_when},
    {"cancel", cancel},            {"reject-proposal", stay_silent},
    {"inform", stay_silent},       {"failure", stay_silent},
    {"not-understood", stay_silent},
};

EXPORT(handle_message) int32_t handle_message(const char *ptr, size_t len) {
    json message = json_valid(ptr, len);
    json performative = json_member(message, "performative");
    if (!json_is(performative, '"')) {
        static const char error[] = "the message cannot be read";
        console_error(error, sizeof error - 1);
        return 1;
    }
    handled++;
    // What this agent asked for itself comes back as one act or another.
    if (directory_answered(message) || net_answered(message)) return 0;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (json_equals(performative, handlers[i].performative)) return handlers[i].handle(message);
    }
    return not_understood(message, "Unsupported performative");
}

// Goes on with what was put off until this timer rings.
EXPORT(handle_timer) int32_t handle_timer(int32_t timer) {
    if (!ring_later(timer)) ring_net(timer);
    return 0;
}

EXPORT(agent_init) int32_t agent_init(void) {
    static const char line[] = "c agent ready";
    handled = 0;
    load_config();
    console_log(line, sizeof line - 1);
    return 0;
}

EXPORT(agent_shutdown) void agent_shutdown(void) {
    static const char line[] = "c agent stopped";
    console_log(line, sizeof line - 1);
}

// Writes the capabilities where they fit, and says how many bytes they take.
EXPORT(get_capabilities) int32_t get_capabilities(char *ptr, size_t len) {
    size_t needed = sizeof capabilities - 1;
    if (len >= needed) memcpy(ptr, capabilities, needed);
    return (int32_t)needed;
}
