#include "worker.h"

// Answers whether something about the agent is so.
int32_t query_if(json message) {
    json proposition = term(message, "proposition");
    if (!proposition.at) return not_understood(message, "No proposition given");
    double number;
    if (!json_number(json_member(proposition, "handled_more_than"), &number)) {
        return refuse(message, "unknown proposition");
    }
    return reply(message, "inform", "{\"result\":%s}", (double)handled > number ? "true" : "false");
}

// Answers what something about the agent is.
int32_t query_ref(json message) {
    json reference = term(message, "reference");
    if (!reference.at) return not_understood(message, "No reference given");
    if (!json_equals(reference, "language")) return fail(message, "unknown reference");
    return reply(message, "inform", "{\"result\":\"c\"}");
}
