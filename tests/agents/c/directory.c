#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { MAX_QUESTIONS = 16 };

static const char reply_tag[] = "df-1";

// Who waits, in the order in which the directory answers.
static json askers[MAX_QUESTIONS];
static int count;

int32_t ask_directory(json message, json data) {
    if (count == MAX_QUESTIONS) return refuse(message, "too busy");
    json kept = keep(message);
    if (!kept.at) return refuse(message, "too long");
    text out = {0};
    print(&out, "{\"performative\":\"request\",\"receiver\":\"df\",\"protocol\":\"fipa-request\",");
    print(&out, "\"reply_with\":\"%s\",\"content\":%v}", reply_tag, json_member(data, "content"));
    if (post(&out) != 0) {
        free((char *)kept.at);
        return fail(message, "not sent");
    }
    askers[count++] = kept;
    return 0;
}

// Hands on what the directory answered; false if the message is no such answer.
bool directory_answered(json message) {
    if (count == 0 || !json_equals(json_member(message, "in_reply_to"), reply_tag)) return false;
    // Where there is no directory, the host answers in its place.
    json sender = json_member(message, "sender");
    if (!json_equals(sender, "df") && !json_equals(sender, "ams")) return false;
    json asked = askers[0];
    memmove(askers, askers + 1, (size_t)--count * sizeof *askers);
    reply(asked, "inform", "{\"result\":{\"performative\":%v,\"content\":%v}}",
          json_member(message, "performative"), json_member(message, "content"));
    free((char *)asked.at);
    return true;
}
