// Writing JSON and joining texts.

#include "caxton_test.h"

static void writes_nested_values(void) {
    caxton_writer out = {0};
    caxton_write_begin_object(&out);
    caxton_write_key(&out, "list");
    caxton_write_begin_array(&out);
    caxton_write_int(&out, -1);
    caxton_write_begin_object(&out);
    caxton_write_end_object(&out);
    caxton_write_begin_array(&out);
    caxton_write_end_array(&out);
    caxton_write_null(&out);
    caxton_write_end_array(&out);
    caxton_write_key(&out, "yes");
    caxton_write_bool(&out, true);
    caxton_write_key(&out, "no");
    caxton_write_bool(&out, false);
    caxton_write_key(&out, "given");
    caxton_write_json(&out, caxton_json_parse("{\"big\":123456789012345678901234567890}", 38, NULL));
    caxton_write_key(&out, "none");
    caxton_write_json(&out, caxton_json_get(caxton_written(&out), "none"));
    caxton_write_end_object(&out);
    CAXTON_CHECK_TEXT(out.text, "{\"list\":[-1,{},[],null],\"yes\":true,\"no\":false,"
                                "\"given\":{\"big\":123456789012345678901234567890},\"none\":null}");
    CAXTON_CHECK_INT(caxton_written(&out).len, out.len);
    caxton_writer_free(&out);
    CAXTON_CHECK(out.text == NULL && out.len == 0);
}

static const char *written_text(caxton_writer *out, const char *text, size_t len) {
    caxton_writer_free(out);
    caxton_write_text(out, text, len);
    return out->text;
}

static void escapes_texts(void) {
    caxton_writer out = {0};
    CAXTON_CHECK_TEXT(written_text(&out, "a\"b\\c\n\x01\x1F/", 9), "\"a\\\"b\\\\c\\u000a\\u0001\\u001f/\"");
    CAXTON_CHECK_TEXT(written_text(&out, "a\0b", 3), "\"a\\u0000b\"");
    CAXTON_CHECK_TEXT(written_text(&out, "", 0), "\"\"");
    CAXTON_CHECK_TEXT(written_text(&out, NULL, 0), "null");
    CAXTON_CHECK_TEXT(written_text(&out, "\xC3\xA9\xF0\x9F\x98\x80\x7F", 7), "\"\xC3\xA9\xF0\x9F\x98\x80\x7F\"");
    // Bytes that are no UTF-8, one by one, and a sequence that is cut.
    CAXTON_CHECK_TEXT(written_text(&out, "x\xFF\xC3y", 4), "\"x\xEF\xBF\xBD\xEF\xBF\xBDy\"");
    CAXTON_CHECK_TEXT(written_text(&out, "\xE2\x82\xAC", 2), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    caxton_writer_free(&out);
}

static void texts_come_back(void) {
    caxton_writer out = {0};
    char text[256];
    for (size_t i = 0; i < 128; i++) text[i] = (char)i;
    memcpy(text + 128, "\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 18);
    caxton_write_text(&out, text, 146);
    size_t len;
    char *back = caxton_json_copy(caxton_written(&out), &len);
    CAXTON_CHECK(back && len == 146 && memcmp(back, text, len) == 0);
    free(back);
    caxton_writer_free(&out);
}

static const char *written_number(caxton_writer *out, double number) {
    caxton_writer_free(out);
    caxton_write_number(out, number);
    return out->text;
}

static void writes_numbers(void) {
    caxton_writer out = {0};
    CAXTON_CHECK_TEXT(written_number(&out, 0.1), "0.1");
    CAXTON_CHECK_TEXT(written_number(&out, -2), "-2");
    CAXTON_CHECK_TEXT(written_number(&out, 0.1 + 0.2), "0.30000000000000004");
    CAXTON_CHECK_TEXT(written_number(&out, 1e300), "1e+300");
    CAXTON_CHECK_TEXT(written_number(&out, __builtin_inf()), "null");
    CAXTON_CHECK_TEXT(written_number(&out, __builtin_nan("")), "null");
    caxton_writer_free(&out);
    caxton_write_begin_array(&out);
    caxton_write_int(&out, INT64_MIN);
    caxton_write_int(&out, INT64_MAX);
    caxton_write_int(&out, 0);
    caxton_write_uint(&out, UINT64_MAX);
    caxton_write_end_array(&out);
    CAXTON_CHECK_TEXT(out.text, "[-9223372036854775808,9223372036854775807,0,18446744073709551615]");
    caxton_writer_free(&out);
    char digits[CAXTON_DECIMAL_ROOM];
    CAXTON_CHECK_TEXT(caxton_decimal(INT64_MIN, digits), "-9223372036854775808");
    CAXTON_CHECK_TEXT(caxton_decimal(7, digits), "7");
}

static void tells_what_is_not_whole(void) {
    caxton_writer out = {0};
    CAXTON_CHECK(caxton_written(&out).at == NULL);
    caxton_write_begin_object(&out);
    caxton_write_key(&out, "a");
    CAXTON_CHECK(caxton_written(&out).at == NULL);
    caxton_write_end_object(&out);
    CAXTON_CHECK(caxton_written(&out).at == NULL);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "what the agent has written cannot be used: it is not JSON"));
    caxton_writer_free(&out);
    for (int i = 0; i < 66; i++) caxton_write_begin_array(&out);
    for (int i = 0; i < 66; i++) caxton_write_end_array(&out);
    CAXTON_CHECK(caxton_written(&out).at == NULL);
    CAXTON_CHECK(caxton_test_logged(CAXTON_ERROR, "nested deeper than 65 levels"));
    caxton_writer_free(&out);
}

static void grows(void) {
    caxton_writer out = {0};
    caxton_write_begin_array(&out);
    for (int i = 0; i < 10000; i++) caxton_write_int(&out, i);
    caxton_write_end_array(&out);
    CAXTON_CHECK_INT(caxton_json_count(caxton_written(&out)), 10000);
    CAXTON_CHECK_INT(strlen(out.text), out.len);
    caxton_writer_free(&out);
}

static void joins_texts(void) {
    char *text = caxton_join("Hello, ", "", "Ada", "!", NULL);
    CAXTON_CHECK_TEXT(text, "Hello, Ada!");
    free(text);
    text = caxton_join(NULL, NULL);
    CAXTON_CHECK_TEXT(text, "");
    free(text);
}

int main(void) {
    CAXTON_RUN(writes_nested_values);
    CAXTON_RUN(escapes_texts);
    CAXTON_RUN(texts_come_back);
    CAXTON_RUN(writes_numbers);
    CAXTON_RUN(tells_what_is_not_whole);
    CAXTON_RUN(grows);
    CAXTON_RUN(joins_texts);
    return caxton_test_report();
}
