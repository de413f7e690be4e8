// Requests to transform text.

#include <stdlib.h>
#include <string.h>

#include "worker.h"

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
        print(it, "%v", (json){name.at, name.len});
        free(name.at);
    }
}


static int32_t inform_text(json message, const text *it) {
    text result = {0};
    print_string(&result, it);
    int32_t code = reply(message, "inform", "{\"result\":{\"result\":%v,\"timestamp\":%d}}",
                         (json){result.at, result.len}, (int64_t)current_timestamp());
    free(result.at);
    return code;
}

// Hands the text to the first of `steps`, along with the rest of them.
static int32_t forward_text(json message, json steps, const text *it) {
    const char *at = NULL;
    json next = json_next(steps, &at, NULL);
    text content = {0};
    print(&content, "{\"action\":\"relay\",\"data\":{\"data\":");
    print_string(&content, it);
    print(&content, ",\"operation\":%v,\"then\":[", json_member(next, "operation"));
    json step;
    for (bool first = true; (step = json_next(steps, &at, NULL)).at; first = false) {
        print(&content, first ? "%v" : ",%v", step);
    }
    print(&content, "]}}");
    int32_t code = forward(message, json_member(next, "agent"), (json){content.at, content.len});
    free(content.at);
    return code;
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
        code = invalid(message);
    } else {
        apply(operation, &it);
        const char *at = NULL;
        bool more = relayed && steps.at && json_next(steps, &at, NULL).at;
        code = more ? forward_text(message, steps, &it) : inform_text(message, &it);
    }
    free(it.at);
    return code;
}

int32_t process(json message, json data) { return transform(message, data, false); }

int32_t relay(json message, json data) { return transform(message, data, true); }
