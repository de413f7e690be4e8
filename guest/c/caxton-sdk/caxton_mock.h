// The host's functions outside the runtime: they keep what the agent does where a test can look at it. Included by
// caxton_test.h, and by it alone.
//
// They check what they are given and answer as the runtime does, with its default limits on single messages, stored
// bytes, timers and subscriptions. What they do not do: count messages by the second, know other agents, or drop a
// turn. caxton_test_fail stands in for what a test needs of that.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_MOCK_H
#define CAXTON_MOCK_H

#include <inttypes.h>
#include <stdio.h>

#include "caxton.h"

#ifdef __wasm__
#error "caxton_test.h stands in for the host outside the runtime; it has no place in an agent's module"
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CAXTON_MOCK_MESSAGE_BYTES = 1 << 20,
    CAXTON_MOCK_KEY_BYTES = 4096,
    CAXTON_MOCK_STORED_BYTES = 64 << 20,
    CAXTON_MOCK_TIMERS = 1024,
    CAXTON_MOCK_SUBSCRIPTIONS = 64,
    CAXTON_MOCK_NAME_BYTES = 255,
    CAXTON_MOCK_FILTER_TEXTS = 10000,
    CAXTON_MOCK_HOST_CALLS = 1000,
    CAXTON_MOCK_FUNCTIONS = 16
};

// 2026-01-01 at midnight, in microseconds since 1970: where the clock begins.
#define CAXTON_MOCK_START UINT64_C(1767225600000000)

// What a test sees of the agent: tables that grow as they are filled.
typedef struct {
    struct {
        char *text;
        size_t len;
        char *to; // the agent of a local message, or the filter of a broadcast
    } *sent;
    struct {
        char *key;
        size_t key_len;
        char *data;
        size_t len;
    } *stored;
    struct {
        int32_t id;
        uint64_t due;
    } *timers;
    struct {
        int32_t id;
        char *filter;
    } *subscriptions;
    struct {
        int32_t level;
        char *line;
    } *lines;
    size_t sent_count, stored_count, timer_count, subscription_count, line_count;
    struct {
        const char *function;
        int32_t code;
    } failures[CAXTON_MOCK_FUNCTIONS];
    size_t failure_count;
    int32_t last_id, last_code, receivers;
    uint64_t now;
    uint32_t random;
    // Of this turn: the host's functions that were called, and the `receiver` of the message.
    size_t calls;
    caxton_json handled;
} caxton_mock_host;

static caxton_mock_host caxton_mock;

// Adds an entry to a table of the host's.
#define CAXTON_MOCK_PUSH(table, count)                                                                             \
    caxton_mock_push((void **)&caxton_mock.table, &caxton_mock.count, sizeof *caxton_mock.table)

static inline void caxton_mock_push(void **table, size_t *count, size_t size) {
    *table = caxton_impl_allocated(realloc(*table, (*count + 1) * size));
    memset((char *)*table + *count * size, 0, size);
    ++*count;
}

// Takes an entry out of a table; those behind it move up.
#define CAXTON_MOCK_TAKE(table, count, at)                                                                         \
    (memmove(&caxton_mock.table[at], &caxton_mock.table[(at) + 1],                                                  \
             (caxton_mock.count - (at) - 1) * sizeof *caxton_mock.table),                                           \
     caxton_mock.count--)

static inline char *caxton_mock_copy(const void *from, size_t len) {
    char *copy = caxton_impl_allocate(len + 1);
    if (len > 0) memcpy(copy, from, len);
    copy[len] = '\0';
    return copy;
}

static inline void caxton_mock_log(int32_t level, const char *line, size_t len) {
    CAXTON_MOCK_PUSH(lines, line_count);
    caxton_mock.lines[caxton_mock.line_count - 1].level = level < 1 ? 1 : level > 5 ? 5 : level;
    caxton_mock.lines[caxton_mock.line_count - 1].line = caxton_mock_copy(line, len);
}

// Writes to the agent's log why it was refused something; the code for it.
static inline int32_t caxton_mock_refuse(int32_t code, const char *what, const char *why) {
    char *line = caxton_join(what, why, NULL);
    caxton_mock_log(CAXTON_WARN, line, strlen(line));
    free(line);
    return code;
}

// Counts a call; whether a test wants it to fail, with which code.
static inline bool caxton_mock_call(const char *function, int32_t *code) {
    caxton_mock.calls++;
    for (size_t i = 0; i < caxton_mock.failure_count; i++) {
        if (strcmp(caxton_mock.failures[i].function, function) != 0) continue;
        *code = caxton_mock.failures[i].code;
        return true;
    }
    return false;
}

