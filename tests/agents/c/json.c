#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Values nested deeper than this are refused; each level needs one bit to remember its bracket.
enum { JSON_MAX_DEPTH = 512 };

// Above this, a number of microseconds or of times is taken for a mistake.
static const int64_t MAX_WHOLE = 1000000000000000;

static const char *json_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

size_t json_utf8(const char *at, const char *end) {
    const uint8_t *byte = (const uint8_t *)at;
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
static int32_t json_hex(const char *at, const char *end) {
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

static const char *json_skip_string(const char *at, const char *end) {
    at++;
    while (at < end) {
        uint8_t c = (uint8_t)*at;
        if (c == '"') return at + 1;
        if (c < 0x20) return NULL;
        if (c != '\\') {
            size_t len = json_utf8(at, end);
            if (len == 0) return NULL;
            at += len;
        } else if (end - at >= 6 && at[1] == 'u' && json_hex(at + 2, end) >= 0) {
            at += 6;
        } else if (end - at >= 2 && at[1] != '\0' && strchr("\"\\/bfnrt", at[1])) {
            at += 2;
        } else {
            return NULL;
        }
    }
    return NULL;
}

static const char *json_skip_digits(const char *at, const char *end) {
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at == start ? NULL : at;
}

static const char *json_skip_number(const char *at, const char *end) {
    if (*at == '-') at++;
    at = at < end && *at == '0' ? at + 1 : json_skip_digits(at, end);
    if (at && at < end && *at == '.') at = json_skip_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = json_skip_digits(at, end);
    }
    return at;
}

// Past a string, number or word; NULL if there is none.
static const char *json_skip_scalar(const char *at, const char *end) {
    static const char *const words[] = {"null", "true", "false"};
    if (*at == '"') return json_skip_string(at, end);
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(end - at) >= len && memcmp(at, words[i], len) == 0) return at + len;
    }
    return json_skip_number(at, end);
}

// Past a member's name and its colon; NULL if there is none.
static const char *json_skip_name(const char *at, const char *end) {
    if (at >= end || *at != '"') return NULL;
    at = json_skip_string(at, end);
    if (!at) return NULL;
    at = json_space(at, end);
    return at < end && *at == ':' ? json_space(at + 1, end) : NULL;
}

// Past the value that begins at `at`; NULL if it is not well formed.
static const char *json_skip(const char *at, const char *end) {
    uint8_t objects[JSON_MAX_DEPTH / 8];
    size_t depth = 0;
    for (;;) {
        // A value begins here.
        if (at >= end) return NULL;
        if (*at == '{' || *at == '[') {
            bool object = *at == '{';
            if (depth == JSON_MAX_DEPTH) return NULL;
            uint8_t bit = (uint8_t)(1u << depth % 8);
            objects[depth / 8] = (uint8_t)(object ? objects[depth / 8] | bit : objects[depth / 8] & ~bit);
            depth++;
            at = json_space(at + 1, end);
            if (at >= end) return NULL;
            if (*at != (object ? '}' : ']')) {
                if (object && !(at = json_skip_name(at, end))) return NULL;
                continue;
            }
            at++;
            depth--;
        } else if (!(at = json_skip_scalar(at, end))) {
            return NULL;
        }
        // A value has ended here, and perhaps some that hold it.
        for (;;) {
            if (depth == 0) return at;
            bool object = objects[(depth - 1) / 8] >> (depth - 1) % 8 & 1;
            at = json_space(at, end);
            if (at >= end) return NULL;
            if (*at == ',') {
                at = json_space(at + 1, end);
                if (object && !(at = json_skip_name(at, end))) return NULL;
                break;
            }
            if (*at != (object ? '}' : ']')) return NULL;
            at++;
            depth--;
        }
    }
}

json json_valid(const char *text, size_t len) {
    const char *end = text + len;
    const char *start = json_space(text, end);
    const char *stop = json_skip(start, end);
    if (!stop || json_space(stop, end) != end) return (json){0};
    return (json){start, (size_t)(stop - start)};
}

