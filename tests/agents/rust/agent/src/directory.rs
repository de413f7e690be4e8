//! Questions that somebody has this agent ask the directory.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::{Kept, Message, Opening, Outcome, read, send, string};

const MAX_QUESTIONS: usize = 16;
const REPLY_WITH: &str = "df-1";

#[derive(Default, Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    performative: &'a str,
    content: Option<&'a RawValue>,
}

thread_local! {
    /// Who waits, in the order in which the directory answers.
    static ASKERS: RefCell<VecDeque<Kept>> = const { RefCell::new(VecDeque::new()) };
}

pub fn ask(message: &Message, data: Option<&RawValue>) -> i32 {
    let question: Question = read(data).unwrap_or_default();
    let Some(kept) = message.keep() else { return message.refuse("too long") };
    if ASKERS.with_borrow(VecDeque::len) >= MAX_QUESTIONS {
        return message.refuse("too busy");
    }
    let sent = send(&Opening {
        performative: "request",
        receiver: "df",
        content: question.content,
        protocol: "fipa-request",
        reply_with: REPLY_WITH,
        conversation_id: None,
        reply_by: None,
    });
    if sent != 0 {
        return message.fail("not sent");
    }
    ASKERS.with_borrow_mut(|askers| askers.push_back(kept));
    0
}

/// Hands on what the directory answered; `None` if the message is no such answer.
pub fn answered(message: &Message) -> Option<i32> {
    string(message.in_reply_to).filter(|to| to == REPLY_WITH)?;
    // Where there is no directory, the host answers in its place.
    string(message.sender).filter(|sender| sender == "df" || sender == "ams")?;
    let asker = ASKERS.with_borrow_mut(VecDeque::pop_front)?;
    let asked = asker.message()?;
    let result = Answer { performative: &message.performative, content: message.content };
    Some(asked.reply("inform", Outcome { result }))
}
