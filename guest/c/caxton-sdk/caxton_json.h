// A reader for JSON that works on slices of the text itself.
//
// It allocates nothing unless a function says so, and never recurses, so hostile text costs time in proportion
// to its length and nothing else. A value lives as long as the text that it is a slice of: that of a message
// until the handler returns.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef CAXTON_JSON_H
#define CAXTON_JSON_H

#include "caxton_host.h"

#ifdef __cplusplus
extern "C" {
#endif

// How many objects and arrays may lie in each other: the 64 of a content, and its message.
enum { CAXTON_MAX_DEPTH = 65 };

// One value with nothing around it. One that is not there has no `at`; every function takes it, and finds
// nothing in it.
typedef struct {
    const char *at;
    size_t len;
} caxton_json;

typedef enum {
    CAXTON_JSON_ABSENT,
    CAXTON_JSON_NULL,
    CAXTON_JSON_BOOL,
    CAXTON_JSON_NUMBER,
    CAXTON_JSON_STRING,
    CAXTON_JSON_ARRAY,
    CAXTON_JSON_OBJECT
} caxton_json_type;

// Goes through an array or an object; all of it zero begins.
typedef struct {
    caxton_json name;  // of a member, a string; not there for an array's item
    caxton_json value;
    const char *next;
} caxton_json_cursor;

// The value in a text of `len` bytes; not there if that is not one JSON value (RFC 8259) in UTF-8, or is nested too
// deeply. `error`, unless it is NULL itself, is set to why, or to NULL.
static inline caxton_json caxton_json_parse(const char *text, size_t len, const char **error);

static inline caxton_json_type caxton_json_type_of(caxton_json value);

// Whether it is there and is not null.
static inline bool caxton_json_has_value(caxton_json value);

// The member of an object that has this name, the last one if there are several.
static inline caxton_json caxton_json_get(caxton_json object, const char *name);

// The item of an array at this place, from 0 on.
static inline caxton_json caxton_json_at(caxton_json array, size_t index);

// What a JSON pointer (RFC 6901) names in a value, as in "/data/items/0"; "" is the value itself.
static inline caxton_json caxton_json_path(caxton_json value, const char *pointer);

// How many items or members there are.
static inline size_t caxton_json_count(caxton_json value);

// Moves to the next item or member; false if there is none.
//
//   caxton_json_cursor item = {0};
//   while (caxton_json_next(items, &item)) use(item.value);
static inline bool caxton_json_next(caxton_json all, caxton_json_cursor *cursor);

// Whether a value is the string `text`, however it is escaped.
static inline bool caxton_json_equals(caxton_json value, const char *text);

// Decodes a string into a buffer of `room` bytes, with a NUL at its end. False, and an empty text, if the value is
// no string, has a NUL in it, or is too long. Half of a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD.
static inline bool caxton_json_string(caxton_json value, char *out, size_t room);

// The same in memory of its own, which is to be given to free(); NULL if the value is no string. A string with a
// NUL in it counts as one only where `len` is given, which is set to the length in bytes.
static inline char *caxton_json_copy(caxton_json value, size_t *len);

// Reads a whole number exactly; false if it is none (1.0 and 1e3 are not), or does not fit.
static inline bool caxton_json_int(caxton_json value, int64_t *whole);
static inline bool caxton_json_uint(caxton_json value, uint64_t *whole);

// Reads a number as the nearest double; false if it is none, or too large.
static inline bool caxton_json_number(caxton_json value, double *number);

// Reads true or false; false if it is neither.
static inline bool caxton_json_bool(caxton_json value, bool *truth);

// The rest is how this is done.

static inline caxton_json caxton_impl_slice(const char *at, const char *end) {
    caxton_json value;
    value.at = at;
    value.len = (size_t)(end - at);
    return value;
}

static inline caxton_json caxton_impl_absent(void) {
    caxton_json value;
    value.at = NULL;
    value.len = 0;
    return value;
}

static inline const char *caxton_impl_end(caxton_json value) { return value.at ? value.at + value.len : NULL; }

static inline bool caxton_impl_begins(caxton_json value, char first) {
    return value.at && value.len > 0 && *value.at == first;
}

static inline const char *caxton_impl_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

// The length of the UTF-8 sequence that begins at `at`, before `end`; 0 if it is not well formed.
static inline size_t caxton_impl_utf8(const char *at, const char *end) {
    const unsigned char *byte = (const unsigned char *)at;
    size_t len = byte[0] < 0x80                       ? 1
                 : byte[0] >= 0xC2 && byte[0] <= 0xDF ? 2
                 : (byte[0] & 0xF0) == 0xE0           ? 3
                 : byte[0] >= 0xF0 && byte[0] <= 0xF4 ? 4
                                                      : 0;
    if (len == 0 || (size_t)(end - at) < len) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, surrogates and what lies past U+10FFFF show in the second byte.
    if (byte[0] == 0xE0 && byte[1] < 0xA0) return 0;
    if (byte[0] == 0xED && byte[1] > 0x9F) return 0;
    if (byte[0] == 0xF0 && byte[1] < 0x90) return 0;
    if (byte[0] == 0xF4 && byte[1] > 0x8F) return 0;
    return len;
}

// The value of four hex digits, or -1.
static inline int32_t caxton_impl_hex(const char *at, const char *end) {
    if (end - at < 4) return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// Past the string that begins at `at`; NULL if there is none.
static inline const char *caxton_impl_skip_string(const char *at, const char *end) {
    if (at >= end || *at != '"') return NULL;
    at++;
    while (at < end) {
        unsigned char c = (unsigned char)*at;
        if (c == '"') return at + 1;
        if (c < 0x20) return NULL;
        if (c != '\\') {
            size_t len = caxton_impl_utf8(at, end);
            if (len == 0) return NULL;
            at += len;
        } else if (end - at >= 6 && at[1] == 'u' && caxton_impl_hex(at + 2, end) >= 0) {
            at += 6;
        } else if (end - at >= 2 && at[1] != '\0' && strchr("\"\\/bfnrt", at[1])) {
            at += 2;
        } else {
            return NULL;
        }
    }
    return NULL;
}

static inline const char *caxton_impl_skip_digits(const char *at, const char *end) {
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at == start ? NULL : at;
}

static inline const char *caxton_impl_skip_number(const char *at, const char *end) {
    if (at < end && *at == '-') at++;
    at = at < end && *at == '0' ? at + 1 : caxton_impl_skip_digits(at, end);
    if (at && at < end && *at == '.') at = caxton_impl_skip_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = caxton_impl_skip_digits(at, end);
    }
    return at;
}

// Past a string, number or word; NULL if there is none.
static inline const char *caxton_impl_skip_scalar(const char *at, const char *end) {
    size_t left = (size_t)(end - at);
    if (*at == '"') return caxton_impl_skip_string(at, end);
    if (left >= 4 && (memcmp(at, "null", 4) == 0 || memcmp(at, "true", 4) == 0)) return at + 4;
    if (left >= 5 && memcmp(at, "false", 5) == 0) return at + 5;
    return caxton_impl_skip_number(at, end);
}

// Past a member's name and its colon; NULL if there is none.
static inline const char *caxton_impl_skip_name(const char *at, const char *end) {
    at = caxton_impl_skip_string(at, end);
    if (!at) return NULL;
    at = caxton_impl_space(at, end);
    return at < end && *at == ':' ? caxton_impl_space(at + 1, end) : NULL;
}

// Past the value that begins at `at`; NULL if it is not well formed, or nested too deeply, which sets `deeper`.
static inline const char *caxton_impl_skip(const char *at, const char *end, bool *deeper) {
    // A bit for each level that is open: whether it is an object.
    unsigned char objects[CAXTON_MAX_DEPTH / 8 + 1];
    size_t depth = 0;
    memset(objects, 0, sizeof objects);
    for (;;) {
        // A value begins here.
        if (at >= end) return NULL;
        if (*at == '{' || *at == '[') {
            bool object = *at == '{';
            if (depth == CAXTON_MAX_DEPTH) {
                *deeper = true;
                return NULL;
            }
            unsigned char bit = (unsigned char)(1u << depth % 8);
            objects[depth / 8] = (unsigned char)(object ? objects[depth / 8] | bit : objects[depth / 8] & ~bit);
            depth++;
            at = caxton_impl_space(at + 1, end);
            if (at >= end) return NULL;
            if (*at != (object ? '}' : ']')) {
                if (object && !(at = caxton_impl_skip_name(at, end))) return NULL;
                continue;
            }
            at++;
            depth--;
        } else if (!(at = caxton_impl_skip_scalar(at, end))) {
            return NULL;
        }
        // A value has ended here, and perhaps some that hold it.
        for (;;) {
            if (depth == 0) return at;
            bool object = objects[(depth - 1) / 8] >> (depth - 1) % 8 & 1;
            at = caxton_impl_space(at, end);
            if (at >= end) return NULL;
            if (*at == ',') {
                at = caxton_impl_space(at + 1, end);
                if (object && !(at = caxton_impl_skip_name(at, end))) return NULL;
                break;
            }
            if (*at != (object ? '}' : ']')) return NULL;
            at++;
            depth--;
        }
    }
}

static inline caxton_json caxton_json_parse(const char *text, size_t len, const char **error) {
    if (!text) text = "", len = 0;
    const char *end = text + len;
    const char *start = caxton_impl_space(text, end);
    bool deeper = false;
    const char *stop = caxton_impl_skip(start, end, &deeper);
    bool whole = stop && caxton_impl_space(stop, end) == end;
    if (error) *error = whole ? NULL : deeper ? "it is nested deeper than 65 levels" : "it is not JSON in UTF-8";
    return whole ? caxton_impl_slice(start, stop) : caxton_impl_absent();
}

static inline caxton_json_type caxton_json_type_of(caxton_json value) {
    if (!value.at || value.len == 0) return CAXTON_JSON_ABSENT;
    switch (*value.at) {
    case 'n': return CAXTON_JSON_NULL;
    case 't':
    case 'f': return CAXTON_JSON_BOOL;
    case '"': return CAXTON_JSON_STRING;
    case '[': return CAXTON_JSON_ARRAY;
    case '{': return CAXTON_JSON_OBJECT;
    default: return CAXTON_JSON_NUMBER;
    }
}

static inline bool caxton_json_has_value(caxton_json value) {
    return caxton_json_type_of(value) > CAXTON_JSON_NULL;
}

static inline bool caxton_json_next(caxton_json all, caxton_json_cursor *cursor) {
    bool object = caxton_impl_begins(all, '{'), deeper;
    if (all.len < 2 || !(object || caxton_impl_begins(all, '['))) return false;
    const char *end = caxton_impl_end(all) - 1;
    const char *here = caxton_impl_space(cursor->next ? cursor->next : all.at + 1, end);
    if (cursor->next && here < end) here = caxton_impl_space(here + 1, end);
    cursor->name = cursor->value = caxton_impl_absent();
    // From here on, the end of all of it is where the next one is looked for.
    cursor->next = end;
    if (here >= end) return false;
    if (object) {
        const char *stop = caxton_impl_skip_string(here, end), *value = caxton_impl_skip_name(here, end);
        if (!stop || !value) return false;
        cursor->name = caxton_impl_slice(here, stop);
        here = value;
    }
    const char *stop = caxton_impl_skip(here, end, &deeper);
    if (!stop) return false;
    cursor->value = caxton_impl_slice(here, stop);
    cursor->next = stop;
    return true;
}

// Decodes the character at `*at` in a string's body, and moves past it. What is not well formed, which no value of
// caxton_json_parse is, reads as a question mark.
static inline uint32_t caxton_impl_char(const char **at, const char *end) {
    static const uint32_t replacement = 0xFFFD;
    const unsigned char *byte = (const unsigned char *)*at;
    if (byte[0] != '\\') {
        size_t len = caxton_impl_utf8(*at, end);
        *at += len ? len : 1;
        if (len == 0) return '?';
        if (len == 1) return byte[0];
        uint32_t value = byte[0] & (0xFFu >> (len + 1));
        for (size_t i = 1; i < len; i++) value = value << 6 | (byte[i] & 0x3Fu);
        return value;
    }
    if (end - *at < 2) {
        *at = end;
        return '?';
    }
    if (byte[1] != 'u') {
        static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
        const char *name = byte[1] ? strchr(names, byte[1]) : NULL;
        *at += 2;
        return name ? (unsigned char)values[name - names] : byte[1];
    }
    int32_t unit = caxton_impl_hex(*at + 2, end);
    *at += unit < 0 ? 2 : 6;
    if (unit < 0) return '?';
    if (unit < 0xD800 || unit > 0xDFFF) return (uint32_t)unit;
    if (unit > 0xDBFF) return replacement;
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return replacement;
    int32_t low = caxton_impl_hex(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF) return replacement;
    *at += 6;
    return 0x10000u + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
}

// Writes a character as UTF-8, and says how many bytes that took: no more than it took in the JSON.
static inline size_t caxton_impl_encode(uint32_t value, char out[4]) {
    if (value < 0x80) {
        out[0] = (char)value;
        return 1;
    }
    size_t len = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, value >>= 6) out[i] = (char)(0x80 | (value & 0x3F));
    out[0] = (char)((0xF00u >> len & 0xF0u) | value);
    return len;
}