// Whether a text is one of FIPA's 22 communicative acts, in whatever case, with hyphens or underscores.
static inline bool caxton_mock_is_act(caxton_json value) {
    static const char *const acts[] = {
        "accept-proposal", "agree", "cancel", "cfp", "confirm", "disconfirm", "failure", "inform", "inform-if",
        "inform-ref", "not-understood", "propagate", "propose", "proxy", "query-if", "query-ref", "refuse",
        "reject-proposal", "request", "request-when", "request-whenever", "subscribe"};
    char act[32];
    if (!caxton_json_string(value, act, sizeof act)) return false;
    for (char *at = act; *at; at++) *at = *at == '_' ? '-' : *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(act, acts[i]) == 0) return true;
    }
    return false;
}

// A text, or an array of texts; how many they are, or -1.
static inline int64_t caxton_mock_texts(caxton_json value) {
    if (caxton_json_type_of(value) == CAXTON_JSON_STRING) return 1;
    if (caxton_json_type_of(value) != CAXTON_JSON_ARRAY) return -1;
    int64_t count = 0;
    caxton_json_cursor item;
    memset(&item, 0, sizeof item);
    for (; caxton_json_next(value, &item); count++) {
        if (caxton_json_type_of(item.value) != CAXTON_JSON_STRING) return -1;
    }
    return count;
}

static inline bool caxton_mock_is_one_of(caxton_json name, const char *const *names) {
    for (; *names; names++) {
        if (caxton_json_equals(name, *names)) return true;
    }
    return false;
}

// Whether a value is a time of RFC 3339, or a whole number of microseconds.
static inline bool caxton_mock_is_time(caxton_json value) {
    char time[64];
    uint64_t micros;
    if (!caxton_json_string(value, time, sizeof time)) return caxton_json_uint(value, &micros);
    const char *at = time;
    for (const char *form = "0000-00-00T00:00:00"; *form; form++, at++) {
        bool is_digit = *at >= '0' && *at <= '9';
        if (*form == '0' ? !is_digit : *form == 'T' ? !*at || !strchr("Tt ", *at) : *at != *form) return false;
    }
    if (*at == '.') at += 1 + strspn(at + 1, "0123456789");
    if (*at == 'Z' || *at == 'z') return at[1] == '\0';
    return (*at == '+' || *at == '-') && strspn(at + 1, "0123456789:") == 5 && at[6] == '\0';
}

// Why a text is no message, or NULL.
static inline const char *caxton_mock_wrong(caxton_json message) {
    static const char *const texts[] = {
        "performative", "reply_to", "language", "encoding", "ontology", "protocol", "conversation_id", "reply_with",
        "in_reply_to", NULL};
    static const char *const names[] = {"sender", "receiver", NULL};
    if (caxton_json_type_of(message) != CAXTON_JSON_OBJECT) return "it is no JSON object";
    caxton_json_cursor member;
    memset(&member, 0, sizeof member);
    while (caxton_json_next(message, &member)) {
        // The last one of a name is what is found.
        char *name = caxton_json_copy(member.name, NULL);
        bool twice = name && caxton_json_get(message, name).at != member.value.at;
        free(name);
        if (twice) return "a key stands there twice";
        if (!caxton_json_has_value(member.value)) continue;
        caxton_json_type type = caxton_json_type_of(member.value);
        if (caxton_mock_is_one_of(member.name, texts) && type != CAXTON_JSON_STRING) return "a field is no text";
        if (caxton_mock_is_one_of(member.name, names) && caxton_mock_texts(member.value) < 0) {
            return "`sender` or `receiver` is neither a name nor an array of names";
        }
        if (caxton_json_equals(member.name, "reply_by") && !caxton_mock_is_time(member.value)) {
            return "`reply_by` is neither a time of RFC 3339 nor whole microseconds";
        }
    }
    caxton_json act = caxton_json_get(message, "performative");
    if (!caxton_json_has_value(act)) return "it has no `performative`";
    return caxton_mock_is_act(act) ? NULL : "its performative is not one of FIPA's 22 communicative acts";
}

static inline bool caxton_mock_is_whole(caxton_json number) {
    for (size_t i = 0; i < number.len; i++) {
        if (strchr(".eE", number.at[i])) return false;
    }
    return true;
}

