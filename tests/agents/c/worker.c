// A worker that transforms text, alone or as one step of a relay.

#include <stdlib.h>

#include "json.h"

#define IMPORT(name) __attribute__((import_module("caxton"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

IMPORT(send_message) int32_t send_message(const char *ptr, size_t len);
IMPORT(console_log) void console_log(const char *ptr, size_t len);
IMPORT(console_error) void console_error(const char *ptr, size_t len);
IMPORT(current_timestamp) uint64_t current_timestamp(void);

static const char capabilities[] =
    "{\"version\":\"1.0.0\",\"performatives\":[\"request\",\"inform\"],\"protocols\":[\"fipa-request\"],"
    "\"ontologies\":[],\"resource_requirements\":{\"min_memory_mb\":1,\"preferred_memory_mb\":4,"
    "\"cpu_intensive\":false,\"network_access\":false,\"persistence_needed\":false},"
    "\"services\":[{\"name\":\"text-processing\","
    "\"description\":\"Uppercases and lowercases ASCII text, and reverses any text\","
    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"operation\":{\"type\":\"string\"},"
    "\"data\":{\"type\":\"string\"}},\"required\":[\"operation\",\"data\"]},"
    "\"output_schema\":{\"type\":\"object\",\"properties\":{\"result\":{\"type\":\"string\"},"
    "\"timestamp\":{\"type\":\"integer\"}}},\"estimated_latency_ms\":1}]}";

// Lives in the instance's memory, so a restart begins at nought.
static uint64_t handled;

// Text that grows as it is written.
typedef struct {
    char *at;
    size_t len, room;
} text;

// Makes room for `len` more bytes. Without memory there is nothing to do but trap; the host says why.
static char *reserve(text *out, size_t len) {
    if (out->room - out->len < len) {
        out->room = (out->len + len) * 2;
        out->at = realloc(out->at, out->room);
        if (!out->at) __builtin_trap();
    }
    return out->at + out->len;
}

static void append(text *out, const char *from, size_t len) {
    memcpy(reserve(out, len), from, len);
    out->len += len;
}

static void print(text *out, const char *from) { append(out, from, strlen(from)); }

static void print_value(text *out, json value) { append(out, value.at, value.len); }

static void print_number(text *out, uint64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    do digits[--first] = (char)('0' + number % 10);
    while (number /= 10);
    append(out, digits + first, sizeof digits - first);
}