bool json_is(json value, char first) { return value.at && *value.at == first; }

// Decodes the character at `*at` in a string's body, and moves past it; -1 for half of a surrogate pair.
static int32_t json_char(const char **at, const char *end) {
    const uint8_t *byte = (const uint8_t *)*at;
    if (byte[0] != '\\') {
        size_t len = json_utf8(*at, end);
        *at += len;
        if (len == 1) return byte[0];
        int32_t value = byte[0] & (0xFF >> (len + 1));
        for (size_t i = 1; i < len; i++) value = value << 6 | (byte[i] & 0x3F);
        return value;
    }
    if (byte[1] != 'u') {
        static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
        const char *name = strchr(names, byte[1]);
        *at += 2;
        return name ? values[name - names] : byte[1];
    }
    int32_t unit = json_hex(*at + 2, end);
    *at += 6;
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    if (unit > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return -1;
    int32_t low = json_hex(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF) return -1;
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

// Writes a character as UTF-8, and says how many bytes that took.
static size_t json_encode(int32_t value, char *out) {
    if (value < 0x80) return out[0] = (char)value, 1;
    size_t len = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, value >>= 6) out[i] = (char)(0x80 | (value & 0x3F));
    out[0] = (char)((0xF00 >> len & 0xF0) | value);
    return len;
}

bool json_string(json value, char *out, size_t *len) {
    *len = 0;
    if (!json_is(value, '"')) return false;
    const char *at = value.at + 1, *end = value.at + value.len - 1;
    while (at < end) {
        int32_t c = json_char(&at, end);
        if (c < 0) return false;
        *len += json_encode(c, out + *len);
    }
    return true;
}

bool json_equals(json value, const char *ascii) {
    if (!json_is(value, '"')) return false;
    const char *at = value.at + 1, *end = value.at + value.len - 1;
    while (at < end) {
        if (json_char(&at, end) != *ascii++ || ascii[-1] == '\0') return false;
    }
    return *ascii == '\0';
}

json json_next(json all, const char **at, json *name) {
    const char *end = all.at + all.len - 1;
    const char *here = json_space(*at ? *at : all.at + 1, end);
    if (*at && here < end) here = json_space(here + 1, end);
    if (here >= end) return (json){0};
    if (name) {
        const char *stop = json_skip_string(here, end);
        *name = (json){here, (size_t)(stop - here)};
        here = json_skip_name(here, end);
    }
    *at = json_skip(here, end);
    return (json){here, (size_t)(*at - here)};
}

json json_member(json object, const char *wanted) {
    json found = {0};
    if (!json_is(object, '{')) return found;
    const char *at = NULL;
    json name, value;
    while ((value = json_next(object, &at, &name)).at) {
        if (json_equals(name, wanted)) found = value;
    }
    return json_is(found, 'n') ? (json){0} : found;
}

bool json_same(json a, json b) {
    if (!json_is(a, '"') || !json_is(b, '"')) return false;
    const char *at = a.at + 1, *end = a.at + a.len - 1;
    const char *other = b.at + 1, *other_end = b.at + b.len - 1;
    while (at < end && other < other_end) {
        if (json_char(&at, end) != json_char(&other, other_end)) return false;
    }
    return at == end && other == other_end;
}

bool json_number(json value, double *number) {
    if (!value.at || !(*value.at == '-' || (*value.at >= '0' && *value.at <= '9'))) return false;
    // It ends before what holds the value does, so nothing past it is taken for a part of it.
    *number = strtod(value.at, NULL);
    return isfinite(*number);
}

int64_t json_whole(json value) {
    if (!value.at) return -1;
    int64_t whole = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') return -1;
        whole = whole * 10 + (value.at[i] - '0');
        if (whole > MAX_WHOLE) return -1;
    }
    return whole;
}

bool json_true(json value) { return json_is(value, 't'); }