// Whether two values stand for the same.
static inline bool caxton_test_same(caxton_json a, caxton_json b) {
    caxton_json_type type = caxton_json_type_of(a);
    if (type != caxton_json_type_of(b)) return false;
    caxton_json_cursor item, other;
    memset(&item, 0, sizeof item);
    memset(&other, 0, sizeof other);
    if (type == CAXTON_JSON_STRING) {
        size_t len, other_len;
        char *text = caxton_json_copy(a, &len), *other_text = caxton_json_copy(b, &other_len);
        bool same = len == other_len && memcmp(text, other_text, len) == 0;
        free(text);
        free(other_text);
        return same;
    }
    if (type == CAXTON_JSON_NUMBER) {
        double number, other_number;
        if (a.len == b.len && memcmp(a.at, b.at, a.len) == 0) return true;
        // Whole numbers that look different are different; as doubles, large ones might not be.
        if (caxton_mock_is_whole(a) && caxton_mock_is_whole(b)) return false;
        return caxton_json_number(a, &number) && caxton_json_number(b, &other_number) && !(number < other_number) &&
               !(number > other_number);
    }
    if (type == CAXTON_JSON_ARRAY) {
        while (caxton_json_next(a, &item)) {
            if (!caxton_json_next(b, &other) || !caxton_test_same(item.value, other.value)) return false;
        }
        return !caxton_json_next(b, &other);
    }
    if (type != CAXTON_JSON_OBJECT) return type != CAXTON_JSON_BOOL || *a.at == *b.at;
    if (caxton_json_count(a) != caxton_json_count(b)) return false;
    while (caxton_json_next(a, &item)) {
        bool found = false;
        memset(&other, 0, sizeof other);
        while (!found && caxton_json_next(b, &other)) {
            found = caxton_test_same(item.name, other.name) && caxton_test_same(item.value, other.value);
        }
        if (!found) return false;
    }
    return true;
}

// Keeps a message that the agent sends, if the host would send it: 0, or the code for the agent.
static inline int32_t caxton_mock_send(const char *text, size_t len, const char *to, size_t to_len) {
    static const char what[] = "a message was not sent: ";
    if (len > CAXTON_MOCK_MESSAGE_BYTES) {
        return caxton_mock_refuse(CAXTON_LIMIT_EXCEEDED, what, "it is above the limit of 1048576 bytes");
    }
    const char *wrong;
    caxton_json message = caxton_json_parse(text, len, &wrong);
    if (!wrong) wrong = caxton_mock_wrong(message);
    if (wrong) return caxton_mock_refuse(CAXTON_INVALID_ARGUMENT, what, wrong);
    caxton_json sender = caxton_json_get(message, "sender"), receiver = caxton_json_get(message, "receiver");
    if (caxton_json_has_value(sender) && !caxton_json_equals(sender, "agent") &&
        !caxton_test_same(sender, caxton_mock.handled)) {
        return caxton_mock_refuse(CAXTON_PERMISSION_DENIED, what, "it is in another's name");
    }
    bool nobody = !caxton_json_has_value(receiver) || caxton_mock_texts(receiver) == 0;
    if (!to && nobody) return caxton_mock_refuse(CAXTON_INVALID_ARGUMENT, what, "it has no `receiver`");
    CAXTON_MOCK_PUSH(sent, sent_count);
    caxton_mock.sent[caxton_mock.sent_count - 1].text = caxton_mock_copy(text, len);
    caxton_mock.sent[caxton_mock.sent_count - 1].len = len;
    caxton_mock.sent[caxton_mock.sent_count - 1].to = to ? caxton_mock_copy(to, to_len) : NULL;
    return 0;
}

// Whether a text is a filter: 0, or the code for the agent.
static inline int32_t caxton_mock_filter(const char *text, size_t len) {
    static const char *const fields[] = {
        "performative", "sender", "receiver", "protocol", "ontology", "language", "conversation_id", "topic",
        "capabilities", "services", NULL};
    static const char what[] = "this is not a filter: ";
    const char *wrong;
    if (len > CAXTON_MOCK_MESSAGE_BYTES) return CAXTON_LIMIT_EXCEEDED;
    caxton_json filter = caxton_json_parse(text, len, &wrong);
    if (!wrong && caxton_json_type_of(filter) != CAXTON_JSON_OBJECT) wrong = "it is no JSON object";
    int64_t total = 0;
    caxton_json_cursor member;
    memset(&member, 0, sizeof member);
    while (!wrong && caxton_json_next(filter, &member)) {
        if (!caxton_mock_is_one_of(member.name, fields)) wrong = "it has a field that filters do not have";
        if (wrong || !caxton_json_has_value(member.value)) continue;
        int64_t texts = caxton_mock_texts(member.value);
        total += texts;
        if (texts < 0) wrong = "expected a string or an array of strings";
        else if (total > CAXTON_MOCK_FILTER_TEXTS) wrong = "10000 names are the most";
        if (wrong || !caxton_json_equals(member.name, "performative")) continue;
        bool several = caxton_json_type_of(member.value) == CAXTON_JSON_ARRAY;
        for (size_t i = 0; i < (size_t)texts; i++) {
            caxton_json act = several ? caxton_json_at(member.value, i) : member.value;
            if (!caxton_mock_is_act(act)) wrong = "it names an act that is not one of FIPA's 22 communicative acts";
        }
    }
    return wrong ? caxton_mock_refuse(CAXTON_INVALID_ARGUMENT, what, wrong) : 0;
}

