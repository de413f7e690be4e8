// Stored data, timers, subscriptions and the log; and that the host of the tests refuses what the real one does.

#include "caxton_test.h"

// An agent that does what the test sets.
static int32_t (*next_turn)(const char *ptr, size_t len);
static int32_t rung[4];
static size_t rings;

int32_t handle_message(const char *ptr, size_t len) { return next_turn(ptr, len); }

int32_t handle_timer(int32_t timer) {
    rung[rings++ % 4] = timer;
    return (int32_t)rings;
}

int32_t agent_init(void) {
    rings = 0;
    return caxton_set_timer(5) > 0 && caxton_subscribe_messages("{}") > 0 ? 0 : 1;
}

static const char *capabilities;

int32_t get_capabilities(char *ptr, size_t len) { return caxton_give_capabilities(ptr, len, capabilities); }

static void stores_bytes(void) {
    char bytes[4] = "....";
    CAXTON_CHECK_INT(caxton_data_size("k"), CAXTON_NOT_FOUND);
    CAXTON_CHECK_INT(caxton_load_data("k", bytes, 4), CAXTON_NOT_FOUND);
    CAXTON_CHECK_INT(caxton_delete_data("k"), CAXTON_NOT_FOUND);
    CAXTON_CHECK_INT(caxton_store_data("k", "a\0b", 3), 0);
    CAXTON_CHECK_INT(caxton_data_size("k"), 3);
    CAXTON_CHECK_INT(caxton_load_data("k", bytes, 2), CAXTON_BUFFER_TOO_SMALL);
    CAXTON_CHECK(bytes[0] == '.');
    CAXTON_CHECK_INT(caxton_load_data("k", bytes, 4), 3);
    CAXTON_CHECK(memcmp(bytes, "a\0b.", 4) == 0);
    CAXTON_CHECK_INT(caxton_store_data("k", NULL, 0), 0);
    CAXTON_CHECK_INT(caxton_data_size("k"), 0);
    CAXTON_CHECK_INT(caxton_load_data("k", NULL, 0), 0);
    CAXTON_CHECK_INT(caxton_test_stored_count(), 1);
    CAXTON_CHECK_INT(caxton_delete_data("k"), 0);
    CAXTON_CHECK_INT(caxton_test_stored_count(), 0);
    char key[4098];
    memset(key, 'k', sizeof key);
    key[4097] = '\0';
    CAXTON_CHECK_INT(caxton_store_data(key, "v", 1), CAXTON_INVALID_ARGUMENT);
    key[4096] = '\0';
    CAXTON_CHECK_INT(caxton_store_data(key, "v", 1), 0);
}

static void stores_json(void) {
    caxton_stored stored;
    int64_t whole = 0;
    CAXTON_CHECK_INT(caxton_load("n", &stored), CAXTON_NOT_FOUND);
    caxton_stored_free(&stored);
    CAXTON_CHECK_INT(caxton_store("n", caxton_json_parse("9007199254740993", 16, NULL)), 0);
    CAXTON_CHECK_INT(caxton_load("n", &stored), 0);
    CAXTON_CHECK(caxton_json_int(stored.value, &whole) && whole == 9007199254740993);
    caxton_stored_free(&stored);
    CAXTON_CHECK_JSON(caxton_test_stored("n"), "9007199254740993");
    CAXTON_CHECK_INT(caxton_store("n", caxton_json_parse("{", 1, NULL)), CAXTON_INVALID_ARGUMENT);
    CAXTON_CHECK_JSON(caxton_test_stored("n"), "9007199254740993");

    caxton_test_store("config", "{not json");
    CAXTON_CHECK_INT(caxton_load("config", &stored), CAXTON_INVALID_ARGUMENT);
    CAXTON_CHECK(stored.value.at == NULL);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "what is stored under \"config\" cannot be read: it is not JSON"));
    caxton_stored_free(&stored);
    CAXTON_CHECK_INT(caxton_store_data("config", "", 0), 0);
    CAXTON_CHECK_INT(caxton_load("config", &stored), CAXTON_INVALID_ARGUMENT);
    caxton_stored_free(&stored);
}

