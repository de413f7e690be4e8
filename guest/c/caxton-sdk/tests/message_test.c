// Reading, sending and answering messages.

#include "caxton_test.h"

static int32_t parse(const char *text, caxton_fipa_message *message) {
    return caxton_parse_message(text, strlen(text), message);
}

static void reads_every_field(void) {
    caxton_fipa_message message;
    CAXTON_CHECK_INT(
        parse("{\"performative\": \"request\", \"sender\": \"ada\", \"receiver\": \"agent\", \"content\": {\"a\": [1]},"
              "\"reply_to\": \"bob\", \"language\": \"json\", \"encoding\": \"utf-8\", \"ontology\": \"o\","
              "\"protocol\": \"fipa-request\", \"conversation_id\": \"c\\u00e9\\\"\", \"reply_with\": \"r\","
              "\"in_reply_to\": \"i\", \"reply_by\": \"2026-01-01T00:00:00Z\", \"message_id\": \"m\","
              "\"sent_at\": 1767225600000001}",
              &message),
        0);
    CAXTON_CHECK_TEXT(message.performative, "request");
    CAXTON_CHECK_TEXT(message.sender, "ada");
    CAXTON_CHECK_TEXT(message.receiver, "agent");
    CAXTON_CHECK(message.receivers.at == NULL);
    CAXTON_CHECK_JSON(message.content, "{\"a\": [1]}");
    CAXTON_CHECK_TEXT(message.reply_to, "bob");
    CAXTON_CHECK_TEXT(message.language, "json");
    CAXTON_CHECK_TEXT(message.encoding, "utf-8");
    CAXTON_CHECK_TEXT(message.ontology, "o");
    CAXTON_CHECK_TEXT(message.protocol, "fipa-request");
    CAXTON_CHECK_TEXT(message.conversation_id, "c\xC3\xA9\"");
    CAXTON_CHECK_TEXT(message.reply_with, "r");
    CAXTON_CHECK_TEXT(message.in_reply_to, "i");
    CAXTON_CHECK_TEXT(message.reply_by, "2026-01-01T00:00:00Z");
    CAXTON_CHECK_TEXT(message.message_id, "m");
    CAXTON_CHECK(message.sent_at == UINT64_C(1767225600000001));
    caxton_message_free(&message);
    CAXTON_CHECK(message.performative == NULL);
}

static void needs_only_the_act(void) {
    caxton_fipa_message message;
    CAXTON_CHECK_INT(parse("{\"performative\":\"cancel\"}", &message), 0);
    CAXTON_CHECK(!message.sender && !message.receiver && !message.content.at);
    CAXTON_CHECK(!message.reply_by && !message.sent_at);
    caxton_message_free(&message);
    CAXTON_CHECK_INT(
        parse("{\"performative\":\"inform\",\"sender\":null,\"receiver\":null,\"content\":null,\"reply_by\":null,"
              "\"sent_at\":null,\"X-colour\":[{}],\"traceparent\":1,\"\":false}",
              &message),
        0);
    CAXTON_CHECK(!message.sender && !message.receiver && !message.content.at);
    caxton_message_free(&message);
}

// Texts that fill the message take all of the memory that is set aside for them.
static void reads_long_texts(void) {
    char ada[1001], once[1001];
    memset(ada, 'a', 1000);
    memset(once, '1', 1000);
    ada[1000] = once[1000] = '\0';
    char *text = caxton_join("{\"performative\":\"inform\",\"sender\":\"", ada, "\",\"receiver\":[\"", ada,
                             "\"],\"conversation_id\":\"", once, "\",\"reply_by\":1}", NULL);
    caxton_fipa_message message;
    CAXTON_CHECK_INT(parse(text, &message), 0);
    CAXTON_CHECK_TEXT(message.sender, ada);
    CAXTON_CHECK_TEXT(message.receiver, ada);
    CAXTON_CHECK_TEXT(message.conversation_id, once);
    CAXTON_CHECK_TEXT(message.reply_by, "1");
    caxton_message_free(&message);
    free(text);
}

static void reads_receivers_and_deadlines(void) {
    caxton_fipa_message message;
    CAXTON_CHECK_INT(
        parse("{\"receiver\":[\"a\",\"b\\u0062\"],\"performative\":\"cfp\",\"reply_by\":17}", &message), 0);
    CAXTON_CHECK_TEXT(message.receiver, "a");
    CAXTON_CHECK_TEXT(message.reply_by, "17");
    CAXTON_CHECK_JSON(message.receivers, "[\"a\", \"bb\"]");
    caxton_writer out = {0};
    caxton_write_message(&out, &message);
    CAXTON_CHECK_JSON(caxton_written(&out), "{\"performative\":\"cfp\",\"receiver\":[\"a\",\"bb\"],\"reply_by\":17}");
    caxton_writer_free(&out);
    caxton_message_free(&message);
    CAXTON_CHECK_INT(parse("{\"receiver\":[],\"performative\":\"cfp\"}", &message), 0);
    CAXTON_CHECK(!message.receiver && message.receivers.at);
    caxton_message_free(&message);
}

