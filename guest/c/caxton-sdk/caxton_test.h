// Tests of an agent without the runtime. One source file of the tests includes this in place of a host:
//
//   #include "caxton_test.h"
//
//   static void greets(void) {
//       CAXTON_CHECK_INT(caxton_test_deliver("{\"performative\": \"request\", \"sender\": \"ada\"}"), 0);
//       CAXTON_CHECK_JSON(caxton_json_get(caxton_test_sent(0), "performative"), "\"inform\"");
//   }
//
//   int main(void) {
//       CAXTON_RUN(greets);
//       return caxton_test_report();
//   }
//
// Each test begins with a new host, in which the agent's name is `agent`; static variables of the agent's keep what
// they were. Built with -fsanitize=address,undefined, a test also finds what reads beyond a message, keeps a slice of
// it for later, or forgets to free memory.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_TEST_H
#define CAXTON_TEST_H

#include "caxton_mock.h"

#ifdef __cplusplus
extern "C" {
#endif

// Turns

// Calls agent_init, as a deploy or a restart does: its code. Timers and subscriptions that an earlier one made are
// dropped.
static inline int32_t caxton_test_init(void);

// Hands a message to handle_message, as it stands: its code. Bytes that are no text have a length.
static inline int32_t caxton_test_deliver(const char *json);
static inline int32_t caxton_test_deliver_bytes(const void *bytes, size_t len);

// Moves the clock on, and calls handle_timer for each timer that comes due, in their order: how many they were.
static inline size_t caxton_test_advance(uint64_t micros);

// The code of the last turn.
static inline int32_t caxton_test_last_code(void);

// Asks get_capabilities, as the host does; not there if they are no JSON. To be used before the next turn.
static inline caxton_json caxton_test_capabilities(void);

// What the agent did

// How many messages it sent, and one of them, from 0 on; not there if they are fewer. The second function says to
// which agent a local message went, or to which filter a broadcast; for others it is NULL.
static inline size_t caxton_test_sent_count(void);
static inline caxton_json caxton_test_sent(size_t index);
static inline const char *caxton_test_sent_to(size_t index);

// Forgets what was sent so far, so that the next message is at 0.
static inline void caxton_test_forget_sent(void);

// How many keys it has stored, and the JSON value under one; not there if there is none, or it is no JSON.
static inline size_t caxton_test_stored_count(void);
static inline caxton_json caxton_test_stored(const char *key);

// How many timers are set, and one of them, from 0 on, in the order in which they were set; 0 if they are fewer.
static inline size_t caxton_test_timer_count(void);
static inline int32_t caxton_test_timer(size_t index);

// In how many microseconds a timer comes due; -1 if it is not set.
static inline int64_t caxton_test_timer_delay(int32_t timer);

// How many subscriptions there are, and the filter of one; NULL if there is none.
static inline size_t caxton_test_subscription_count(void);
static inline const char *caxton_test_subscription(int32_t id);

// Whether a line of the log has this level and this text in it.
static inline bool caxton_test_logged(int32_t level, const char *part);

// What the agent finds

// Stores JSON or other text, under "config" what a deployer gives.
static inline void caxton_test_store(const char *key, const char *text);

// From now on, calls of a function of the host give this code, and do nothing:
// caxton_test_fail("send_message", CAXTON_LIMIT_EXCEEDED), caxton_test_fail("set_timer", 0). The second function ends
// that.
static inline void caxton_test_fail(const char *function, int32_t code);
static inline void caxton_test_succeed(const char *function);

// How many agents a broadcast reaches: 1 unless a test says otherwise.
static inline void caxton_test_set_receivers(int32_t count);

// A new host: nothing is sent, stored, timed or logged, and the clock is where it began.
static inline void caxton_test_reset(void);

// Checks, which say where and what, and let the test go on.

#define CAXTON_CHECK(condition) caxton_test_check(__FILE__, __LINE__, (condition), #condition)
// Whole numbers, of whatever type.
#define CAXTON_CHECK_INT(actual, expected)                                                                         \
    caxton_test_check_int(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
// Texts, which may be NULL.
#define CAXTON_CHECK_TEXT(actual, expected) caxton_test_check_text(__FILE__, __LINE__, #actual, actual, expected)
// A value, and the JSON text of what it has to be the same as, whatever the order of members.
#define CAXTON_CHECK_JSON(actual, expected) caxton_test_check_json(__FILE__, __LINE__, #actual, actual, expected)

// Runs a test, a function without parameters.
#define CAXTON_RUN(test) caxton_test_run(#test, test)

// Says how many tests failed; what main is to return.
static inline int caxton_test_report(void);

// The rest is how this is done.

typedef struct {
    int tests, failed_tests, failed_checks;
    char *capabilities;
} caxton_test_state;

static caxton_test_state caxton_tests;

static inline void caxton_test_failed(const char *file, int line) {
    caxton_tests.failed_checks++;
    fprintf(stderr, "%s:%d: ", file, line);
}

static inline void caxton_test_check(const char *file, int line, bool condition, const char *text) {
    if (condition) return;
    caxton_test_failed(file, line);
    fprintf(stderr, "expected %s\n", text);
}

static inline void caxton_test_check_int(
    const char *file, int line, const char *text, int64_t actual, int64_t expected) {
    if (actual == expected) return;
    caxton_test_failed(file, line);
    fprintf(stderr, "%s is %" PRId64 ", expected %" PRId64 "\n", text, actual, expected);
}

static inline void caxton_test_check_text(
    const char *file, int line, const char *text, const char *actual, const char *expected) {
    if (actual && expected ? strcmp(actual, expected) == 0 : actual == expected) return;
    caxton_test_failed(file, line);
    fprintf(stderr, "%s is %s, expected %s\n", text, actual ? actual : "NULL", expected ? expected : "NULL");
}

static inline void caxton_test_check_json(
    const char *file, int line, const char *text, caxton_json actual, const char *expected) {
    const char *error;
    caxton_json wanted = caxton_json_parse(expected, strlen(expected), &error);
    if (!error && caxton_test_same(actual, wanted)) return;
    caxton_test_failed(file, line);
    int len = actual.len > 2000 ? 2000 : (int)actual.len;
    fprintf(stderr, "%s is %.*s, expected %s%s%s\n", text, actual.at ? len : 9, actual.at ? actual.at : "not there",
            expected, error ? ", but " : "", error ? error : "");
}

static inline void caxton_test_run(const char *name, void (*test)(void)) {
    int before = caxton_tests.failed_checks;
    caxton_test_reset();
    test();
    bool failed = caxton_tests.failed_checks > before;
    caxton_tests.tests++;
    caxton_tests.failed_tests += failed;
    printf("%s %s\n", failed ? "FAILED" : "ok", name);
    for (size_t i = 0; failed && i < caxton_mock.line_count; i++) {
        printf("    log %d: %s\n", (int)caxton_mock.lines[i].level, caxton_mock.lines[i].line);
    }
    fflush(stdout);
}

static inline int caxton_test_report(void) {
    caxton_test_reset();
    printf("%d tests, %d failed\n", caxton_tests.tests, caxton_tests.failed_tests);
    return caxton_tests.failed_tests > 0;
}

// Begins a turn, with the receiver of the message if there is one.
static inline void caxton_test_begin(caxton_json receiver) {
    caxton_mock.calls = 0;
    caxton_mock.handled = receiver;
}

static inline int32_t caxton_test_end(int32_t code) {
    caxton_mock.handled = caxton_impl_absent();
    if (caxton_mock.calls > CAXTON_MOCK_HOST_CALLS) {
        caxton_test_failed(__FILE__, __LINE__);
        fprintf(stderr, "the turn made more than its limit of %d host calls\n", (int)CAXTON_MOCK_HOST_CALLS);
    }
    return caxton_mock.last_code = code;
}

static inline void caxton_test_unsubscribe_all(void) {
    while (caxton_mock.subscription_count > 0) {
        free(caxton_mock.subscriptions[--caxton_mock.subscription_count].filter);
    }
}

static inline int32_t caxton_test_init(void) {
    caxton_mock.timer_count = 0;
    caxton_test_unsubscribe_all();
    caxton_test_begin(caxton_impl_absent());
    return caxton_test_end(agent_init());
}

static inline int32_t caxton_test_deliver(const char *json) { return caxton_test_deliver_bytes(json, strlen(json)); }

static inline int32_t caxton_test_deliver_bytes(const void *bytes, size_t len) {
    // A block that ends where the message does, and is gone when the turn is over.
    char *inbox = caxton_impl_allocate(len);
    if (len > 0) memcpy(inbox, bytes, len);
    caxton_test_begin(caxton_json_get(caxton_json_parse(inbox, len, NULL), "receiver"));
    int32_t code = caxton_test_end(handle_message(inbox, len));
    free(inbox);
    return code;
}

static inline size_t caxton_test_advance(uint64_t micros) {
    uint64_t end = caxton_mock_after(micros);
    size_t fired = 0;
    for (;; fired++) {
        size_t next = caxton_mock.timer_count;
        for (size_t i = 0; i < caxton_mock.timer_count; i++) {
            if (caxton_mock.timers[i].due > end) continue;
            if (next == caxton_mock.timer_count || caxton_mock.timers[i].due < caxton_mock.timers[next].due) next = i;
        }
        if (next == caxton_mock.timer_count) break;
        if (fired == 100000) {
            caxton_test_failed(__FILE__, __LINE__);
            fprintf(stderr, "the agent sets timers without end\n");
            break;
        }
        int32_t id = caxton_mock.timers[next].id;
        if (caxton_mock.timers[next].due > caxton_mock.now) caxton_mock.now = caxton_mock.timers[next].due;
        CAXTON_MOCK_TAKE(timers, timer_count, next);
        caxton_test_begin(caxton_impl_absent());
        caxton_test_end(handle_timer(id));
    }
    if (caxton_mock.now < end) caxton_mock.now = end;
    return fired;
}

static inline int32_t caxton_test_last_code(void) { return caxton_mock.last_code; }

static inline caxton_json caxton_test_capabilities(void) {
    size_t room = 2048;
    for (int attempt = 0; attempt < 2; attempt++) {
        free(caxton_tests.capabilities);
        caxton_tests.capabilities = caxton_impl_allocate(room);
        caxton_test_begin(caxton_impl_absent());
        int32_t len = caxton_test_end(get_capabilities(caxton_tests.capabilities, room));
        if (len <= 0 || len > CAXTON_MOCK_MESSAGE_BYTES) break;
        if ((size_t)len <= room) return caxton_json_parse(caxton_tests.capabilities, (size_t)len, NULL);
        room = (size_t)len;
    }
    return caxton_impl_absent();
}

static inline size_t caxton_test_sent_count(void) { return caxton_mock.sent_count; }

static inline caxton_json caxton_test_sent(size_t index) {
    if (index >= caxton_mock.sent_count) return caxton_impl_absent();
    return caxton_json_parse(caxton_mock.sent[index].text, caxton_mock.sent[index].len, NULL);
}

static inline const char *caxton_test_sent_to(size_t index) {
    return index < caxton_mock.sent_count ? caxton_mock.sent[index].to : NULL;
}

static inline void caxton_test_forget_sent(void) {
    while (caxton_mock.sent_count > 0) {
        caxton_mock.sent_count--;
        free(caxton_mock.sent[caxton_mock.sent_count].text);
        free(caxton_mock.sent[caxton_mock.sent_count].to);
    }
}

static inline size_t caxton_test_stored_count(void) { return caxton_mock.stored_count; }

static inline caxton_json caxton_test_stored(const char *key) {
    size_t at;
    if (!caxton_mock_find(key, strlen(key), &at)) return caxton_impl_absent();
    return caxton_json_parse(caxton_mock.stored[at].data, caxton_mock.stored[at].len, NULL);
}

static inline size_t caxton_test_timer_count(void) { return caxton_mock.timer_count; }

static inline int32_t caxton_test_timer(size_t index) {
    return index < caxton_mock.timer_count ? caxton_mock.timers[index].id : 0;
}

static inline int64_t caxton_test_timer_delay(int32_t timer) {
    for (size_t i = 0; i < caxton_mock.timer_count; i++) {
        if (caxton_mock.timers[i].id != timer) continue;
        uint64_t due = caxton_mock.timers[i].due;
        uint64_t delay = due > caxton_mock.now ? due - caxton_mock.now : 0;
        return delay > INT64_MAX ? INT64_MAX : (int64_t)delay;
    }
    return -1;
}

static inline size_t caxton_test_subscription_count(void) { return caxton_mock.subscription_count; }

static inline const char *caxton_test_subscription(int32_t id) {
    for (size_t i = 0; i < caxton_mock.subscription_count; i++) {
        if (caxton_mock.subscriptions[i].id == id) return caxton_mock.subscriptions[i].filter;
    }
    return NULL;
}

static inline bool caxton_test_logged(int32_t level, const char *part) {
    for (size_t i = 0; i < caxton_mock.line_count; i++) {
        if (caxton_mock.lines[i].level == level && strstr(caxton_mock.lines[i].line, part)) return true;
    }
    return false;
}

static inline void caxton_test_store(const char *key, const char *text) {
    caxton_host_store_data(key, strlen(key), text, strlen(text));
}

static inline void caxton_test_fail(const char *function, int32_t code) {
    static const char *const functions[] = {
        "send_message", "send_local_message", "broadcast_message", "subscribe_messages", "unsubscribe_messages",
        "set_timer", "cancel_timer", "store_data", "load_data", "delete_data", "data_size"};
    bool known = false;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) known |= strcmp(function, functions[i]) == 0;
    if (!known) {
        fprintf(stderr, "caxton_test_fail: the host has no function %s that can fail\n", function);
        abort();
    }
    caxton_test_succeed(function);
    caxton_mock.failures[caxton_mock.failure_count].function = function;
    caxton_mock.failures[caxton_mock.failure_count++].code = code;
}

static inline void caxton_test_succeed(const char *function) {
    for (size_t i = 0; i < caxton_mock.failure_count; i++) {
        if (strcmp(caxton_mock.failures[i].function, function) != 0) continue;
        CAXTON_MOCK_TAKE(failures, failure_count, i);
        return;
    }
}

static inline void caxton_test_set_receivers(int32_t count) { caxton_mock.receivers = count; }

static inline void caxton_test_reset(void) {
    caxton_test_forget_sent();
    while (caxton_mock.stored_count > 0) {
        caxton_mock.stored_count--;
        free(caxton_mock.stored[caxton_mock.stored_count].key);
        free(caxton_mock.stored[caxton_mock.stored_count].data);
    }
    caxton_test_unsubscribe_all();
    while (caxton_mock.line_count > 0) free(caxton_mock.lines[--caxton_mock.line_count].line);
    free(caxton_mock.sent);
    free(caxton_mock.stored);
    free(caxton_mock.timers);
    free(caxton_mock.subscriptions);
    free(caxton_mock.lines);
    free(caxton_tests.capabilities);
    caxton_tests.capabilities = NULL;
    memset(&caxton_mock, 0, sizeof caxton_mock);
    caxton_mock.now = CAXTON_MOCK_START;
    caxton_mock.random = 2463534242u;
    caxton_mock.receivers = 1;
}

#ifdef __cplusplus
}
#endif

#endif