static void print_string(text *out, const text *from) {
    print(out, "\"");
    for (size_t i = 0; i < from->len; i++) {
        uint8_t c = (uint8_t)from->at[i];
        if (c == '"' || c == '\\') {
            append(out, (char[]){'\\', (char)c}, 2);
        } else if (c < 0x20) {
            static const char hex[] = "0123456789abcdef";
            append(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        } else {
            append(out, (char *)&c, 1);
        }
    }
    print(out, "\"");
}

// Decodes a string; false if it is none. `out` is to be freed either way.
static bool read_string(json value, text *out) {
    return json_string(value, reserve(out, value.len), &out->len);
}

static void reverse_bytes(char *at, size_t len) {
    for (size_t i = 0; i < len / 2; i++) {
        char c = at[i];
        at[i] = at[len - 1 - i];
        at[len - 1 - i] = c;
    }
}

// Turns each character round first, so that turning the whole round sets it right again.
static void reverse(text *it) {
    const char *end = it->at + it->len;
    for (char *at = it->at; at < end;) {
        size_t len = json_utf8(at, end);
        reverse_bytes(at, len);
        at += len;
    }
    reverse_bytes(it->at, it->len);
}

// Changes the case of the letters from `first` on; only ASCII, other bytes stay as they are.
static void flip_case(text *it, char first) {
    for (size_t i = 0; i < it->len; i++) {
        if (it->at[i] >= first && it->at[i] < first + 26) it->at[i] ^= 'a' ^ 'A';
    }
}

static void apply(json operation, text *it) {
    if (json_equals(operation, "uppercase")) {
        flip_case(it, 'a');
    } else if (json_equals(operation, "lowercase")) {
        flip_case(it, 'A');
    } else if (json_equals(operation, "reverse")) {
        reverse(it);
    } else {
        text name = {0};
        read_string(operation, &name);
        it->len = 0;
        print(it, "Unknown operation: ");
        append(it, name.at, name.len);
        free(name.at);
    }
}

// Who gets the answer.
static json asker(json message) {
    json reply_to = json_member(message, "reply_to");
    return reply_to.at ? reply_to : json_member(message, "sender");
}

// Copies a field of the message, if it is there, under the name it has in the answer.
static void keep(text *out, json message, const char *from, const char *to) {
    json value = json_member(message, from);
    if (!value.at) return;
    print(out, ",\"");
    print(out, to);
    print(out, "\":");
    print_value(out, value);
}

// Sends a message: 0, or 1 if it could not be sent. The host fills in the sender.
static int32_t send(json message, const char *performative, json receiver, const text *content) {
    json to = asker(message);
    if (!to.at) {
        static const char error[] = "the message names nobody to answer";
        console_error(error, sizeof error - 1);
        return 1;
    }
    text out = {0};
    print(&out, "{\"performative\":\"");
    print(&out, performative);
    print(&out, "\",\"receiver\":");
    print_value(&out, receiver.at ? receiver : to);
    if (receiver.at) {
        // The last agent of a relay answers the asker directly.
        print(&out, ",\"reply_to\":");
        print_value(&out, to);
        keep(&out, message, "reply_with", "reply_with");
    } else {
        keep(&out, message, "reply_with", "in_reply_to");
    }
    keep(&out, message, "conversation_id", "conversation_id");
    keep(&out, message, "protocol", "protocol");
    keep(&out, message, "ontology", "ontology");
    keep(&out, message, "language", "language");
    print(&out, ",\"content\":");
    append(&out, content->at, content->len);
    print(&out, "}");

    int32_t code = send_message(out.at, out.len);
    free(out.at);
    if (code < 0) {
        static const char error[] = "the host refused the message";
        console_error(error, sizeof error - 1);
        return 1;
    }
    return 0;
}

static int32_t reply(json message, const char *performative, const text *content) {
    return send(message, performative, (json){0}, content);
}

static int32_t refuse(json message, const char *performative, const char *error) {
    text content = {0};
    print(&content, "{\"error\":\"");
    print(&content, error);
    print(&content, "\"}");
    reply(message, performative, &content);
    free(content.at);
    return 1;
}

static int32_t inform_text(json message, const text *it) {
    text content = {0};
    print(&content, "{\"result\":{\"result\":");
    print_string(&content, it);
    print(&content, ",\"timestamp\":");
    print_number(&content, current_timestamp());
    print(&content, "}}");
    int32_t code = reply(message, "inform", &content);
    free(content.at);
    return code;
}

static int32_t inform_status(json message) {
    text content = {0};
    print(&content, "{\"result\":{\"status\":\"ready\",\"language\":\"c\",\"handled\":");
    print_number(&content, handled);
    print(&content, "}}");
    int32_t code = reply(message, "inform", &content);
    free(content.at);
    return code;
}

// Hands the text to the first of `steps`, along with the rest of them.
static int32_t forward(json message, json steps, const text *it) {
    const char *at = NULL;
    json next = json_next(steps, &at, NULL);
    text content = {0};
    print(&content, "{\"action\":\"relay\",\"data\":{\"data\":");
    print_string(&content, it);
    print(&content, ",\"operation\":");
    print_value(&content, json_member(next, "operation"));
    print(&content, ",\"then\":[");
    json step;
    for (bool first = true; (step = json_next(steps, &at, NULL)).at; first = false) {
        if (!first) print(&content, ",");
        print_value(&content, step);
    }
    print(&content, "]}}");
    int32_t code = send(message, "request", json_member(next, "agent"), &content);
    free(content.at);
    return code;
}

// Whether a value is a string that can be decoded.
static bool is_string(json value) {
    text decoded = {0};
    bool is = json_is(value, '"') && read_string(value, &decoded);
    free(decoded.at);
    return is;
}

// Whether `steps` is missing, or a list of agents and what each is to do.
static bool are_steps(json steps) {
    if (!steps.at) return true;
    if (!json_is(steps, '[')) return false;
    const char *at = NULL;
    json step;
    while ((step = json_next(steps, &at, NULL)).at) {
        if (!is_string(json_member(step, "agent")) || !is_string(json_member(step, "operation"))) return false;
    }
    return true;
}

static int32_t transform(json message, json data, bool relayed) {
    json operation = json_member(data, "operation"), given = json_member(data, "data");
    json steps = json_member(data, "then");
    if (!given.at) given = json_member(data, "text");

    text it = {0};
    int32_t code;
    if (!is_string(operation) || !are_steps(steps) || !json_is(given, '"') || !read_string(given, &it)) {
        code = refuse(message, "failure", "Invalid request format");
    } else {
        apply(operation, &it);
        const char *at = NULL;
        bool more = relayed && steps.at && json_next(steps, &at, NULL).at;
        code = more ? forward(message, steps, &it) : inform_text(message, &it);
    }
    free(it.at);
    return code;
}

static int32_t request(json message) {
    json content = json_member(message, "content");
    json action = json_member(content, "action"), data = json_member(content, "data");
    if (json_equals(action, "process_data")) return transform(message, data, false);
    if (json_equals(action, "relay")) return transform(message, data, true);
    if (json_equals(action, "get_status")) return inform_status(message);
    return refuse(message, "not-understood", "Unknown action");
}

EXPORT(handle_message) int32_t handle_message(const char *ptr, size_t len) {
    json message = json_valid(ptr, len);
    json performative = json_member(message, "performative");
    if (!json_is(performative, '"')) {
        static const char error[] = "the message cannot be read";
        console_error(error, sizeof error - 1);
        return 1;
    }
    handled++;
    if (json_equals(performative, "request")) return request(message);
    // Silence here keeps two agents from feeding each other errors for ever.
    if (json_equals(performative, "inform") || json_equals(performative, "failure") ||
        json_equals(performative, "not-understood")) {
        return 0;
    }
    return refuse(message, "not-understood", "Unsupported performative");
}

EXPORT(agent_init) int32_t agent_init(void) {
    static const char line[] = "c agent ready";
    handled = 0;
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
