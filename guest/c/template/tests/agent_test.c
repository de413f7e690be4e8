// Tests of the agent without the runtime: the host is a mock.

#include "caxton_test.h"

static const char limit_exceeded[] =
    "{\"error\":\"limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more\"}";

// Delivers a message with this content; the agent's code.
static int32_t deliver(const char *performative, const char *content) {
    char *message = caxton_join("{\"performative\":\"", performative, "\",\"sender\":\"tester\",\"receiver\":\"agent\",",
                                "\"reply_with\":\"1\",\"content\":", content, "}", NULL);
    int32_t code = caxton_test_deliver(message);
    free(message);
    return code;
}

static int32_t request(const char *content) { return deliver("request", content); }

// Checks the only answer since the last.
static void check_answer(const char *performative, const char *content) {
    caxton_json answer = caxton_test_sent(0);
    CAXTON_CHECK_INT(caxton_test_sent_count(), 1);
    CAXTON_CHECK(caxton_json_equals(caxton_json_get(answer, "performative"), performative));
    CAXTON_CHECK_JSON(caxton_json_get(answer, "receiver"), "\"tester\"");
    CAXTON_CHECK_JSON(caxton_json_get(answer, "in_reply_to"), "\"1\"");
    if (content) CAXTON_CHECK_JSON(caxton_json_get(answer, "content"), content);
    else CAXTON_CHECK(!caxton_json_has_value(caxton_json_get(answer, "content")));
    caxton_test_forget_sent();
}

static void says_that_it_is_ready_and_what_it_can_do(void) {
    CAXTON_CHECK_INT(caxton_test_init(), 0);
    CAXTON_CHECK(caxton_test_logged(CAXTON_INFO, "my-agent is ready"));
    CAXTON_CHECK_JSON(caxton_test_capabilities(), "{\"version\":\"0.1.0\",\"performatives\":[\"request\"],"
                                                  "\"services\":[{\"name\":\"greeting\"}]}");
}

static void greets_and_counts(void) {
    CAXTON_CHECK_INT(request("{\"action\":\"greet\",\"name\":\"Ada\"}"), 0);
    check_answer("inform", "{\"result\":{\"greeting\":\"Hello, Ada!\",\"greeted\":1}}");
    CAXTON_CHECK_INT(caxton_test_init(), 0);
    CAXTON_CHECK_INT(request("{\"action\":\"greet\",\"name\":\"Zo\\u00eb \\\"Z\\\"\"}"), 0);
    check_answer("inform", "{\"result\":{\"greeting\":\"Hello, Zo\xC3\xAB \\\"Z\\\"!\",\"greeted\":2}}");
    CAXTON_CHECK_JSON(caxton_test_stored("greeted"), "2");
}

static void needs_a_name(void) {
    static const char *const contents[] = {
        "{\"action\":\"greet\"}", "{\"action\":\"greet\",\"name\":\"\"}", "{\"action\":\"greet\",\"name\":5}",
        "{\"action\":\"greet\",\"name\":null}"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        CAXTON_CHECK_INT(request(contents[i]), 1);
        check_answer("failure",
                     "{\"error\":\"Expected a name, as in {\\\"action\\\": \\\"greet\\\", \\\"name\\\": \\\"Ada\\\"}\"}");
    }
    CAXTON_CHECK_INT(caxton_test_stored_count(), 0);
}