// Whether a string is this text of `len` bytes; in a pointer's text, ~1 is a slash and ~0 a tilde.
static inline bool caxton_impl_is(caxton_json value, const char *text, size_t len, bool pointer) {
    if (!caxton_impl_begins(value, '"')) return false;
    const char *at = value.at + 1, *end = caxton_impl_end(value) - 1;
    size_t used = 0;
    while (at < end) {
        char bytes[4];
        size_t count = caxton_impl_encode(caxton_impl_char(&at, end), bytes);
        for (size_t i = 0; i < count; i++) {
            if (used == len) return false;
            char wanted = text[used++];
            if (pointer && wanted == '~' && used < len && (text[used] == '0' || text[used] == '1')) {
                wanted = text[used++] == '0' ? '~' : '/';
            }
            if (bytes[i] != wanted) return false;
        }
    }
    return used == len;
}

static inline bool caxton_json_equals(caxton_json value, const char *text) {
    return caxton_impl_is(value, text, strlen(text), false);
}

static inline caxton_json caxton_impl_member(caxton_json object, const char *name, size_t len, bool pointer) {
    caxton_json found = caxton_impl_absent();
    if (!caxton_impl_begins(object, '{')) return found;
    caxton_json_cursor member;
    memset(&member, 0, sizeof member);
    while (caxton_json_next(object, &member)) {
        if (caxton_impl_is(member.name, name, len, pointer)) found = member.value;
    }
    return found;
}

