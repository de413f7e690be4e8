// FIPA messages (SC00061): reading one, sending one, and answering one.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_MESSAGE_H
#define CAXTON_MESSAGE_H

#include "caxton_write.h"

#ifdef __cplusplus
extern "C" {
#endif

// A message, with the parameters of FIPA SC00061 and the two that the host adds. What is not there is NULL, 0 or a
// value that is not there; all of it zero is an empty message, of which only `performative` has to be filled in. The
// texts are UTF-8 without escapes, and end in a NUL.
typedef struct {
    const char *performative; // the act, in lower case with hyphens: "request", "not-understood"
    const char *sender;       // stamped by the host, and true; to be left out of what is sent
    const char *receiver;     // the name or id of an agent, or "topic:NAME"; of several, the first
    caxton_json receivers;    // all of them, an array of strings, if there was one; in what is sent, it goes
                              // before `receiver`
    caxton_json content;      // any JSON value
    const char *reply_to;     // where answers go, if not to the sender
    const char *language;     // of the content, like its encoding and its ontology
    const char *encoding;
    const char *ontology;
    const char *protocol; // the interaction protocol: "fipa-request"
    const char *conversation_id;
    const char *reply_with;  // what an answer has to have as its `in_reply_to`
    const char *in_reply_to; // the `reply_with` of the message that this one answers
    const char *reply_by;    // when an answer is due: a time of RFC 3339, or microseconds since 1970 in digits
    const char *message_id;  // the host's, unique in the runtime; it writes the one in what is sent
    uint64_t sent_at;        // microseconds since 1970; the host's too

    const char *error; // why caxton_parse_message could not read it
    char *memory;      // of the texts; see caxton_message_free
} caxton_fipa_message;

// Reads a message from what handle_message was given: 0, or CAXTON_INVALID_ARGUMENT and `error` says why. Fields
// that it does not know are passed over; those of FIPA have to be of their type, or null. `receivers` and `content`
// are slices of the text at `ptr`. Give the message to caxton_message_free in both cases.
static inline int32_t caxton_parse_message(const char *ptr, size_t len, caxton_fipa_message *message);

// Frees the texts of a message that was read, and empties it.
static inline void caxton_message_free(caxton_fipa_message *message);

// Writes a message as a JSON object, in order to store it, say.
static inline void caxton_write_message(caxton_writer *out, const caxton_fipa_message *message);

// Sends a message once the turn is over: 0, or the host's error.
static inline int32_t caxton_send_message(const caxton_fipa_message *message);

// Sends a message to one agent, whatever its receiver says: 0, or the host's error, which says at once that the
// agent is unknown or has no room.
static inline int32_t caxton_send_local_message(const char *agent, const caxton_fipa_message *message);

// Sends a message to all other agents that a filter matches, a JSON object as in {"services": ["greeting"]}: how many
// they are, or the host's error.
static inline int32_t caxton_broadcast_message(const char *filter, const caxton_fipa_message *message);

// Answers a message with any act, and the content as given, or none if it is not there: 0, or the host's error.
//
// The answer goes to `reply_to`, else to `sender`. Its `in_reply_to` is the message's `reply_with`, and it keeps
// `conversation_id`, `protocol`, `ontology` and `language` (FIPA SC00061). With nobody to answer, this is
// CAXTON_INVALID_ARGUMENT. An answer that was not sent is told in the log.
static inline int32_t caxton_send_reply(const caxton_fipa_message *to, const char *performative, caxton_json content);

// The same with `inform` and the content {"result": result}; a result that is not there is null.
static inline int32_t caxton_send_inform_response(const caxton_fipa_message *to, caxton_json result);

// The same with `failure` and the content {"error": text}.
static inline int32_t caxton_send_failure(const caxton_fipa_message *to, const char *text);

// The same with `not-understood` and the content {"error": text}. If the text is NULL, it names what was not
// understood: the `action` of a request's content, or the act.
static inline int32_t caxton_send_not_understood(const caxton_fipa_message *to, const char *text);

// What to do with a message that the agent does not handle; the result is for handle_message. `inform`, `failure` and
// `not-understood` are passed over, since two agents must not feed each other errors for ever: 0. All others are
// answered by `not-understood`: 1.
static inline int32_t caxton_handle_other(const caxton_fipa_message *message);

// The rest is how this is done.

// The parameters that are texts and nothing else.
#define CAXTON_IMPL_TEXTS(each)                                                                                    \
    each(performative) each(sender) each(reply_to) each(language) each(encoding) each(ontology) each(protocol)      \
        each(conversation_id) each(reply_with) each(in_reply_to) each(message_id)

// Decodes a text into the message's memory, and moves past it; NULL, and an error, if it is none.
static inline const char *caxton_impl_take_text(
    caxton_fipa_message *message, caxton_json value, char **free_memory, const char *error) {
    if (caxton_json_type_of(value) != CAXTON_JSON_STRING) {
        message->error = error;
        return NULL;
    }
    char *text = *free_memory;
    size_t len = caxton_impl_decode(value, text);
    *free_memory += len + 1;
    if (strlen(text) != len) message->error = "a text in it has a NUL, which texts in C cannot have";
    return text;
}

static inline void caxton_impl_take_receivers(caxton_fipa_message *message, caxton_json value, char **free_memory) {
    static const char error[] = "`receiver` is neither a name nor an array of names";
    if (caxton_json_type_of(value) != CAXTON_JSON_ARRAY) {
        message->receiver = caxton_impl_take_text(message, value, free_memory, error);
        return;
    }
    caxton_json_cursor item;
    memset(&item, 0, sizeof item);
    message->receivers = value;
    while (caxton_json_next(value, &item)) {
        if (!message->receiver) {
            message->receiver = caxton_impl_take_text(message, item.value, free_memory, error);
        }
        if (caxton_json_type_of(item.value) != CAXTON_JSON_STRING) message->error = error;
    }
}

static inline void caxton_impl_take_reply_by(caxton_fipa_message *message, caxton_json value, char **free_memory) {
    uint64_t micros;
    if (!caxton_json_uint(value, &micros)) {
        static const char error[] = "`reply_by` is neither a text nor a whole number";
        message->reply_by = caxton_impl_take_text(message, value, free_memory, error);
        return;
    }
    memcpy(*free_memory, value.at, value.len);
    (*free_memory)[value.len] = '\0';
    message->reply_by = *free_memory;
    *free_memory += value.len + 1;
}

static inline void caxton_impl_take_field(
    caxton_fipa_message *message, caxton_json name, caxton_json value, char **free_memory) {
#define CAXTON_IMPL_TAKE(field)                                                                                    \
    if (caxton_json_equals(name, #field)) {                                                                        \
        static const char error[] = "`" #field "` is no text";                                                     \
        message->field = caxton_impl_take_text(message, value, free_memory, error);                                \
        return;                                                                                                    \
    }
    CAXTON_IMPL_TEXTS(CAXTON_IMPL_TAKE)
#undef CAXTON_IMPL_TAKE
    if (caxton_json_equals(name, "receiver")) caxton_impl_take_receivers(message, value, free_memory);
    if (caxton_json_equals(name, "content")) message->content = value;
    if (caxton_json_equals(name, "reply_by")) caxton_impl_take_reply_by(message, value, free_memory);
    if (caxton_json_equals(name, "sent_at") && !caxton_json_uint(value, &message->sent_at)) {
        message->error = "`sent_at` is no whole number";
    }
}

static inline int32_t caxton_parse_message(const char *ptr, size_t len, caxton_fipa_message *message) {
    memset(message, 0, sizeof *message);
    caxton_json whole = caxton_json_parse(ptr, len, &message->error);
    if (!message->error && caxton_json_type_of(whole) != CAXTON_JSON_OBJECT) message->error = "it is no JSON object";
    if (message->error) return CAXTON_INVALID_ARGUMENT;

    // A text with its NUL is shorter than the member that it stands in. The content is not copied.
    size_t room = whole.len - caxton_json_get(whole, "content").len;
    char *free_memory = message->memory = caxton_impl_allocate(room);
    caxton_json_cursor member;
    memset(&member, 0, sizeof member);
    while (!message->error && caxton_json_next(whole, &member)) {
        if (caxton_json_has_value(member.value)) {
            caxton_impl_take_field(message, member.name, member.value, &free_memory);
        }
    }
    if (!message->error && !message->performative) message->error = "it has no `performative`";
    return message->error ? CAXTON_INVALID_ARGUMENT : 0;
}

static inline void caxton_message_free(caxton_fipa_message *message) {
    free(message->memory);
    memset(message, 0, sizeof *message);
}

static inline void caxton_write_message(caxton_writer *out, const caxton_fipa_message *message) {
    caxton_write_begin_object(out);
#define CAXTON_IMPL_PUT(field)                                                                                     \
    if (message->field) {                                                                                          \
        caxton_write_key(out, #field);                                                                             \
        caxton_write_string(out, message->field);                                                                  \
    }
    CAXTON_IMPL_TEXTS(CAXTON_IMPL_PUT)
#undef CAXTON_IMPL_PUT
    if (message->receivers.at || message->receiver) {
        caxton_write_key(out, "receiver");
        if (message->receivers.at) caxton_write_json(out, message->receivers);
        else caxton_write_string(out, message->receiver);
    }
    if (message->content.at) {
        caxton_write_key(out, "content");
        caxton_write_json(out, message->content);
    }
    if (message->reply_by) {
        caxton_json digits;
        uint64_t micros;
        digits.at = message->reply_by;
        digits.len = strlen(message->reply_by);
        caxton_write_key(out, "reply_by");
        if (caxton_json_uint(digits, &micros)) caxton_write_uint(out, micros);
        else caxton_write_string(out, message->reply_by);
    }
    if (message->sent_at) {
        caxton_write_key(out, "sent_at");
        caxton_write_uint(out, message->sent_at);
    }
    caxton_write_end_object(out);
}

static inline int32_t caxton_send_message(const caxton_fipa_message *message) {
    caxton_writer out;
    memset(&out, 0, sizeof out);
    caxton_write_message(&out, message);
    int32_t code = caxton_host_send_message(out.text, out.len);
    caxton_writer_free(&out);
    return code;
}

static inline int32_t caxton_send_local_message(const char *agent, const caxton_fipa_message *message) {
    caxton_writer out;
    memset(&out, 0, sizeof out);
    caxton_write_message(&out, message);
    int32_t code = caxton_host_send_local_message(agent, strlen(agent), out.text, out.len);
    caxton_writer_free(&out);
    return code;
}

static inline int32_t caxton_broadcast_message(const char *filter, const caxton_fipa_message *message) {
    caxton_writer out;
    memset(&out, 0, sizeof out);
    caxton_write_message(&out, message);
    int32_t code = caxton_host_broadcast_message(filter, strlen(filter), out.text, out.len);
    caxton_writer_free(&out);
    return code;
}

static inline int32_t caxton_send_reply(
    const caxton_fipa_message *to, const char *performative, caxton_json content) {
    caxton_fipa_message reply;
    memset(&reply, 0, sizeof reply);
    reply.performative = performative;
    reply.receiver = to->reply_to && *to->reply_to ? to->reply_to : to->sender;
    reply.content = content;
    reply.in_reply_to = to->reply_with;
    reply.conversation_id = to->conversation_id;
    reply.protocol = to->protocol;
    reply.ontology = to->ontology;
    reply.language = to->language;
    int32_t code = reply.receiver ? caxton_send_message(&reply) : CAXTON_INVALID_ARGUMENT;
    if (code < 0) {
        const char *why = reply.receiver ? caxton_error_text(code) : "it has neither `reply_to` nor `sender`";
        const char *whom = reply.receiver ? reply.receiver : "nobody";
        char *line = caxton_join("the answer ", performative, " to ", whom, " was not sent: ", why, NULL);
        caxton_host_console_error(line, strlen(line));
        free(line);
    }
    return code;
}

static inline int32_t caxton_send_inform_response(const caxton_fipa_message *to, caxton_json result) {
    caxton_writer content;
    memset(&content, 0, sizeof content);
    caxton_write_begin_object(&content);
    caxton_write_key(&content, "result");
    caxton_write_json(&content, result);
    caxton_write_end_object(&content);
    int32_t code = caxton_send_reply(to, "inform", caxton_written(&content));
    caxton_writer_free(&content);
    return code;
}

static inline int32_t caxton_impl_send_error(
    const caxton_fipa_message *to, const char *performative, const char *text) {
    caxton_writer content;
    memset(&content, 0, sizeof content);
    caxton_write_begin_object(&content);
    caxton_write_key(&content, "error");
    caxton_write_string(&content, text);
    caxton_write_end_object(&content);
    int32_t code = caxton_send_reply(to, performative, caxton_written(&content));
    caxton_writer_free(&content);
    return code;
}

static inline int32_t caxton_send_failure(const caxton_fipa_message *to, const char *text) {
    return caxton_impl_send_error(to, "failure", text);
}

static inline int32_t caxton_send_not_understood(const caxton_fipa_message *to, const char *text) {
    if (text) return caxton_impl_send_error(to, "not-understood", text);
    bool is_request = strcmp(to->performative, "request") == 0;
    char *action = is_request ? caxton_json_copy(caxton_json_get(to->content, "action"), NULL) : NULL;
    char *why = action       ? caxton_join("Unknown action: ", action, NULL)
                : is_request ? caxton_join("No action given", NULL)
                             : caxton_join("Unsupported performative: ", to->performative, NULL);
    int32_t code = caxton_impl_send_error(to, "not-understood", why);
    free(why);
    free(action);
    return code;
}

static inline int32_t caxton_handle_other(const caxton_fipa_message *message) {
    static const char *const silent[] = {"inform", "failure", "not-understood"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(message->performative, silent[i]) == 0) return 0;
    }
    caxton_send_not_understood(message, NULL);
    return 1;
}

#ifdef __cplusplus
}
#endif

#endif