static void fires_timers_in_their_order(void) {
    rings = 0;
    int32_t late = caxton_set_timer(2000), soon = caxton_set_timer(1000), never = caxton_set_timer(1500);
    uint64_t start = caxton_current_timestamp();
    CAXTON_CHECK(late > 0 && soon > 0 && never > 0 && late != soon);
    CAXTON_CHECK_INT(caxton_test_timer(1), soon);
    CAXTON_CHECK_INT(caxton_test_timer(3), 0);
    CAXTON_CHECK_INT(caxton_cancel_timer(never), 0);
    CAXTON_CHECK_INT(caxton_cancel_timer(never), CAXTON_NOT_FOUND);
    CAXTON_CHECK_INT(caxton_test_timer_count(), 2);
    CAXTON_CHECK_INT(caxton_test_timer_delay(late), 2000);
    CAXTON_CHECK_INT(caxton_test_timer_delay(never), -1);
    CAXTON_CHECK_INT(caxton_test_advance(999), 0);
    CAXTON_CHECK_INT(caxton_test_advance(1), 1);
    CAXTON_CHECK_INT(rung[0], soon);
    CAXTON_CHECK_INT(caxton_test_last_code(), 1);
    CAXTON_CHECK_INT(caxton_test_timer_delay(late), 1000);
    CAXTON_CHECK_INT(caxton_test_advance(1000000), 1);
    CAXTON_CHECK_INT(rung[1], late);
    CAXTON_CHECK(caxton_current_timestamp() - start == 1001000);
    int32_t second = caxton_set_timer(20), first = caxton_set_timer(10), third = caxton_set_timer(20);
    CAXTON_CHECK_INT(caxton_test_advance(30), 3);
    CAXTON_CHECK(rung[2] == first && rung[3] == second && rung[0] == third);
    CAXTON_CHECK(caxton_set_timer(UINT64_MAX) > 0);
    CAXTON_CHECK_INT(caxton_test_advance(INT64_MAX), 0);
}

static void refuses_more_timers_and_subscriptions(void) {
    for (int i = 0; i < 1024; i++) CAXTON_CHECK(caxton_set_timer(1) > 0);
    CAXTON_CHECK_INT(caxton_set_timer(1), 0);
    CAXTON_CHECK(caxton_test_logged(CAXTON_WARN, "1024 timers are the most"));
    for (int i = 0; i < 64; i++) CAXTON_CHECK(caxton_subscribe_messages("{\"topic\": \"news\"}") > 0);
    CAXTON_CHECK_INT(caxton_subscribe_messages("{}"), CAXTON_LIMIT_EXCEEDED);
}

static void subscribes(void) {
    int32_t id = caxton_subscribe_messages("{\"topic\": [\"a\", \"b\"], \"performative\": \"QUERY_IF\"}");
    CAXTON_CHECK(id > 0);
    CAXTON_CHECK_TEXT(caxton_test_subscription(id), "{\"topic\": [\"a\", \"b\"], \"performative\": \"QUERY_IF\"}");
    CAXTON_CHECK_INT(caxton_test_subscription_count(), 1);
    CAXTON_CHECK_INT(caxton_unsubscribe_messages(id), 0);
    CAXTON_CHECK_INT(caxton_unsubscribe_messages(id), CAXTON_NOT_FOUND);
    CAXTON_CHECK_TEXT(caxton_test_subscription(id), NULL);
    static const char *const wrong[] = {"", "[]", "{\"colour\": \"red\"}", "{\"topic\": 5}", "{\"topic\": [5]}",
                                        "{\"performative\": \"dance\"}", "{\"performative\": [\"inform\", \"x\"]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CAXTON_CHECK_INT(caxton_subscribe_messages(wrong[i]), CAXTON_INVALID_ARGUMENT);
    }
    CAXTON_CHECK(caxton_test_logged(CAXTON_WARN, "this is not a filter: it has a field that filters do not have"));
}

static void logs_at_levels(void) {
    caxton_console_log("as info");
    caxton_console_error("as error");
    caxton_log(CAXTON_TRACE, "as trace");
    caxton_log(0, "below");
    caxton_log(9, "above");
    CAXTON_CHECK(caxton_test_logged(CAXTON_INFO, "as info") && !caxton_test_logged(CAXTON_WARN, "as info"));
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "as error"));
    CAXTON_CHECK(caxton_test_logged(CAXTON_TRACE, "as trace"));
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "below") && caxton_test_logged(CAXTON_TRACE, "above"));
}

static int32_t send_raw(const char *text) { return caxton_host_send_message(text, strlen(text)); }