static inline caxton_json caxton_json_get(caxton_json object, const char *name) {
    return caxton_impl_member(object, name, strlen(name), false);
}

static inline caxton_json caxton_json_at(caxton_json array, size_t index) {
    caxton_json_cursor item;
    memset(&item, 0, sizeof item);
    if (!caxton_impl_begins(array, '[')) return caxton_impl_absent();
    while (caxton_json_next(array, &item)) {
        if (index-- == 0) return item.value;
    }
    return caxton_impl_absent();
}

static inline size_t caxton_json_count(caxton_json value) {
    size_t count = 0;
    caxton_json_cursor each;
    memset(&each, 0, sizeof each);
    while (caxton_json_next(value, &each)) count++;
    return count;
}

static inline caxton_json caxton_json_path(caxton_json value, const char *pointer) {
    while (*pointer && value.at) {
        if (*pointer++ != '/') return caxton_impl_absent();
        size_t len = strcspn(pointer, "/");
        if (caxton_impl_begins(value, '[')) {
            uint64_t index = 0;
            bool is_index = caxton_json_uint(caxton_impl_slice(pointer, pointer + len), &index);
            value = is_index && index < SIZE_MAX ? caxton_json_at(value, (size_t)index) : caxton_impl_absent();
        } else {
            value = caxton_impl_member(value, pointer, len, true);
        }
        pointer += len;
    }
    return value;
}

