// A writer for JSON and other text, which grows as it is written.
//
//   caxton_writer out = {0};
//   caxton_write_begin_object(&out);
//   caxton_write_key(&out, "greeted");
//   caxton_write_int(&out, 2);
//   caxton_write_end_object(&out);
//   caxton_send_inform_response(&message, caxton_written(&out));
//   caxton_writer_free(&out);
//
// Commas are put where they belong. Without memory, a writer traps, which drops the turn.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_WRITE_H
#define CAXTON_WRITE_H

#include <stdarg.h>
#include <stdio.h>

#include "caxton_json.h"

#ifdef __cplusplus
extern "C" {
#endif

// What has been written: `len` bytes, and a NUL behind them. All of it zero is a new one.
typedef struct {
    char *text;
    size_t len, room;
} caxton_writer;

static inline void caxton_write_begin_object(caxton_writer *out);
static inline void caxton_write_end_object(caxton_writer *out);
static inline void caxton_write_begin_array(caxton_writer *out);
static inline void caxton_write_end_array(caxton_writer *out);

// The name of an object's next member; its value is to follow.
static inline void caxton_write_key(caxton_writer *out, const char *name);

// A string, from text that ends in a NUL, or has `len` bytes; null if there is no text. What is not UTF-8 in it
// becomes U+FFFD.
static inline void caxton_write_string(caxton_writer *out, const char *text);
static inline void caxton_write_text(caxton_writer *out, const char *text, size_t len);

static inline void caxton_write_int(caxton_writer *out, int64_t whole);
static inline void caxton_write_uint(caxton_writer *out, uint64_t whole);
static inline void caxton_write_bool(caxton_writer *out, bool truth);
static inline void caxton_write_null(caxton_writer *out);

// A number, in the fewest digits that read as the same double; null if it is infinite or none. This brings the C
// library's printf into the module: some 20 KB, and imports of WASI.
static inline void caxton_write_number(caxton_writer *out, double number);

// A value as it stands in its own text; null if it is not there.
static inline void caxton_write_json(caxton_writer *out, caxton_json value);

// What has been written, as a value: not there, after a line in the log, if it is not JSON since a key, a value or
// an end is missing or too many, or it is nested deeper than 65 levels. It lives as long as the writer is not
// touched.
static inline caxton_json caxton_written(const caxton_writer *out);

// Makes a writer new, for what comes next. What it wrote is gone.
static inline void caxton_writer_free(caxton_writer *out);

// The room that caxton_decimal needs.
enum { CAXTON_DECIMAL_ROOM = 21 };

// A whole number in digits, in a buffer of the caller's; that buffer.
static inline const char *caxton_decimal(int64_t whole, char out[CAXTON_DECIMAL_ROOM]);

// Texts one behind another, up to a NULL: caxton_join("Hello, ", name, "!", NULL). To be given to free().
__attribute__((sentinel)) static inline char *caxton_join(const char *first, ...);

// The rest is how this is done.

static inline void caxton_impl_append(caxton_writer *out, const char *from, size_t len) {
    if (out->room - out->len <= len) {
        if (len > SIZE_MAX / 2 - 64 - out->len) __builtin_trap();
        size_t room = out->len + len + 64;
        if (room < out->room + out->room / 2) room = out->room + out->room / 2;
        out->text = (char *)caxton_impl_allocated(realloc(out->text, room));
        out->room = room;
    }
    if (len > 0) memcpy(out->text + out->len, from, len);
    out->len += len;
    out->text[out->len] = '\0';
}

// Puts a comma before a value or a name, unless it is the first, or the value that a name asked for.
static inline void caxton_impl_comma(caxton_writer *out) {
    if (out->len > 0 && !strchr("{[:", out->text[out->len - 1])) caxton_impl_append(out, ",", 1);
}

static inline void caxton_impl_word(caxton_writer *out, const char *word) {
    caxton_impl_comma(out);
    caxton_impl_append(out, word, strlen(word));
}

static inline void caxton_write_begin_object(caxton_writer *out) { caxton_impl_word(out, "{"); }

static inline void caxton_write_end_object(caxton_writer *out) { caxton_impl_append(out, "}", 1); }

static inline void caxton_write_begin_array(caxton_writer *out) { caxton_impl_word(out, "["); }

static inline void caxton_write_end_array(caxton_writer *out) { caxton_impl_append(out, "]", 1); }

static inline void caxton_write_bool(caxton_writer *out, bool truth) {
    caxton_impl_word(out, truth ? "true" : "false");
}

static inline void caxton_write_null(caxton_writer *out) { caxton_impl_word(out, "null"); }

static inline void caxton_write_key(caxton_writer *out, const char *name) {
    caxton_write_string(out, name);
    caxton_impl_append(out, ":", 1);
}

static inline void caxton_write_string(caxton_writer *out, const char *text) {
    caxton_write_text(out, text, text ? strlen(text) : 0);
}

static inline void caxton_write_text(caxton_writer *out, const char *text, size_t len) {
    if (!text) {
        caxton_write_null(out);
        return;
    }
    caxton_impl_comma(out);
    caxton_impl_append(out, "\"", 1);
    const char *end = text + len, *plain = text;
    for (const char *at = text; at < end;) {
        unsigned char c = (unsigned char)*at;
        size_t bytes = caxton_impl_utf8(at, end);
        if (c >= 0x20 && c != '"' && c != '\\' && bytes > 0) {
            at += bytes;
            continue;
        }
        // What needs no escape goes in one piece.
        caxton_impl_append(out, plain, (size_t)(at - plain));
        static const char hex[] = "0123456789abcdef";
        char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        char pair[] = {'\\', (char)c};
        if (bytes == 0) {
            caxton_impl_append(out, "\xEF\xBF\xBD", 3);
        } else if (c < 0x20) {
            caxton_impl_append(out, escape, sizeof escape);
        } else {
            caxton_impl_append(out, pair, sizeof pair);
        }
        plain = ++at;
    }
    caxton_impl_append(out, plain, (size_t)(end - plain));
    caxton_impl_append(out, "\"", 1);
}

// Writes digits, and a NUL, at the end of a buffer; where they begin.
static inline char *caxton_impl_digits(uint64_t whole, char *end) {
    *--end = '\0';
    do {
        *--end = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole > 0);
    return end;
}

static inline void caxton_write_uint(caxton_writer *out, uint64_t whole) {
    char digits[CAXTON_DECIMAL_ROOM];
    caxton_impl_word(out, caxton_impl_digits(whole, digits + sizeof digits));
}

static inline void caxton_write_int(caxton_writer *out, int64_t whole) {
    char digits[CAXTON_DECIMAL_ROOM];
    caxton_impl_word(out, caxton_decimal(whole, digits));
}

static inline const char *caxton_decimal(int64_t whole, char out[CAXTON_DECIMAL_ROOM]) {
    uint64_t size = whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole;
    char *start = caxton_impl_digits(size, out + CAXTON_DECIMAL_ROOM);
    if (whole < 0) *--start = '-';
    memmove(out, start, strlen(start) + 1);
    return out;
}

static inline void caxton_write_number(caxton_writer *out, double number) {
    char digits[40];
    if (!__builtin_isfinite(number)) {
        caxton_write_null(out);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number) break;
    }
    // A program outside the runtime may have chosen another language's comma.
    char *comma = strchr(digits, ',');
    if (comma) *comma = '.';
    caxton_impl_word(out, digits);
}