static void says_why_it_cannot_read(void) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "it is not JSON in UTF-8"},
        {"not json", "it is not JSON in UTF-8"},
        {"{\"performative\":\"inform\"", "it is not JSON in UTF-8"},
        {"{\"performative\":\"\xFF\"}", "it is not JSON in UTF-8"},
        {"[\"performative\"]", "it is no JSON object"},
        {"{}", "it has no `performative`"},
        {"{\"performative\":null}", "it has no `performative`"},
        {"{\"performative\":5}", "`performative` is no text"},
        {"{\"performative\":\"inform\",\"sender\":[\"a\"]}", "`sender` is no text"},
        {"{\"performative\":\"inform\",\"conversation_id\":{}}", "`conversation_id` is no text"},
        {"{\"performative\":\"inform\",\"receiver\":5}", "`receiver` is neither a name nor an array of names"},
        {"{\"performative\":\"inform\",\"receiver\":[\"a\",5]}", "`receiver` is neither a name nor an array of names"},
        {"{\"performative\":\"inform\",\"receiver\":[null]}", "`receiver` is neither a name nor an array of names"},
        {"{\"performative\":\"inform\",\"reply_by\":1.5}", "`reply_by` is neither a text nor a whole number"},
        {"{\"performative\":\"inform\",\"sent_at\":\"now\"}", "`sent_at` is no whole number"},
        {"{\"performative\":\"inform\",\"sender\":\"a\\u0000b\"}",
         "a text in it has a NUL, which texts in C cannot have"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        caxton_fipa_message message;
        CAXTON_CHECK_INT(parse(cases[i].text, &message), CAXTON_INVALID_ARGUMENT);
        CAXTON_CHECK_TEXT(message.error, cases[i].error);
        caxton_message_free(&message);
    }
}

// A content has one level less than its message.
static void limits_the_contents_nesting(void) {
    for (int levels = 64; levels <= 65; levels++) {
        caxton_fipa_message message;
        char brackets[2][66] = {{0}, {0}};
        memset(brackets[0], '[', (size_t)levels);
        memset(brackets[1], ']', (size_t)levels);
        char *text = caxton_join("{\"performative\":\"inform\",\"content\":", brackets[0], brackets[1], "}", NULL);
        CAXTON_CHECK_INT(parse(text, &message), levels == 64 ? 0 : CAXTON_INVALID_ARGUMENT);
        CAXTON_CHECK_TEXT(message.error, levels == 64 ? NULL : "it is nested deeper than 65 levels");
        caxton_message_free(&message);
        free(text);
    }
}

static void survives_hostile_messages(void) {
    static const char seed[] = "{\"performative\":\"request\",\"receiver\":[\"a\",\"b\"],\"reply_by\":12,"
                               "\"content\":{\"a\":[]},\"sender\":\"\\uD83D\\uDE00\",\"sent_at\":1}";
    static const char bytes[] = "{}[]\",:\\u0d8\x80\xC3\0 n1";
    for (int round = 0; round < 20000; round++) {
        size_t len = sizeof seed - 1;
        char *copy = caxton_impl_allocate(len);
        memcpy(copy, seed, len);
        for (uint32_t change = caxton_random_u32() % 4; change > 0; change--) {
            copy[caxton_random_u32() % len] = bytes[caxton_random_u32() % sizeof bytes];
        }
        caxton_fipa_message message;
        caxton_parse_message(copy, len, &message);
        caxton_message_free(&message);
        free(copy);
    }
}

static void sends_what_it_is_told(void) {
    caxton_fipa_message message = {0};
    message.performative = "query-ref";
    message.receiver = "b\"ob";
    message.content = caxton_json_parse("{\"big\": 123456789012345678901234567890}", 39, NULL);
    message.reply_with = "q\n1";
    message.reply_by = "2026-01-01T00:00:00Z";
    CAXTON_CHECK_INT(caxton_send_message(&message), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(0),
                      "{\"performative\":\"query-ref\",\"receiver\":\"b\\\"ob\",\"reply_with\":\"q\\n1\","
                      "\"content\":{\"big\":123456789012345678901234567890},\"reply_by\":\"2026-01-01T00:00:00Z\"}");
    CAXTON_CHECK_TEXT(caxton_test_sent_to(0), NULL);
    CAXTON_CHECK_INT(caxton_send_local_message("carol", &message), 0);
    CAXTON_CHECK_TEXT(caxton_test_sent_to(1), "carol");
    caxton_test_set_receivers(3);
    CAXTON_CHECK_INT(caxton_broadcast_message("{\"services\":[\"greeting\"]}", &message), 3);
    CAXTON_CHECK_TEXT(caxton_test_sent_to(2), "{\"services\":[\"greeting\"]}");
    caxton_test_forget_sent();
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    CAXTON_CHECK(caxton_test_sent(0).at == NULL && caxton_test_sent_to(0) == NULL);
}

