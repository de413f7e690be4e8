//! What is told again and again (FIPA subscribe), or once something holds (FIPA request-when).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::later::{self, Job};
use crate::message::{Message, read, whole};

const MAX_SUBSCRIPTIONS: usize = 16;

/// How far a subscription has come.
pub struct Subscription {
    every: i64,
    times: Option<i64>,
    count: i64,
}

#[derive(Default, Deserialize)]
struct Wanted<'a> {
    #[serde(borrow)]
    every_micros: Option<&'a RawValue>,
    #[serde(borrow)]
    times: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct When<'a> {
    #[serde(borrow)]
    condition: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Condition<'a> {
    #[serde(borrow)]
    after_micros: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Counted {
    count: i64,
}

#[derive(Serialize)]
struct Cancelled {
    cancelled: bool,
}

pub fn subscribe(message: &Message) -> i32 {
    let wanted: Wanted = read(message.content).unwrap_or_default();
    let times = whole(wanted.times);
    let every = match whole(wanted.every_micros) {
        Some(every) if every > 0 && times.is_some() == wanted.times.is_some() => every,
        _ => return message.refuse("unknown interval"),
    };
    if later::subscriptions() >= MAX_SUBSCRIPTIONS {
        return message.refuse("too many subscriptions");
    }
    agree_to(message, every, Job::Notify(Subscription { every, times, count: 0 }))
}

/// Tells the next count, and waits for the one after it.
pub fn notify(message: &Message, mut running: Subscription) -> i32 {
    if running.times == Some(running.count) {
        return message.fail("the source ran dry");
    }
    running.count += 1;
    let count = running.count;
    let code = message.reply("inform", Counted { count });
    match later::put_off(message, running.every, Job::Notify(running)) {
        Ok(()) => code,
        Err(error) => message.fail(error),
    }
}

pub fn request_when(message: &Message) -> i32 {
    let when: When = read(message.content).unwrap_or_default();
    let condition: Condition = read(when.condition).unwrap_or_default();
    match whole(condition.after_micros) {
        Some(micros) => agree_to(message, micros, Job::Finish),
        None => message.refuse("unknown condition"),
    }
}

pub fn cancel(message: &Message) -> i32 {
    if !later::drop_conversation(message) {
        return message.fail("too late");
    }
    message.reply("inform", Cancelled { cancelled: true })
}

fn agree_to(message: &Message, micros: i64, job: Job) -> i32 {
    match later::put_off(message, micros, job) {
        Ok(()) => message.agree(),
        Err(reason) => message.refuse(reason),
    }
}
