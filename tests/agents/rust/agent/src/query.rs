//! Questions about the agent itself.

use std::sync::atomic::Ordering::Relaxed;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::{Message, Outcome, number, read, string};
use crate::{HANDLED, LANGUAGE, not_understood};

#[derive(Default, Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    proposition: Option<&'a RawValue>,
    #[serde(borrow)]
    reference: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Proposition<'a> {
    #[serde(borrow)]
    handled_more_than: Option<&'a RawValue>,
}

pub fn query_if(message: &Message) -> i32 {
    let question: Question = read(message.content).unwrap_or_default();
    if question.proposition.is_none() {
        return not_understood(message, "No proposition given");
    }
    let proposition: Proposition = read(question.proposition).unwrap_or_default();
    match number(proposition.handled_more_than).and_then(|number| number.as_f64()) {
        Some(number) => {
            let result = HANDLED.load(Relaxed) as f64 > number;
            message.reply("inform", Outcome { result })
        }
        None => message.refuse("unknown proposition"),
    }
}

pub fn query_ref(message: &Message) -> i32 {
    let question: Question = read(message.content).unwrap_or_default();
    if question.reference.is_none() {
        return not_understood(message, "No reference given");
    }
    match string(question.reference).as_deref() {
        Some("language") => message.reply("inform", Outcome { result: LANGUAGE }),
        _ => message.fail("unknown reference"),
    }
}