static inline bool caxton_mock_find(const char *key, size_t len, size_t *at) {
    for (*at = 0; *at < caxton_mock.stored_count; ++*at) {
        size_t key_len = caxton_mock.stored[*at].key_len;
        if (key_len == len && memcmp(caxton_mock.stored[*at].key, key, len) == 0) return true;
    }
    return false;
}

static inline int32_t caxton_mock_key(size_t len) {
    if (len <= CAXTON_MOCK_KEY_BYTES) return 0;
    return caxton_mock_refuse(CAXTON_INVALID_ARGUMENT, "a key is too long: ", "4096 bytes are the most");
}

// The functions themselves.

int32_t caxton_host_send_message(const char *message, size_t len) {
    int32_t code;
    if (caxton_mock_call("send_message", &code)) return code;
    return caxton_mock_send(message, len, NULL, 0);
}

int32_t caxton_host_send_local_message(const char *agent, size_t agent_len, const char *message, size_t len) {
    int32_t code;
    if (caxton_mock_call("send_local_message", &code)) return code;
    if (agent_len > CAXTON_MOCK_NAME_BYTES) {
        return caxton_mock_refuse(CAXTON_INVALID_ARGUMENT, "the agent's name ", "is too long");
    }
    return caxton_mock_send(message, len, agent, agent_len);
}

int32_t caxton_host_broadcast_message(const char *filter, size_t filter_len, const char *message, size_t len) {
    int32_t code;
    if (caxton_mock_call("broadcast_message", &code)) return code;
    code = caxton_mock_filter(filter, filter_len);
    if (code == 0) code = caxton_mock_send(message, len, filter, filter_len);
    return code == 0 ? caxton_mock.receivers : code;
}

int32_t caxton_host_subscribe_messages(const char *filter, size_t len) {
    int32_t code;
    if (caxton_mock_call("subscribe_messages", &code)) return code;
    code = caxton_mock_filter(filter, len);
    if (code < 0) return code;
    if (caxton_mock.subscription_count == CAXTON_MOCK_SUBSCRIPTIONS) return CAXTON_LIMIT_EXCEEDED;
    CAXTON_MOCK_PUSH(subscriptions, subscription_count);
    caxton_mock.subscriptions[caxton_mock.subscription_count - 1].id = ++caxton_mock.last_id;
    caxton_mock.subscriptions[caxton_mock.subscription_count - 1].filter = caxton_mock_copy(filter, len);
    return caxton_mock.last_id;
}

int32_t caxton_host_unsubscribe_messages(int32_t id) {
    int32_t code;
    if (caxton_mock_call("unsubscribe_messages", &code)) return code;
    for (size_t i = 0; i < caxton_mock.subscription_count; i++) {
        if (caxton_mock.subscriptions[i].id != id) continue;
        free(caxton_mock.subscriptions[i].filter);
        CAXTON_MOCK_TAKE(subscriptions, subscription_count, i);
        return 0;
    }
    return CAXTON_NOT_FOUND;
}

uint64_t caxton_host_current_timestamp(void) {
    caxton_mock.calls++;
    return caxton_mock.now;
}

// The same numbers in each run of a test (Marsaglia's xorshift).
uint32_t caxton_host_random_u32(void) {
    caxton_mock.calls++;
    caxton_mock.random ^= caxton_mock.random << 13;
    caxton_mock.random ^= caxton_mock.random >> 17;
    caxton_mock.random ^= caxton_mock.random << 5;
    return caxton_mock.random;
}

static inline uint64_t caxton_mock_after(uint64_t micros) {
    return micros > UINT64_MAX - caxton_mock.now ? UINT64_MAX : caxton_mock.now + micros;
}

