// Reading JSON.

#include "caxton_test.h"

#define PARSE(text) caxton_json_parse(text, sizeof(text) - 1, NULL)

// A copy that ends where the text does, so that a sanitizer sees who reads on.
static bool is_json(const char *text, size_t len) {
    char *copy = caxton_impl_allocate(len);
    if (len > 0) memcpy(copy, text, len);
    const char *error = "unset";
    caxton_json value = caxton_json_parse(copy, len, &error);
    CAXTON_CHECK((value.at != NULL) == (error == NULL));
    free(copy);
    return value.at != NULL;
}

static void accepts_json(void) {
    static const char *const texts[] = {
        "null", "true", " false ", "0", "-0", "10.25", "1e3", "-1.5E-7", "\"\"",
        "\"a\\\"b\\\\c\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\uD83D\\uDE00\"", "\"\\ud800\"", "[]", "[ ]", "{}", "{ }", "[1,[2,{\"a\":[]}]]",
        "{\"a\":1,\"a\":2}", "\t\r\n[1 , 2]\n", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!is_json(texts[i], strlen(texts[i]))) fprintf(stderr, "refused: %s\n", texts[i]);
        CAXTON_CHECK(is_json(texts[i], strlen(texts[i])));
    }
}

static void refuses_what_is_no_json(void) {
    static const char *const texts[] = {
        "", " ", "nul", "nulll", "True", "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x10", "NaN", "Infinity", "\"",
        "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\", "\"\t\"", "'a'", "[", "[1", "[1,", "[1,]",
        "[,1]", "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:2}",
        "{\"a\" 1}",
        "{\"a\":1]", "[1}", "1 2", "[] []", "// c", "\xEF\xBB\xBF[]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (is_json(texts[i], strlen(texts[i]))) fprintf(stderr, "accepted: %s\n", texts[i]);
        CAXTON_CHECK(!is_json(texts[i], strlen(texts[i])));
    }
    CAXTON_CHECK(!is_json("\"\0\"", 3));
    CAXTON_CHECK(!is_json("1\0", 2));
    CAXTON_CHECK(!is_json("\"\\\0\"", 4));
    CAXTON_CHECK(caxton_json_parse(NULL, 0, NULL).at == NULL);
}

static void refuses_odd_utf8(void) {
    static const char *const bodies[] = {
        "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE2\x82", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\x98", "\xFE", "\xFF"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char *text = caxton_join("\"", bodies[i], "\"", NULL);
        CAXTON_CHECK(!is_json(text, strlen(text)));
        // The text ends within the sequence.
        CAXTON_CHECK(!is_json(text, strlen(text) - 1));
        free(text);
    }
}

static void limits_nesting(void) {
    enum { MANY = 100000 };
    char *deep = caxton_impl_allocate(2 * MANY);
    memset(deep, '[', MANY);
    memset(deep + MANY, ']', MANY);
    const char *error;
    CAXTON_CHECK(caxton_json_parse(deep + MANY - 65, 130, &error).at != NULL);
    CAXTON_CHECK(caxton_json_parse(deep + MANY - 66, 132, &error).at == NULL);
    CAXTON_CHECK_TEXT(error, "it is nested deeper than 65 levels");
    CAXTON_CHECK(caxton_json_parse(deep, 2 * MANY, &error).at == NULL);
    CAXTON_CHECK_TEXT(error, "it is nested deeper than 65 levels");
    CAXTON_CHECK(caxton_json_parse(deep + MANY - 65, 129, &error).at == NULL);
    CAXTON_CHECK_TEXT(error, "it is not JSON in UTF-8");
    free(deep);
}

