// What the host offers to an agent and calls in it: imports, exports, error codes, the allocator.
//
// Agents use the functions of caxton.h, which wrap those declared here. When the code is not compiled to
// WebAssembly, caxton_test.h defines them.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_HOST_H
#define CAXTON_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Marks a function that the host calls: CAXTON_EXPORT("handle_message") int32_t handle_message(…) {…}
#ifdef __cplusplus
#define CAXTON_EXTERN extern "C"
#else
#define CAXTON_EXTERN
#endif

#ifdef __wasm__
#define CAXTON_EXPORT(name) CAXTON_EXTERN __attribute__((export_name(name)))
#define CAXTON_IMPL_IMPORT(name) __attribute__((import_module("caxton"), import_name(name)))
#else
#define CAXTON_EXPORT(name) CAXTON_EXTERN
#define CAXTON_IMPL_IMPORT(name)
#endif

#ifdef __cplusplus
extern "C" {
#endif

// The functions that the host calls. Every agent has handle_message; those that it leaves out are not called.

// A message, as JSON. 0 is success. Any other code keeps what the turn did, and where it sent no reply, the sender
// gets a failure.
int32_t handle_message(const char *ptr, size_t len);

// A timer that is due; the result is as above.
int32_t handle_timer(int32_t timer);

// The first call, and again in a fresh instance after a turn was dropped. With anything but 0 the agent cannot start.
int32_t agent_init(void);

// Once after agent_init; see caxton_give_capabilities.
int32_t get_capabilities(char *ptr, size_t len);

// The last call.
void agent_shutdown(void);

// Why the host did not do something. The agent's log says more.
enum {
    CAXTON_NOT_FOUND = -1,         // no such key, agent, timer or subscription
    CAXTON_INVALID_ARGUMENT = -2,  // no JSON, no message, no filter, a key that is too long
    CAXTON_PERMISSION_DENIED = -3, // the agent's grants do not allow it, or the sender is not the agent
    CAXTON_LIMIT_EXCEEDED = -4,    // a rate, a size or a count is above its limit
    CAXTON_BUFFER_TOO_SMALL = -5,  // the value is longer than the buffer; nothing was written
    CAXTON_MAILBOX_FULL = -6       // the receiver has no room now
};

// How much a line of the log matters.
enum { CAXTON_ERROR = 1, CAXTON_WARN = 2, CAXTON_INFO = 3, CAXTON_DEBUG = 4, CAXTON_TRACE = 5 };

// The functions as the host has them: text is UTF-8 and has a length, times are microseconds, and a negative
// result is one of the errors above.
CAXTON_IMPL_IMPORT("send_message")
int32_t caxton_host_send_message(const char *message, size_t len);
CAXTON_IMPL_IMPORT("send_local_message")
int32_t caxton_host_send_local_message(const char *agent, size_t agent_len, const char *message, size_t len);
CAXTON_IMPL_IMPORT("broadcast_message")
int32_t caxton_host_broadcast_message(const char *filter, size_t filter_len, const char *message, size_t len);
CAXTON_IMPL_IMPORT("subscribe_messages")
int32_t caxton_host_subscribe_messages(const char *filter, size_t len);
CAXTON_IMPL_IMPORT("unsubscribe_messages")
int32_t caxton_host_unsubscribe_messages(int32_t id);
CAXTON_IMPL_IMPORT("current_timestamp")
uint64_t caxton_host_current_timestamp(void);
CAXTON_IMPL_IMPORT("random_u32")
uint32_t caxton_host_random_u32(void);
CAXTON_IMPL_IMPORT("sleep_micros")
void caxton_host_sleep_micros(uint64_t micros);
CAXTON_IMPL_IMPORT("set_timer")
int32_t caxton_host_set_timer(uint64_t micros);
CAXTON_IMPL_IMPORT("cancel_timer")
int32_t caxton_host_cancel_timer(int32_t timer);
CAXTON_IMPL_IMPORT("store_data")
int32_t caxton_host_store_data(const char *key, size_t key_len, const void *data, size_t len);
CAXTON_IMPL_IMPORT("load_data")
int32_t caxton_host_load_data(const char *key, size_t key_len, void *buffer, size_t len);
CAXTON_IMPL_IMPORT("delete_data")
int32_t caxton_host_delete_data(const char *key, size_t key_len);
CAXTON_IMPL_IMPORT("data_size")
int32_t caxton_host_data_size(const char *key, size_t key_len);
CAXTON_IMPL_IMPORT("console_log")
void caxton_host_console_log(const char *line, size_t len);
CAXTON_IMPL_IMPORT("console_error")
void caxton_host_console_error(const char *line, size_t len);
CAXTON_IMPL_IMPORT("log")
void caxton_host_log(int32_t level, const char *line, size_t len);

// What one of the host's codes means, and what to do about it.
static inline const char *caxton_error_text(int32_t code) {
    switch (code) {
    case CAXTON_NOT_FOUND:
        return "not found: there is no such key, agent, timer or subscription";
    case CAXTON_INVALID_ARGUMENT:
        return "invalid argument: the host could not read what it was given; the agent's log says more";
    case CAXTON_PERMISSION_DENIED:
        return "permission denied: the agent's grants do not allow it, or the message names another sender; "
               "the agent's log says more";
    case CAXTON_LIMIT_EXCEEDED:
        return "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more";
    case CAXTON_BUFFER_TOO_SMALL:
        return "buffer too small: the value is longer than the buffer; ask for its size first";
    case CAXTON_MAILBOX_FULL:
        return "mailbox full: the receiver has no room now; try again later";
    default: return code >= 0 ? "no error" : "the host gave a code that is not known here; the agent's log says more";
    }
}

// Without memory there is nothing to do but to trap: the host drops the whole turn, and tells whoever sent the
// message that memory was the reason.
static inline void *caxton_impl_allocated(void *memory) {
    if (!memory) __builtin_trap();
    return memory;
}

static inline char *caxton_impl_allocate(size_t len) {
    return (char *)caxton_impl_allocated(malloc(len ? len : 1));
}

#ifdef __wasm__
// Where the host puts the messages. Weak, so that every source file of an agent may include this.
__attribute__((weak, export_name("caxton_alloc"))) void *caxton_alloc(size_t len);
__attribute__((weak, export_name("caxton_free"))) void caxton_free(void *ptr, size_t len);

void *caxton_alloc(size_t len) { return malloc(len ? len : 1); }

void caxton_free(void *ptr, size_t len) {
    (void)len;
    free(ptr);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