static void fails_where_it_cannot_count(void) {
    caxton_test_fail("store_data", CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(request("{\"action\":\"greet\",\"name\":\"Ada\"}"), 1);
    check_answer("failure", limit_exceeded);
}

static void reminds(void) {
    CAXTON_CHECK_INT(request("{\"action\":\"remind\",\"after_micros\":1000,\"text\":\"tea\"}"), 0);
    check_answer("agree", NULL);
    int32_t timer = caxton_test_timer(0);
    CAXTON_CHECK_INT(caxton_test_timer_count(), 1);
    CAXTON_CHECK_INT(caxton_test_timer_delay(timer), 1000);
    char digits[CAXTON_DECIMAL_ROOM], *key = caxton_join("reminder:", caxton_decimal(timer, digits), NULL);
    CAXTON_CHECK(caxton_test_stored(key).at != NULL);
    free(key);

    CAXTON_CHECK_INT(caxton_test_advance(999), 0);
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    CAXTON_CHECK_INT(caxton_test_advance(1), 1);
    CAXTON_CHECK_INT(caxton_test_last_code(), 0);
    check_answer("inform", "{\"result\":{\"reminder\":\"tea\"}}");
    CAXTON_CHECK_INT(caxton_test_stored_count(), 0);
}

static void needs_microseconds_and_a_text(void) {
    static const char *const contents[] = {
        "{\"action\":\"remind\",\"text\":\"tea\"}", "{\"action\":\"remind\",\"after_micros\":-1,\"text\":\"tea\"}",
        "{\"action\":\"remind\",\"after_micros\":1.5,\"text\":\"tea\"}",
        "{\"action\":\"remind\",\"after_micros\":\"1000\",\"text\":\"tea\"}",
        "{\"action\":\"remind\",\"after_micros\":9007199254740992,\"text\":\"tea\"}",
        "{\"action\":\"remind\",\"after_micros\":1000}", "{\"action\":\"remind\",\"after_micros\":1000,\"text\":5}"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        CAXTON_CHECK_INT(request(contents[i]), 1);
        check_answer("failure", "{\"error\":\"Expected microseconds and a text, as in "
                                "{\\\"action\\\": \\\"remind\\\", \\\"after_micros\\\": 1000, \\\"text\\\": \\\"tea\\\"}\"}");
    }
    CAXTON_CHECK_INT(caxton_test_timer_count(), 0);
}

static void fails_where_it_cannot_remind(void) {
    static const char *const functions[] = {"set_timer", "store_data"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        caxton_test_fail(functions[i], i == 0 ? 0 : CAXTON_LIMIT_EXCEEDED);
        CAXTON_CHECK_INT(request("{\"action\":\"remind\",\"after_micros\":1000,\"text\":\"tea\"}"), 1);
        check_answer("failure", limit_exceeded);
        CAXTON_CHECK_INT(caxton_test_timer_count(), 0);
        CAXTON_CHECK_INT(caxton_test_stored_count(), 0);
        caxton_test_succeed(functions[i]);
    }
}

static void understands_no_other_actions_and_acts(void) {
    CAXTON_CHECK_INT(request("{\"action\":\"dance\"}"), 1);
    check_answer("not-understood", "{\"error\":\"Unknown action: dance\"}");
    static const char *const contents[] = {"{}", "{\"action\":5}", "\"greet\"", "null"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        CAXTON_CHECK_INT(request(contents[i]), 1);
        check_answer("not-understood", "{\"error\":\"No action given\"}");
    }
    static const char *const acts[] = {"query-if", "agree", "refuse"};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        char *error = caxton_join("{\"error\":\"Unsupported performative: ", acts[i], "\"}", NULL);
        CAXTON_CHECK_INT(deliver(acts[i], "{\"action\":\"greet\",\"name\":\"Ada\"}"), 1);
        check_answer("not-understood", error);
        free(error);
    }
}

static void does_not_answer_what_ends_an_exchange(void) {
    static const char *const acts[] = {"inform", "failure", "not-understood"};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        CAXTON_CHECK_INT(deliver(acts[i], "{\"action\":\"greet\"}"), 0);
    }
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
}

static void logs_what_it_cannot_read(void) {
    CAXTON_CHECK_INT(caxton_test_deliver("{"), 1);
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "the message cannot be read: "));
}

int main(void) {
    CAXTON_RUN(says_that_it_is_ready_and_what_it_can_do);
    CAXTON_RUN(greets_and_counts);
    CAXTON_RUN(needs_a_name);
    CAXTON_RUN(fails_where_it_cannot_count);
    CAXTON_RUN(reminds);
    CAXTON_RUN(needs_microseconds_and_a_text);
    CAXTON_RUN(fails_where_it_cannot_remind);
    CAXTON_RUN(understands_no_other_actions_and_acts);
    CAXTON_RUN(does_not_answer_what_ends_an_exchange);
    CAXTON_RUN(logs_what_it_cannot_read);
    return caxton_test_report();
}
