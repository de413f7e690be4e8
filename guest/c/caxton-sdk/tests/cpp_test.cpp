// The kit in C++: an agent, and a test of it.

#include "caxton_test.h"

CAXTON_EXPORT("handle_message") int32_t handle_message(const char *ptr, size_t len) {
    caxton_fipa_message message;
    int32_t code = caxton_parse_message(ptr, len, &message);
    if (code == 0) {
        caxton_writer out = {};
        caxton_write_string(&out, message.sender);
        caxton_send_inform_response(&message, caxton_written(&out));
        caxton_writer_free(&out);
    }
    caxton_message_free(&message);
    return code;
}

static void answers() {
    CAXTON_CHECK_INT(caxton_test_deliver("{\"performative\":\"request\",\"sender\":\"ada\"}"), 0);
    CAXTON_CHECK_JSON(caxton_test_sent(0),
                      "{\"performative\":\"inform\",\"receiver\":\"ada\",\"content\":{\"result\":\"ada\"}}");
    CAXTON_CHECK_INT(caxton_test_deliver("{"), CAXTON_INVALID_ARGUMENT);
}

int main() {
    CAXTON_RUN(answers);
    return caxton_test_report();
}