static void finds_members_and_items(void) {
    caxton_json value = PARSE("{\"a\": {\"b/c\": [10, {}, null]}, \"\\u0061\": {\"b\\/c\": [1, 2]}, \"\": 0}");
    CAXTON_CHECK_JSON(caxton_json_get(value, "a"), "{\"b/c\": [1, 2]}");
    CAXTON_CHECK(caxton_json_get(value, "x").at == NULL);
    CAXTON_CHECK_JSON(caxton_json_get(value, ""), "0");
    CAXTON_CHECK_JSON(caxton_json_path(value, "/a/b~1c/1"), "2");
    CAXTON_CHECK_JSON(caxton_json_path(value, "/"), "0");
    CAXTON_CHECK(caxton_json_path(value, "").at == value.at);
    CAXTON_CHECK(caxton_json_path(value, "a").at == NULL);
    CAXTON_CHECK(caxton_json_path(value, "/a/b~1c/2").at == NULL);
    CAXTON_CHECK(caxton_json_path(value, "/a/b~1c/-1").at == NULL);
    CAXTON_CHECK(caxton_json_path(value, "/a/b~1c/01").at == NULL);
    CAXTON_CHECK(caxton_json_path(value, "/a/b~1c/99999999999999999999").at == NULL);
    CAXTON_CHECK(caxton_json_path(value, "/x/y/z").at == NULL);
    CAXTON_CHECK_JSON(caxton_json_path(PARSE("{\"~1\": 5}"), "/~01"), "5");
    CAXTON_CHECK_JSON(caxton_json_at(PARSE("[1,2,3]"), 2), "3");
    CAXTON_CHECK(caxton_json_at(PARSE("[1,2,3]"), 3).at == NULL);
    CAXTON_CHECK(caxton_json_at(PARSE("{\"0\":1}"), 0).at == NULL);
    CAXTON_CHECK_INT(caxton_json_count(PARSE("[1, [2, 3], {\"a\": 4}]")), 3);
    CAXTON_CHECK_INT(caxton_json_count(value), 3);
    CAXTON_CHECK_INT(caxton_json_count(PARSE("\"text\"")), 0);
    CAXTON_CHECK_INT(caxton_json_count(PARSE("[ ]")), 0);
}

static void goes_through_all(void) {
    caxton_json_cursor item = {0};
    int64_t sum = 0, whole;
    caxton_json array = PARSE(" [ 1 ,2, 3 ] ");
    while (caxton_json_next(array, &item)) {
        CAXTON_CHECK(caxton_json_int(item.value, &whole) && item.name.at == NULL);
        sum += whole;
    }
    CAXTON_CHECK_INT(sum, 6);
    CAXTON_CHECK(!caxton_json_next(array, &item));

    caxton_json_cursor member = {0};
    caxton_json object = PARSE("{\"a\" : 1 , \"b\": {\"c\": 2}}");
    CAXTON_CHECK(caxton_json_next(object, &member));
    CAXTON_CHECK_JSON(member.name, "\"a\"");
    CAXTON_CHECK(caxton_json_next(object, &member));
    CAXTON_CHECK_JSON(member.name, "\"b\"");
    CAXTON_CHECK_JSON(member.value, "{\"c\": 2}");
    CAXTON_CHECK(!caxton_json_next(object, &member));
}

static void tells_types(void) {
    CAXTON_CHECK(caxton_json_type_of(caxton_json_get(PARSE("{}"), "a")) == CAXTON_JSON_ABSENT);
    CAXTON_CHECK(caxton_json_type_of(PARSE("null")) == CAXTON_JSON_NULL);
    CAXTON_CHECK(caxton_json_type_of(PARSE("false")) == CAXTON_JSON_BOOL);
    CAXTON_CHECK(caxton_json_type_of(PARSE("-1")) == CAXTON_JSON_NUMBER);
    CAXTON_CHECK(caxton_json_type_of(PARSE("\"\"")) == CAXTON_JSON_STRING);
    CAXTON_CHECK(caxton_json_type_of(PARSE("[]")) == CAXTON_JSON_ARRAY);
    CAXTON_CHECK(caxton_json_type_of(PARSE("{}")) == CAXTON_JSON_OBJECT);
    CAXTON_CHECK(!caxton_json_has_value(PARSE("null")) && caxton_json_has_value(PARSE("false")));
}

