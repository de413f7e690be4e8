// The host functions that the agent uses.

#ifndef HOST_H
#define HOST_H

#include <stddef.h>
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("caxton"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

IMPORT(send_message) int32_t send_message(const char *ptr, size_t len);
IMPORT(console_log) void console_log(const char *ptr, size_t len);
IMPORT(console_error) void console_error(const char *ptr, size_t len);
IMPORT(current_timestamp) uint64_t current_timestamp(void);
IMPORT(random_u32) uint32_t random_u32(void);
IMPORT(data_size) int32_t data_size(const char *key, size_t key_len);
IMPORT(load_data) int32_t load_data(const char *key, size_t key_len, char *ptr, size_t len);
// 0 if there can be no more timers.
IMPORT(set_timer) int32_t set_timer(int64_t micros);
IMPORT(cancel_timer) int32_t cancel_timer(int32_t timer);

#endif