// Decodes a string into `out`, which has room for as many bytes as the value has; the length, without a NUL.
static inline size_t caxton_impl_decode(caxton_json value, char *out) {
    const char *at = value.at + 1, *end = caxton_impl_end(value) - 1;
    size_t len = 0;
    while (at < end) {
        char bytes[4];
        size_t count = caxton_impl_encode(caxton_impl_char(&at, end), bytes);
        memcpy(out + len, bytes, count);
        len += count;
    }
    out[len] = '\0';
    return len;
}

static inline char *caxton_json_copy(caxton_json value, size_t *len) {
    if (len) *len = 0;
    if (!caxton_impl_begins(value, '"') || value.len < 2) return NULL;
    char *text = caxton_impl_allocate(value.len);
    size_t decoded = caxton_impl_decode(value, text);
    if (!len && strlen(text) != decoded) {
        free(text);
        return NULL;
    }
    if (len) *len = decoded;
    return text;
}

static inline bool caxton_json_string(caxton_json value, char *out, size_t room) {
    if (room == 0) return false;
    out[0] = '\0';
    if (!caxton_impl_begins(value, '"')) return false;
    const char *at = value.at + 1, *end = caxton_impl_end(value) - 1;
    size_t len = 0;
    while (at < end) {
        char bytes[4];
        size_t count = caxton_impl_encode(caxton_impl_char(&at, end), bytes);
        if (bytes[0] == '\0' || count >= room - len) {
            out[0] = '\0';
            return false;
        }
        memcpy(out + len, bytes, count);
        len += count;
    }
    out[len] = '\0';
    return true;
}