static void decodes_strings(void) {
    char text[16], *copy;
    CAXTON_CHECK(caxton_json_string(PARSE("\"\\u0048\\u00e9\\n\\uD83D\\uDE00\xE2\x82\xAC\""), text, sizeof text));
    CAXTON_CHECK_TEXT(text, "H\xC3\xA9\n\xF0\x9F\x98\x80\xE2\x82\xAC");
    copy = caxton_json_copy(PARSE("\"\\u0048\\u00e9\\n\\uD83D\\uDE00\xE2\x82\xAC\""), NULL);
    CAXTON_CHECK_TEXT(copy, "H\xC3\xA9\n\xF0\x9F\x98\x80\xE2\x82\xAC");
    free(copy);
    // Halves of pairs, in an order that makes none, and one that runs into another.
    copy = caxton_json_copy(PARSE("\"\\uDE00\\uDE00\""), NULL);
    CAXTON_CHECK_TEXT(copy, "\xEF\xBF\xBD\xEF\xBF\xBD");
    free(copy);
    copy = caxton_json_copy(PARSE("\"\\uDE00\\uD83D|\\uD83Dx|\\uD83D\\uD83D\\uDE00|\\uD83D\\u0041\""), NULL);
    CAXTON_CHECK_TEXT(copy, "\xEF\xBF\xBD\xEF\xBF\xBD|\xEF\xBF\xBDx|\xEF\xBF\xBD\xF0\x9F\x98\x80|\xEF\xBF\xBD" "A");
    free(copy);
    CAXTON_CHECK(!caxton_json_string(PARSE("\"sixteen bytes...\""), text, sizeof text));
    CAXTON_CHECK_TEXT(text, "");
    CAXTON_CHECK(caxton_json_string(PARSE("\"fifteen bytes..\""), text, sizeof text));
    CAXTON_CHECK(!caxton_json_string(PARSE("5"), text, sizeof text));
    CAXTON_CHECK(!caxton_json_string(PARSE("\"a\""), text, 0));
    CAXTON_CHECK(caxton_json_copy(PARSE("[\"a\"]"), NULL) == NULL);
}

static void takes_a_nul_only_with_a_length(void) {
    char text[16];
    size_t len = 9;
    caxton_json value = PARSE("\"a\\u0000b\"");
    CAXTON_CHECK(!caxton_json_string(value, text, sizeof text));
    CAXTON_CHECK(caxton_json_copy(value, NULL) == NULL);
    char *copy = caxton_json_copy(value, &len);
    CAXTON_CHECK(copy && len == 3 && memcmp(copy, "a\0b", 4) == 0);
    free(copy);
    CAXTON_CHECK(!caxton_json_equals(value, "a"));
    CAXTON_CHECK(caxton_json_copy(PARSE("1"), &len) == NULL && len == 0);
}

static void compares_strings(void) {
    CAXTON_CHECK(caxton_json_equals(PARSE("\"gr\\u00fc\\u00DFe\""), "gr\xC3\xBC\xC3\x9F" "e"));
    CAXTON_CHECK(caxton_json_equals(PARSE("\"\""), ""));
    CAXTON_CHECK(!caxton_json_equals(PARSE("\"request\""), "requests"));
    CAXTON_CHECK(!caxton_json_equals(PARSE("\"requests\""), "request"));
    CAXTON_CHECK(!caxton_json_equals(PARSE("5"), "5"));
    CAXTON_CHECK(!caxton_json_equals(caxton_json_get(PARSE("{}"), "a"), ""));
}

static void reads_whole_numbers_exactly(void) {
    int64_t whole = 7;
    uint64_t size = 7;
    CAXTON_CHECK(caxton_json_int(PARSE("9223372036854775807"), &whole) && whole == INT64_MAX);
    CAXTON_CHECK(caxton_json_int(PARSE("-9223372036854775808"), &whole) && whole == INT64_MIN);
    CAXTON_CHECK(caxton_json_int(PARSE("9007199254740993"), &whole) && whole == 9007199254740993);
    CAXTON_CHECK(caxton_json_int(PARSE("-0"), &whole) && whole == 0);
    CAXTON_CHECK(caxton_json_uint(PARSE("18446744073709551615"), &size) && size == UINT64_MAX);
    whole = 7;
    size = 7;
    CAXTON_CHECK(!caxton_json_int(PARSE("9223372036854775808"), &whole));
    CAXTON_CHECK(!caxton_json_int(PARSE("-9223372036854775809"), &whole));
    CAXTON_CHECK(!caxton_json_uint(PARSE("18446744073709551616"), &size));
    CAXTON_CHECK(!caxton_json_uint(PARSE("99999999999999999999999999"), &size));
    CAXTON_CHECK(!caxton_json_uint(PARSE("-1"), &size));
    CAXTON_CHECK(!caxton_json_int(PARSE("1.0"), &whole) && !caxton_json_int(PARSE("1e3"), &whole));
    CAXTON_CHECK(!caxton_json_int(PARSE("\"1\""), &whole) && !caxton_json_int(PARSE("true"), &whole));
    CAXTON_CHECK(whole == 7 && size == 7);
}