void caxton_host_sleep_micros(uint64_t micros) {
    caxton_mock.calls++;
    caxton_mock.now = caxton_mock_after(micros);
}

int32_t caxton_host_set_timer(uint64_t micros) {
    int32_t code;
    if (caxton_mock_call("set_timer", &code)) return code;
    if (caxton_mock.timer_count == CAXTON_MOCK_TIMERS) {
        return caxton_mock_refuse(0, "a timer was not set: ", "1024 timers are the most");
    }
    CAXTON_MOCK_PUSH(timers, timer_count);
    caxton_mock.timers[caxton_mock.timer_count - 1].id = ++caxton_mock.last_id;
    caxton_mock.timers[caxton_mock.timer_count - 1].due = caxton_mock_after(micros);
    return caxton_mock.last_id;
}

int32_t caxton_host_cancel_timer(int32_t timer) {
    int32_t code;
    if (caxton_mock_call("cancel_timer", &code)) return code;
    for (size_t i = 0; i < caxton_mock.timer_count; i++) {
        if (caxton_mock.timers[i].id != timer) continue;
        CAXTON_MOCK_TAKE(timers, timer_count, i);
        return 0;
    }
    return CAXTON_NOT_FOUND;
}

int32_t caxton_host_store_data(const char *key, size_t key_len, const void *data, size_t len) {
    int32_t code;
    if (caxton_mock_call("store_data", &code)) return code;
    if ((code = caxton_mock_key(key_len)) < 0) return code;
    size_t at, total = key_len + len;
    bool found = caxton_mock_find(key, key_len, &at);
    for (size_t i = 0; i < caxton_mock.stored_count; i++) {
        if (!found || i != at) total += caxton_mock.stored[i].key_len + caxton_mock.stored[i].len;
    }
    if (total > CAXTON_MOCK_STORED_BYTES) {
        return caxton_mock_refuse(CAXTON_LIMIT_EXCEEDED, "a value was not stored: ", "67108864 bytes are the most");
    }
    if (!found) {
        CAXTON_MOCK_PUSH(stored, stored_count);
        caxton_mock.stored[at].key = caxton_mock_copy(key, key_len);
        caxton_mock.stored[at].key_len = key_len;
    }
    free(caxton_mock.stored[at].data);
    caxton_mock.stored[at].data = caxton_mock_copy(data, len);
    caxton_mock.stored[at].len = len;
    return 0;
}

int32_t caxton_host_load_data(const char *key, size_t key_len, void *buffer, size_t len) {
    int32_t code;
    if (caxton_mock_call("load_data", &code)) return code;
    if ((code = caxton_mock_key(key_len)) < 0) return code;
    size_t at;
    if (!caxton_mock_find(key, key_len, &at)) return CAXTON_NOT_FOUND;
    if (caxton_mock.stored[at].len > len) return CAXTON_BUFFER_TOO_SMALL;
    if (caxton_mock.stored[at].len > 0) memcpy(buffer, caxton_mock.stored[at].data, caxton_mock.stored[at].len);
    return (int32_t)caxton_mock.stored[at].len;
}

int32_t caxton_host_delete_data(const char *key, size_t key_len) {
    int32_t code;
    if (caxton_mock_call("delete_data", &code)) return code;
    if ((code = caxton_mock_key(key_len)) < 0) return code;
    size_t at;
    if (!caxton_mock_find(key, key_len, &at)) return CAXTON_NOT_FOUND;
    free(caxton_mock.stored[at].key);
    free(caxton_mock.stored[at].data);
    CAXTON_MOCK_TAKE(stored, stored_count, at);
    return 0;
}

int32_t caxton_host_data_size(const char *key, size_t key_len) {
    int32_t code;
    if (caxton_mock_call("data_size", &code)) return code;
    if ((code = caxton_mock_key(key_len)) < 0) return code;
    size_t at;
    return caxton_mock_find(key, key_len, &at) ? (int32_t)caxton_mock.stored[at].len : CAXTON_NOT_FOUND;
}

void caxton_host_console_log(const char *line, size_t len) {
    caxton_mock.calls++;
    caxton_mock_log(CAXTON_INFO, line, len);
}

void caxton_host_console_error(const char *line, size_t len) {
    caxton_mock.calls++;
    caxton_mock_log(CAXTON_ERROR, line, len);
}

void caxton_host_log(int32_t level, const char *line, size_t len) {
    caxton_mock.calls++;
    caxton_mock_log(level, line, len);
}

#ifdef __cplusplus
}
#endif

#endif
