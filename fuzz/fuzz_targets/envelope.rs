//! Messages as a guest or a script writes them.
#![no_main]

use caxton::Draft;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Draft::json(bytes).to_message() else { return };
    // What was read is written as JSON that says the same, however often.
    let again = Draft::json(message.as_json()).to_message().expect("what we wrote can be read");
    assert_eq!(message.as_json(), again.as_json());
    assert!(std::str::from_utf8(message.as_json()).is_ok());
    assert_eq!(message.receivers().collect::<Vec<_>>(), again.receivers().collect::<Vec<_>>());
    assert_eq!(message.reply_by(), again.reply_by());
    assert_eq!(message.content(), again.content());
    if let Ok(reply) = Draft::reply(&message, caxton::Performative::Inform, &1) {
        let reply = reply.to_message().expect("an answer can be read");
        assert_eq!(reply.conversation_id(), message.conversation_id());
        assert_eq!(reply.in_reply_to(), message.reply_with());
    }
});
