#include "text.h"

#include <stdlib.h>
#include <string.h>

// Makes room for `len` more bytes. Without memory there is nothing to do but trap; the host says why.
static char *reserve(text *out, size_t len) {
    if (out->room - out->len < len) {
        out->room = (out->len + len) * 2;
        out->at = realloc(out->at, out->room);
        if (!out->at) __builtin_trap();
    }
    return out->at + out->len;
}

static void append(text *out, const char *from, size_t len) {
    memcpy(reserve(out, len), from, len);
    out->len += len;
}

static void print_value(text *out, json value) {
    if (value.at) append(out, value.at, value.len);
    else append(out, "null", 4);
}

static void print_number(text *out, int64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do digits[--first] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0) digits[--first] = '-';
    append(out, digits + first, sizeof digits - first);
}

void print_all(text *out, const char *format, va_list values) {
    for (const char *next; *format; format = next) {
        if (*format != '%') {
            next = strchr(format, '%');
            if (!next) next = format + strlen(format);
            append(out, format, (size_t)(next - format));
            continue;
        }
        next = format + 2;
        if (format[1] == 's') {
            const char *string = va_arg(values, const char *);
            append(out, string, strlen(string));
        } else if (format[1] == 'v') {
            print_value(out, va_arg(values, json));
        } else {
            print_number(out, va_arg(values, int64_t));
        }
    }
}

void print(text *out, const char *format, ...) {
    va_list values;
    va_start(values, format);
    print_all(out, format, values);
    va_end(values);
}

void print_string(text *out, const text *from) {
    append(out, "\"", 1);
    for (size_t i = 0; i < from->len; i++) {
        uint8_t c = (uint8_t)from->at[i];
        if (c == '"' || c == '\\') {
            append(out, (char[]){'\\', (char)c}, 2);
        } else if (c < 0x20) {
            static const char hex[] = "0123456789abcdef";
            append(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        } else {
            append(out, (char *)&c, 1);
        }
    }
    append(out, "\"", 1);
}

bool read_string(json value, text *out) {
    return json_string(value, reserve(out, value.len), &out->len);
}

bool is_string(json value) {
    text decoded = {0};
    bool is = json_is(value, '"') && read_string(value, &decoded);
    free(decoded.at);
    return is;
}