static void refuses_what_is_no_message(void) {
    static const char *const wrong[] = {
        "{", "[]", "{\"receiver\":\"a\"}", "{\"performative\":\"dance\",\"receiver\":\"a\"}",
        "{\"performative\":\"inform\"}", "{\"performative\":\"inform\",\"receiver\":[]}",
        "{\"performative\":\"inform\",\"receiver\":5}",
        "{\"performative\":\"inform\",\"receiver\":\"a\",\"receiver\":\"b\"}",
        "{\"performative\":\"inform\",\"receiver\":\"a\",\"protocol\":5}",
        "{\"performative\":\"inform\",\"receiver\":\"a\",\"reply_by\":-1}",
        "{\"performative\":\"inform\",\"receiver\":\"a\",\"reply_by\":\"2026-01-01\"}",
        "{\"performative\":\"inform\",\"receiver\":\"a\",\"reply_by\":\"2026-01-01T00:00:00\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CAXTON_CHECK_INT(send_raw(wrong[i]), CAXTON_INVALID_ARGUMENT);
    }
    CAXTON_CHECK(caxton_test_logged(CAXTON_WARN, "a message was not sent: it has no `receiver`"));
    size_t len = (1 << 20) + 1;
    char *large = caxton_impl_allocate(len);
    memset(large, ' ', len);
    CAXTON_CHECK_INT(caxton_host_send_message(large, len), CAXTON_LIMIT_EXCEEDED);
    free(large);
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    CAXTON_CHECK_INT(send_raw("{\"performative\":\"QUERY_IF\",\"receiver\":[\"a\",\"b\"],\"X-any\":[1]}"), 0);
    static const char *const times[] = {
        "17", "\"2026-01-01T00:00:00Z\"", "\"2026-01-01T00:00:00.125+01:00\"", "null"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char *text = caxton_join("{\"performative\":\"cfp\",\"receiver\":\"a\",\"reply_by\":", times[i], "}", NULL);
        CAXTON_CHECK_INT(send_raw(text), 0);
        free(text);
    }
}

static int32_t send_as_others(const char *ptr, size_t len) {
    (void)ptr, (void)len;
    CAXTON_CHECK_INT(send_raw("{\"performative\":\"inform\",\"receiver\":\"a\",\"sender\":\"ams\"}"),
                     CAXTON_PERMISSION_DENIED);
    CAXTON_CHECK_INT(send_raw("{\"performative\":\"inform\",\"receiver\":\"a\",\"sender\":\"agent\"}"), 0);
    return send_raw("{\"performative\":\"inform\",\"receiver\":\"a\",\"sender\":\"topic:news\"}");
}

static void knows_who_speaks(void) {
    next_turn = send_as_others;
    CAXTON_CHECK_INT(caxton_test_deliver("{\"receiver\": \"topic:news\"}"), 0);
    CAXTON_CHECK_INT(caxton_test_deliver("{\"receiver\": \"agent\"}"), CAXTON_PERMISSION_DENIED);
}

static int32_t count_bytes(const char *ptr, size_t len) {
    size_t zeros = 0;
    for (size_t i = 0; i < len; i++) zeros += ptr[i] == '\0';
    return (int32_t)(len * 10 + zeros);
}

static void delivers_bytes_as_they_are(void) {
    next_turn = count_bytes;
    CAXTON_CHECK_INT(caxton_test_deliver("abc"), 30);
    CAXTON_CHECK_INT(caxton_test_deliver_bytes("a\0\0", 3), 32);
    CAXTON_CHECK_INT(caxton_test_deliver_bytes(NULL, 0), 0);
    CAXTON_CHECK_INT(caxton_test_last_code(), 0);
}

static void starts_again(void) {
    CAXTON_CHECK_INT(caxton_test_init(), 0);
    CAXTON_CHECK_INT(caxton_test_init(), 0);
    CAXTON_CHECK_INT(caxton_test_timer_count(), 1);
    CAXTON_CHECK_INT(caxton_test_subscription_count(), 1);
    caxton_test_fail("set_timer", 0);
    CAXTON_CHECK_INT(caxton_test_init(), 1);
}

static void asks_for_capabilities(void) {
    capabilities = "{\"services\": []}";
    CAXTON_CHECK_JSON(caxton_test_capabilities(), capabilities);
    char large[3000];
    memset(large, ' ', sizeof large);
    memcpy(large, "[]", 2);
    large[sizeof large - 1] = '\0';
    capabilities = large;
    CAXTON_CHECK_JSON(caxton_test_capabilities(), "[]");
    capabilities = "";
    CAXTON_CHECK(caxton_test_capabilities().at == NULL);
    char few[4] = "....";
    CAXTON_CHECK_INT(caxton_give_capabilities(few, 2, "{  }"), 4);
    CAXTON_CHECK(few[0] == '.');
}