static inline void caxton_write_json(caxton_writer *out, caxton_json value) {
    caxton_impl_comma(out);
    if (value.at) caxton_impl_append(out, value.at, value.len);
    else caxton_impl_append(out, "null", 4);
}

static inline caxton_json caxton_written(const caxton_writer *out) {
    const char *error;
    caxton_json value = caxton_json_parse(out->text, out->len, &error);
    if (error) {
        char *line = caxton_join("what the agent has written cannot be used: ", error, NULL);
        caxton_host_console_error(line, strlen(line));
        free(line);
    }
    return value;
}

static inline void caxton_writer_free(caxton_writer *out) {
    free(out->text);
    memset(out, 0, sizeof *out);
}

static inline char *caxton_join(const char *first, ...) {
    size_t len = 0;
    va_list texts;
    va_start(texts, first);
    for (const char *text = first; text; text = va_arg(texts, const char *)) len += strlen(text);
    va_end(texts);
    char *all = caxton_impl_allocate(len + 1), *at = all;
    va_start(texts, first);
    for (const char *text = first; text; text = va_arg(texts, const char *)) {
        size_t bytes = strlen(text);
        memcpy(at, text, bytes);
        at += bytes;
    }
    va_end(texts);
    *at = '\0';
    return all;
}

#ifdef __cplusplus
}
#endif

#endif
