// A reader for JSON that works on slices of the text itself.
//
// It allocates nothing and never recurses, so hostile input costs time in proportion to its length
// and nothing else. Check a document once with json_valid; the other functions rely on that.

#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One value with nothing around it. A value that is not there has no `at`.
typedef struct {
    const char *at;
    size_t len;
} json;

// The length of the UTF-8 sequence that begins at `at`, or 0 if it is not well formed.
size_t json_utf8(const char *at, const char *end);

// The document in `text`; not there if it is not well formed JSON in UTF-8.
json json_valid(const char *text, size_t len);

bool json_is(json value, char first);

// Decodes a string into `out`, which has room for `value.len` bytes. False if it is no string, or one
// with half of a surrogate pair, which UTF-8 cannot hold.
bool json_string(json value, char *out, size_t *len);

// Whether a value is the string `ascii`, however it is escaped.
bool json_equals(json value, const char *ascii);

// The next value of an array, or member of an object, from `*at` on; NULL there begins. For members, `*name`
// is set.
json json_next(json all, const char **at, json *name);

// The member of an object that has this name, the last one if there are several; not there if it is null.
json json_member(json object, const char *wanted);

// Whether two values are the same string, however they are escaped.
bool json_same(json a, json b);

// Reads a number; false if it is none, or too large.
bool json_number(json value, double *number);

// Reads a number of microseconds or of times; -1 if it is none.
int64_t json_whole(json value);

bool json_true(json value);

#endif