static void reads_numbers_and_truth(void) {
    double number = 7;
    bool truth = false;
    // Digits behind the value are none of it.
    caxton_json first = caxton_json_parse("1.2599", 4, NULL);
    CAXTON_CHECK(caxton_json_number(first, &number) && number > 1.2499 && number < 1.2501);
    CAXTON_CHECK(caxton_json_number(PARSE("-1e-2"), &number) && number < 0);
    char digits[301];
    memset(digits, '9', sizeof digits);
    CAXTON_CHECK(caxton_json_number(caxton_json_parse(digits, sizeof digits, NULL), &number) && number > 1e300);
    CAXTON_CHECK(!caxton_json_number(PARSE("1e999"), &number) && !caxton_json_number(PARSE("\"1\""), &number));
    CAXTON_CHECK(caxton_json_bool(PARSE("true"), &truth) && truth);
    CAXTON_CHECK(caxton_json_bool(PARSE("false"), &truth) && !truth);
    CAXTON_CHECK(!caxton_json_bool(PARSE("1"), &truth) && !caxton_json_bool(PARSE("null"), &truth));
}

// Everything that reads, on one value.
static void read_all(caxton_json value, int depth) {
    char text[8];
    size_t len;
    int64_t whole;
    double number;
    bool truth;
    caxton_json_string(value, text, sizeof text);
    free(caxton_json_copy(value, &len));
    caxton_json_int(value, &whole);
    caxton_json_number(value, &number);
    caxton_json_bool(value, &truth);
    caxton_json_path(value, "/a/0");
    caxton_json_cursor each = {0};
    while (depth > 0 && caxton_json_next(value, &each)) {
        read_all(each.name, 0);
        read_all(each.value, depth - 1);
    }
}

// Strings that end too soon, which nobody checked.
static void survives_cut_strings(void) {
    static const char *const texts[] = {
        "\"", "\"\\", "\"\\u", "\"\\u12", "\"\\uD83D", "\"\\uD83D\\", "\"\\uD83D\\uDE", "\"\xF0\x9F"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        caxton_json slice;
        slice.len = strlen(texts[i]);
        char *copy = caxton_impl_allocate(slice.len);
        memcpy(copy, texts[i], slice.len);
        slice.at = copy;
        read_all(slice, 1);
        CAXTON_CHECK(!caxton_json_equals(slice, "text"));
        free(copy);
    }
}

// Texts that differ in some bytes from JSON; and slices that were never checked, which no function may read beyond.
static void survives_hostile_text(void) {
    static const char seed[] =
        "{\"a\": [1, -2.5e3, \"\\u00e9\\uD83D\\uDE00\xC3\xA9\"], \"b\": {\"c\": null, \"d\": [[], {}]}, \"e\": true}";
    static const char bytes[] = "{}[]\",:\\u0d8eE+-.\x80\xC3\xF0\x9F\0 ntf";
    for (int round = 0; round < 20000; round++) {
        size_t len = sizeof seed - 1 - caxton_random_u32() % 8;
        char *copy = caxton_impl_allocate(len);
        memcpy(copy, seed, len);
        for (uint32_t change = caxton_random_u32() % 4; change > 0; change--) {
            copy[caxton_random_u32() % len] = bytes[caxton_random_u32() % sizeof bytes];
        }
        caxton_json value = caxton_json_parse(copy, len, NULL);
        caxton_json slice = {copy + caxton_random_u32() % len, 1};
        slice.len += caxton_random_u32() % (len - (size_t)(slice.at - copy));
        read_all(value, 4);
        read_all(slice, 4);
        free(copy);
    }
}

int main(void) {
    CAXTON_RUN(accepts_json);
    CAXTON_RUN(refuses_what_is_no_json);
    CAXTON_RUN(refuses_odd_utf8);
    CAXTON_RUN(limits_nesting);
    CAXTON_RUN(finds_members_and_items);
    CAXTON_RUN(goes_through_all);
    CAXTON_RUN(tells_types);
    CAXTON_RUN(decodes_strings);
    CAXTON_RUN(takes_a_nul_only_with_a_length);
    CAXTON_RUN(compares_strings);
    CAXTON_RUN(reads_whole_numbers_exactly);
    CAXTON_RUN(reads_numbers_and_truth);
    CAXTON_RUN(survives_cut_strings);
    CAXTON_RUN(survives_hostile_text);
    return caxton_test_report();
}
