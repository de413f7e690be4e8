#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

// Messages that are longer are not kept for a later answer.
enum { MAX_KEPT = 64 << 10 };

static void log_error(const char *line) { console_error(line, strlen(line)); }

// Who gets the answer.
static json asker(json message) {
    json reply_to = json_member(message, "reply_to");
    return reply_to.at ? reply_to : json_member(message, "sender");
}

// Copies a field of the message, if it is there, under the name it has in the answer.
static void copy(text *out, json message, const char *from, const char *to) {
    json value = json_member(message, from);
    if (value.at) print(out, ",\"%s\":%v", to, value);
}

int32_t post(text *message) {
    int32_t code = send_message(message->at, message->len);
    free(message->at);
    if (code >= 0) return 0;
    log_error("the host refused the message");
    return 1;
}

// Begins a message in the same conversation; false if there is nobody to answer.
static bool begin(text *out, json message, const char *performative, json receiver) {
    if (!receiver.at) {
        log_error("the message names nobody to answer");
        return false;
    }
    // The host fills in the sender.
    print(out, "{\"performative\":\"%s\",\"receiver\":%v", performative, receiver);
    copy(out, message, "conversation_id", "conversation_id");
    copy(out, message, "protocol", "protocol");
    copy(out, message, "ontology", "ontology");
    copy(out, message, "language", "language");
    return true;
}

static int32_t answer(json message, const char *performative, const char *tag, const char *format, va_list values) {
    text out = {0};
    if (!begin(&out, message, performative, asker(message))) return 1;
    copy(&out, message, "reply_with", "in_reply_to");
    if (tag) print(&out, ",\"reply_with\":\"%s\"", tag);
    print(&out, ",\"content\":");
    print_all(&out, format, values);
    print(&out, "}");
    return post(&out);
}

int32_t reply(json message, const char *performative, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int32_t code = answer(message, performative, NULL, format, values);
    va_end(values);
    return code;
}

int32_t reply_with(json message, const char *performative, const char *tag, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int32_t code = answer(message, performative, tag, format, values);
    va_end(values);
    return code;
}

int32_t agree(json message) { return reply(message, "agree", "{}"); }

int32_t accept(json message) { return reply(message, "accept-proposal", "{}"); }

int32_t reject(json message, const char *reason) {
    return reply(message, "reject-proposal", "{\"reason\":\"%s\"}", reason);
}

int32_t refuse(json message, const char *reason) {
    return reply(message, "refuse", "{\"reason\":\"%s\"}", reason);
}

int32_t fail(json message, const char *error) { return reply(message, "failure", "{\"error\":\"%s\"}", error); }

int32_t invalid(json message) {
    fail(message, "Invalid request format");
    return 1;
}

int32_t not_understood(json message, const char *error) {
    reply(message, "not-understood", "{\"error\":\"%s\"}", error);
    return 1;
}

int32_t forward(json message, json receiver, json content) {
    text out = {0};
    json to = asker(message);
    if (!begin(&out, message, "request", to.at ? receiver : to)) return 1;
    print(&out, ",\"reply_to\":%v", to);
    copy(&out, message, "reply_with", "reply_with");
    print(&out, ",\"content\":%v}", content);
    return post(&out);
}

json keep(json message) {
    if (message.len > MAX_KEPT) return (json){0};
    char *at = malloc(message.len);
    if (!at) return (json){0};
    memcpy(at, message.at, message.len);
    return (json){at, message.len};
}

json term(json message, const char *name) { return json_member(json_member(message, "content"), name); }
