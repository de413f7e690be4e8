// An agent that greets by name, counts its greetings, and reminds when the time has come.
//
// The host calls the functions that are marked by CAXTON_EXPORT; what they send and store takes effect when they
// return. Their result is 0, or 1 for what went wrong.

#include "caxton.h"

// From here on, not every language reads whole numbers in JSON exactly.
#define TOO_LATE (UINT64_C(1) << 53)

// Answers that the request cannot be done; the code for the host.
static int32_t fail(const caxton_fipa_message *request, const char *text) {
    caxton_send_failure(request, text);
    return 1;
}

// Counts a greeting, in stored data, which outlives a restart, as variables do not: 0, or the host's error.
static int32_t count_greeting(int64_t *greeted) {
    caxton_stored stored;
    int32_t code = caxton_load("greeted", &stored);
    if (code == CAXTON_NOT_FOUND) code = 0;
    if (!caxton_json_int(stored.value, greeted)) *greeted = 0;
    caxton_stored_free(&stored);
    if (code < 0) return code;

    ++*greeted;
    caxton_writer number = {0};
    caxton_write_int(&number, *greeted);
    code = caxton_store("greeted", caxton_written(&number));
    caxton_writer_free(&number);
    return code;
}

static int32_t greet_by_name(const caxton_fipa_message *request, const char *name) {
    int64_t greeted;
    int32_t code = count_greeting(&greeted);
    if (code < 0) return fail(request, caxton_error_text(code));

    char *greeting = caxton_join("Hello, ", name, "!", NULL);
    caxton_writer result = {0};
    caxton_write_begin_object(&result);
    caxton_write_key(&result, "greeting");
    caxton_write_string(&result, greeting);
    caxton_write_key(&result, "greeted");
    caxton_write_int(&result, greeted);
    caxton_write_end_object(&result);
    code = caxton_send_inform_response(request, caxton_written(&result));
    caxton_writer_free(&result);
    free(greeting);
    return code < 0;
}

static int32_t greet(const caxton_fipa_message *request) {
    char *name = caxton_json_copy(caxton_json_get(request->content, "name"), NULL);
    int32_t code = name && *name ? greet_by_name(request, name)
                                 : fail(request, "Expected a name, as in {\"action\": \"greet\", \"name\": \"Ada\"}");
    free(name);
    return code;
}

// Where the reminder of a timer is kept; to be given to free().
static char *reminder_key(int32_t timer) {
    char digits[CAXTON_DECIMAL_ROOM];
    return caxton_join("reminder:", caxton_decimal(timer, digits), NULL);
}

// Keeps what the timer will need, since the request is gone by then: 0, or the host's error.
static int32_t keep_reminder(const char *key, const caxton_fipa_message *request, caxton_json text) {
    caxton_fipa_message message = *request;
    message.content = (caxton_json){0};
    caxton_writer out = {0};
    caxton_write_begin_object(&out);
    caxton_write_key(&out, "message");
    caxton_write_message(&out, &message);
    caxton_write_key(&out, "text");
    caxton_write_json(&out, text);
    caxton_write_end_object(&out);
    int32_t code = caxton_store(key, caxton_written(&out));
    caxton_writer_free(&out);
    return code;
}

static int32_t remind(const caxton_fipa_message *request) {
    uint64_t micros;
    caxton_json text = caxton_json_get(request->content, "text");
    if (!caxton_json_uint(caxton_json_get(request->content, "after_micros"), &micros) || micros >= TOO_LATE ||
        caxton_json_type_of(text) != CAXTON_JSON_STRING) {
        return fail(request, "Expected microseconds and a text, as in "
                             "{\"action\": \"remind\", \"after_micros\": 1000, \"text\": \"tea\"}");
    }
    int32_t timer = caxton_set_timer(micros);
    if (timer == 0) return fail(request, caxton_error_text(CAXTON_LIMIT_EXCEEDED));

    char *key = reminder_key(timer);
    int32_t code = keep_reminder(key, request, text);
    free(key);
    if (code < 0) {
        caxton_cancel_timer(timer);
        return fail(request, caxton_error_text(code));
    }
    return caxton_send_reply(request, "agree", (caxton_json){0}) < 0;
}

static int32_t handle(const caxton_fipa_message *message) {
    if (strcmp(message->performative, "request") == 0) {
        caxton_json action = caxton_json_get(message->content, "action");
        if (caxton_json_equals(action, "greet")) return greet(message);
        if (caxton_json_equals(action, "remind")) return remind(message);
    }
    return caxton_handle_other(message);
}

// Logs that a message cannot be read; the code for the host.
static int32_t log_unreadable(const caxton_fipa_message *message) {
    char *line = caxton_join("the message cannot be read: ", message->error, NULL);
    caxton_console_error(line);
    free(line);
    return 1;
}

CAXTON_EXPORT("agent_init") int32_t agent_init(void) {
    caxton_log(CAXTON_INFO, "my-agent is ready");
    return 0;
}

CAXTON_EXPORT("get_capabilities") int32_t get_capabilities(char *ptr, size_t len) {
    return caxton_give_capabilities(ptr, len,
                                    "{\"version\":\"0.1.0\",\"performatives\":[\"request\"],"
                                    "\"services\":[{\"name\":\"greeting\"}]}");
}

CAXTON_EXPORT("handle_message") int32_t handle_message(const char *ptr, size_t len) {
    caxton_fipa_message message;
    int32_t code = caxton_parse_message(ptr, len, &message);
    code = code < 0 ? log_unreadable(&message) : handle(&message);
    caxton_message_free(&message);
    return code;
}

// Answers the request that a reminder was kept for; the code for the host.
static int32_t inform(const caxton_fipa_message *request, caxton_json text) {
    caxton_writer result = {0};
    caxton_write_begin_object(&result);
    caxton_write_key(&result, "reminder");
    caxton_write_json(&result, text);
    caxton_write_end_object(&result);
    int32_t code = caxton_send_inform_response(request, caxton_written(&result));
    caxton_writer_free(&result);
    return code < 0;
}

static int32_t answer_reminder(caxton_json kept) {
    caxton_json message = caxton_json_get(kept, "message");
    caxton_fipa_message request;
    int32_t code = caxton_parse_message(message.at, message.len, &request);
    code = code < 0 ? log_unreadable(&request) : inform(&request, caxton_json_get(kept, "text"));
    caxton_message_free(&request);
    return code;
}

CAXTON_EXPORT("handle_timer") int32_t handle_timer(int32_t timer) {
    char *key = reminder_key(timer);
    caxton_stored kept;
    int32_t code = caxton_load(key, &kept);
    caxton_delete_data(key);
    // A timer that nothing is kept for has nothing to do.
    code = code == 0 ? answer_reminder(kept.value) : code != CAXTON_NOT_FOUND;
    caxton_stored_free(&kept);
    free(key);
    return code;
}
