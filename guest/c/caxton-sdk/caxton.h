// The guest kit of Caxton for C, version 0.1.0: all that an agent needs.
//
// An agent is a module that the host sends FIPA messages to. It calls the functions of this kit:
//
//   caxton_host.h     what the agent exports, the host's error codes
//   caxton_json.h     reads JSON
//   caxton_write.h    writes JSON, and joins texts
//   caxton_message.h  reads, sends and answers messages
//   this header       subscriptions, time, timers, stored data, the log
//
// All that a handler does through them takes effect when it returns, or never. What begins with `caxton_impl_` is
// not for agents. Compiled to anything but WebAssembly, the kit needs the host that caxton_test.h makes.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_H
#define CAXTON_H

#include "caxton_message.h"

#ifdef __cplusplus
extern "C" {
#endif

// Subscriptions

// From the end of the turn on, the agent gets copies of messages that match a filter, a JSON object as in
// {"topic": "news"}: the subscription, which is above 0, or the host's error.
static inline int32_t caxton_subscribe_messages(const char *filter) {
    return caxton_host_subscribe_messages(filter, strlen(filter));
}

// Ends a subscription: 0, or the host's error.
static inline int32_t caxton_unsubscribe_messages(int32_t id) { return caxton_host_unsubscribe_messages(id); }

// Time and chance

// Microseconds since 1970.
static inline uint64_t caxton_current_timestamp(void) { return caxton_host_current_timestamp(); }

// A random number, out of all that there are.
static inline uint32_t caxton_random_u32(void) { return caxton_host_random_u32(); }

// Waits so many microseconds, which count towards the turn's time.
static inline void caxton_sleep_micros(uint64_t micros) { caxton_host_sleep_micros(micros); }

// Has handle_timer called after so many microseconds: the timer, which is above 0, or 0 if there can be no more.
static inline int32_t caxton_set_timer(uint64_t micros) { return caxton_host_set_timer(micros); }

// Ends a timer that has not come due: 0, or CAXTON_NOT_FOUND.
static inline int32_t caxton_cancel_timer(int32_t timer) { return caxton_host_cancel_timer(timer); }

// Stored data: bytes under keys of at most 4096 bytes, which are this agent's own and outlive a restart. What the
// deployer gave as its `config` is under "config".

// Stores `len` bytes: 0, or the host's error.
static inline int32_t caxton_store_data(const char *key, const void *data, size_t len) {
    return caxton_host_store_data(key, strlen(key), data, len);
}

// Loads the bytes under a key into a buffer of `room` bytes: how many they are, or the host's error. Ask for the size
// first.
static inline int32_t caxton_load_data(const char *key, void *buffer, size_t room) {
    return caxton_host_load_data(key, strlen(key), buffer, room);
}

// Deletes what is under a key: 0, or the host's error.
static inline int32_t caxton_delete_data(const char *key) { return caxton_host_delete_data(key, strlen(key)); }

// The number of bytes under a key, or CAXTON_NOT_FOUND.
static inline int32_t caxton_data_size(const char *key) { return caxton_host_data_size(key, strlen(key)); }

// A stored value, and the text that it is a slice of.
typedef struct {
    caxton_json value;
    char *memory;
} caxton_stored;

// Stores a JSON value: 0, or the host's error. One that is not there is CAXTON_INVALID_ARGUMENT.
static inline int32_t caxton_store(const char *key, caxton_json value) {
    if (!value.at) return CAXTON_INVALID_ARGUMENT;
    return caxton_store_data(key, value.at, value.len);
}

// Loads a JSON value: 0, or the host's error. Bytes that are no JSON are CAXTON_INVALID_ARGUMENT, and a line in the
// log. Give what was loaded to caxton_stored_free in every case.
static inline int32_t caxton_load(const char *key, caxton_stored *stored) {
    memset(stored, 0, sizeof *stored);
    int32_t size = caxton_data_size(key);
    if (size < 0) return size;
    stored->memory = caxton_impl_allocate((size_t)size);
    int32_t len = caxton_load_data(key, stored->memory, (size_t)size);
    if (len < 0) return len;
    const char *error;
    stored->value = caxton_json_parse(stored->memory, (size_t)len, &error);
    if (!error) return 0;
    char *line = caxton_join("what is stored under \"", key, "\" cannot be read: ", error, NULL);
    caxton_host_console_error(line, strlen(line));
    free(line);
    return CAXTON_INVALID_ARGUMENT;
}

// Frees what was loaded, and empties it.
static inline void caxton_stored_free(caxton_stored *stored) {
    free(stored->memory);
    memset(stored, 0, sizeof *stored);
}

// The log

// Writes a line at the level info.
static inline void caxton_console_log(const char *line) { caxton_host_console_log(line, strlen(line)); }

// Writes a line at the level error.
static inline void caxton_console_error(const char *line) { caxton_host_console_error(line, strlen(line)); }

// Writes a line at a level, from CAXTON_ERROR, 1, to CAXTON_TRACE, 5.
static inline void caxton_log(int32_t level, const char *line) { caxton_host_log(level, line, strlen(line)); }

// Capabilities

// Gives the host the capabilities that it asks for in get_capabilities, a JSON object with the fields of the guide's
// AgentCapabilities, as in {"services": [{"name": "greeting"}]}: what get_capabilities is to return. That is the
// length; if it is above `len`, nothing is written, and the host asks again with more room.
static inline int32_t caxton_give_capabilities(char *ptr, size_t len, const char *capabilities) {
    size_t needed = strlen(capabilities);
    if (needed <= len) memcpy(ptr, capabilities, needed);
    return (int32_t)needed;
}

#ifdef __cplusplus
}
#endif

#endif