static void answers_by_the_rule(void) {
    caxton_fipa_message message;
    parse("{\"performative\":\"request\",\"sender\":\"ada\",\"receiver\":\"agent\",\"reply_with\":\"r\","
          "\"conversation_id\":\"c\",\"protocol\":\"p\",\"ontology\":\"o\",\"language\":\"l\",\"encoding\":\"e\","
          "\"in_reply_to\":\"i\",\"content\":1}",
          &message);
    caxton_json result = caxton_json_parse("[1]", 3, NULL);
    CAXTON_CHECK_INT(caxton_send_inform_response(&message, result), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(0),
                      "{\"performative\":\"inform\",\"receiver\":\"ada\",\"in_reply_to\":\"r\","
                      "\"conversation_id\":\"c\",\"protocol\":\"p\",\"ontology\":\"o\",\"language\":\"l\","
                      "\"content\":{\"result\":[1]}}");
    message.reply_to = "";
    CAXTON_CHECK_INT(caxton_send_failure(&message, "no"), 0);
    CAXTON_CHECK_JSON(caxton_json_get(caxton_test_sent(1), "receiver"), "\"ada\"");
    caxton_test_forget_sent();
    message.reply_to = "bob";
    message.reply_with = message.conversation_id = message.protocol = message.ontology = message.language = NULL;
    CAXTON_CHECK_INT(caxton_send_reply(&message, "agree", caxton_json_get(result, "none")), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(0), "{\"performative\":\"agree\",\"receiver\":\"bob\"}");
    CAXTON_CHECK_INT(caxton_send_failure(&message, "no \"tea\""), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(1),
                      "{\"performative\":\"failure\",\"receiver\":\"bob\",\"content\":{\"error\":\"no \\\"tea\\\"\"}}");
    CAXTON_CHECK_INT(caxton_send_not_understood(&message, "what?"), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(2),
                      "{\"performative\":\"not-understood\",\"receiver\":\"bob\",\"content\":{\"error\":\"what?\"}}");
    caxton_message_free(&message);

    parse("{\"performative\":\"request\"}", &message);
    CAXTON_CHECK_INT(caxton_send_failure(&message, "nobody"), CAXTON_INVALID_ARGUMENT);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "the answer failure to nobody was not sent: it has neither"));
    CAXTON_CHECK_INT(caxton_test_sent_count(), 3);
    message.sender = "ada";
    caxton_test_fail("send_message", CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK_INT(caxton_send_failure(&message, "often"), CAXTON_LIMIT_EXCEEDED);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "the answer failure to ada was not sent: limit exceeded"));
    caxton_message_free(&message);
}

static void names_what_it_does_not_understand(void) {
    static const struct {
        const char *message, *error;
    } cases[] = {
        {"{\"performative\":\"request\",\"sender\":\"ada\",\"content\":{\"action\":\"d\\u00e9\\\"j\\\"\"}}",
         "\"Unknown action: d\xC3\xA9\\\"j\\\"\""},
        {"{\"performative\":\"request\",\"sender\":\"ada\",\"content\":{\"action\":5}}", "\"No action given\""},
        {"{\"performative\":\"request\",\"sender\":\"ada\"}", "\"No action given\""},
        {"{\"performative\":\"cfp\",\"sender\":\"ada\",\"content\":{\"action\":\"a\"}}",
         "\"Unsupported performative: cfp\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        caxton_fipa_message message;
        parse(cases[i].message, &message);
        CAXTON_CHECK_INT(caxton_send_not_understood(&message, NULL), 0);
        CAXTON_CHECK_JSON(caxton_json_path(caxton_test_sent(i), "/content/error"), cases[i].error);
        caxton_message_free(&message);
    }
}

static void leaves_what_is_no_question_unanswered(void) {
    static const char *const silent[] = {"inform", "failure", "not-understood"};
    caxton_fipa_message message = {0};
    message.sender = "ada";
    for (size_t i = 0; i < 3; i++) {
        message.performative = silent[i];
        CAXTON_CHECK_INT(caxton_handle_other(&message), 0);
    }
    CAXTON_CHECK_INT(caxton_test_sent_count(), 0);
    message.performative = "query-if";
    CAXTON_CHECK_INT(caxton_handle_other(&message), 1);
    CAXTON_CHECK_JSON(caxton_test_sent(0), "{\"performative\":\"not-understood\",\"receiver\":\"ada\","
                                           "\"content\":{\"error\":\"Unsupported performative: query-if\"}}");
}

int main(void) {
    CAXTON_RUN(reads_every_field);
    CAXTON_RUN(needs_only_the_act);
    CAXTON_RUN(reads_long_texts);
    CAXTON_RUN(reads_receivers_and_deadlines);
    CAXTON_RUN(says_why_it_cannot_read);
    CAXTON_RUN(limits_the_contents_nesting);
    CAXTON_RUN(survives_hostile_messages);
    CAXTON_RUN(sends_what_it_is_told);
    CAXTON_RUN(answers_by_the_rule);
    CAXTON_RUN(names_what_it_does_not_understand);
    CAXTON_RUN(leaves_what_is_no_question_unanswered);
    return caxton_test_report();
}