static void passes_the_hosts_errors_on(void) {
    caxton_fipa_message message = {0};
    caxton_stored stored;
    char byte;
    message.performative = "inform";
    message.receiver = message.sender = "agent";
    caxton_test_store("n", "1");
    caxton_test_fail("send_message", CAXTON_LIMIT_EXCEEDED);
    caxton_test_fail("send_local_message", CAXTON_MAILBOX_FULL);
    caxton_test_fail("broadcast_message", CAXTON_PERMISSION_DENIED);
    caxton_test_fail("subscribe_messages", CAXTON_LIMIT_EXCEEDED);
    caxton_test_fail("unsubscribe_messages", -9);
    caxton_test_fail("set_timer", 0);
    caxton_test_fail("cancel_timer", CAXTON_LIMIT_EXCEEDED);
    caxton_test_fail("store_data", CAXTON_LIMIT_EXCEEDED);
    caxton_test_fail("load_data", CAXTON_BUFFER_TOO_SMALL);
    caxton_test_fail("delete_data", CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_send_message(&message), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_send_failure(&message, "x"), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_send_local_message("a", &message), CAXTON_MAILBOX_FULL);
    CAXTON_CHECK_INT(caxton_broadcast_message("{}", &message), CAXTON_PERMISSION_DENIED);
    CAXTON_CHECK_INT(caxton_subscribe_messages("{}"), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_unsubscribe_messages(1), -9);
    CAXTON_CHECK_INT(caxton_set_timer(1), 0);
    CAXTON_CHECK_INT(caxton_cancel_timer(1), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_store_data("n", "2", 1), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_load_data("n", &byte, 1), CAXTON_BUFFER_TOO_SMALL);
    CAXTON_CHECK_INT(caxton_load("n", &stored), CAXTON_BUFFER_TOO_SMALL);
    caxton_stored_free(&stored);
    CAXTON_CHECK_INT(caxton_delete_data("n"), CAXTON_LIMIT_EXCEEDED);
    caxton_test_fail("data_size", CAXTON_INVALID_ARGUMENT);
    CAXTON_CHECK_INT(caxton_load("n", &stored), CAXTON_INVALID_ARGUMENT);
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    CAXTON_CHECK_JSON(caxton_test_stored("n"), "1");
    caxton_test_succeed("send_message");
    CAXTON_CHECK_INT(caxton_send_message(&message), 0);
}

static void says_what_errors_mean(void) {
    static const char *const names[] = {"not found", "invalid argument", "permission denied", "limit exceeded",
                                        "buffer too small", "mailbox full"};
    for (int32_t code = -1; code >= -6; code--) {
        const char *text = caxton_error_text(code);
        CAXTON_CHECK(strstr(text, names[-code - 1]) == text);
    }
    CAXTON_CHECK_TEXT(caxton_error_text(0), "no error");
    CAXTON_CHECK(strstr(caxton_error_text(-77), "not known here"));
}

static void has_time_and_chance(void) {
    uint64_t before = caxton_current_timestamp();
    caxton_sleep_micros(250);
    CAXTON_CHECK(caxton_current_timestamp() - before == 250);
    uint32_t first = caxton_random_u32();
    CAXTON_CHECK(first != caxton_random_u32());
    caxton_test_reset();
    CAXTON_CHECK(first == caxton_random_u32());
    CAXTON_CHECK(caxton_current_timestamp() == before);
}

static void compares_values(void) {
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1}", true},
        {"\"\\u00e9\"", "\"\xC3\xA9\"", true},
        {"1.0", "1", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"18446744073709551615", "18446744073709551614", false},
        {"true", "false", false},
        {"0", "null", false},
        {"\"1\"", "1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        caxton_json a = caxton_json_parse(cases[i].a, strlen(cases[i].a), NULL);
        caxton_json b = caxton_json_parse(cases[i].b, strlen(cases[i].b), NULL);
        CAXTON_CHECK(caxton_test_same(a, b) == cases[i].same && caxton_test_same(b, a) == cases[i].same);
    }
}

int main(void) {
    CAXTON_RUN(stores_bytes);
    CAXTON_RUN(stores_json);
    CAXTON_RUN(fires_timers_in_their_order);
    CAXTON_RUN(refuses_more_timers_and_subscriptions);
    CAXTON_RUN(subscribes);
    CAXTON_RUN(logs_at_levels);
    CAXTON_RUN(refuses_what_is_no_message);
    CAXTON_RUN(knows_who_speaks);
    CAXTON_RUN(delivers_bytes_as_they_are);
    CAXTON_RUN(starts_again);
    CAXTON_RUN(asks_for_capabilities);
    CAXTON_RUN(passes_the_hosts_errors_on);
    CAXTON_RUN(says_what_errors_mean);
    CAXTON_RUN(has_time_and_chance);
    CAXTON_RUN(compares_values);
    return caxton_test_report();
}
