// Text that grows as it is written.

#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>

#include "json.h"

typedef struct {
    char *at;
    size_t len, room;
} text;

// Adds what `format` says: %s is a string that needs no escapes, %v a json value, or null where it is not
// there, and %d an int64_t.
void print(text *out, const char *format, ...);
void print_all(text *out, const char *format, va_list values);

// Adds a string as JSON.
void print_string(text *out, const text *from);

// Decodes a string; false if it is none. `out` is to be freed either way.
bool read_string(json value, text *out);

// Whether a value is a string that can be decoded.
bool is_string(json value);

#endif