static inline bool caxton_json_uint(caxton_json value, uint64_t *whole) {
    uint64_t read = 0;
    if (!value.at || value.len == 0 || (value.len > 1 && *value.at == '0')) return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)((unsigned char)value.at[i]) - '0';
        if (digit > 9 || read > (UINT64_MAX - digit) / 10) return false;
        read = read * 10 + digit;
    }
    *whole = read;
    return true;
}

static inline bool caxton_json_int(caxton_json value, int64_t *whole) {
    bool negative = caxton_impl_begins(value, '-');
    uint64_t size;
    if (negative) value = caxton_impl_slice(value.at + 1, caxton_impl_end(value));
    if (!caxton_json_uint(value, &size) || size > (uint64_t)INT64_MAX + negative) return false;
    *whole = negative && size ? -(int64_t)(size - 1) - 1 : (int64_t)size;
    return true;
}

static inline bool caxton_json_number(caxton_json value, double *number) {
    // Most fit here; strtod wants a NUL at the end.
    char few[64];
    if (caxton_json_type_of(value) != CAXTON_JSON_NUMBER) return false;
    char *digits = value.len < sizeof few ? few : caxton_impl_allocate(value.len + 1);
    for (size_t i = 0; i < value.len; i++) digits[i] = value.at[i];
    digits[value.len] = '\0';
    char *stop;
    double read = strtod(digits, &stop);
    bool all = *stop == '\0';
    if (digits != few) free(digits);
    if (!all || !__builtin_isfinite(read)) return false;
    *number = read;
    return true;
}

static inline bool caxton_json_bool(caxton_json value, bool *truth) {
    if (caxton_json_type_of(value) != CAXTON_JSON_BOOL) return false;
    *truth = *value.at == 't';
    return true;
}

#ifdef __cplusplus
}
#endif

#endif
