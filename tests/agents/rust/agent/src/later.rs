//! What is put off until a timer rings. All of it lives in memory: a timer that rings after a
//! restart finds nothing to do.

use std::cell::RefCell;

use serde_json::value::RawValue;

use crate::message::{Kept, Message, Outcome};
use crate::subscription::Subscription;
use crate::{host, negotiate, subscription};

/// How many things may be put off at a time.
const MAX_LATER: usize = 64;

/// What is to be done with a message when its timer rings.
pub enum Job {
    Propose,
    Finish,
    Notify(Subscription),
}

struct Later {
    timer: i32,
    message: Kept,
    job: Job,
}

thread_local! {
    static LATER: RefCell<Vec<Later>> = const { RefCell::new(Vec::new()) };
}

/// Puts off the rest of what a message asks for; the error says why that cannot be.
pub fn put_off(message: &Message, micros: i64, job: Job) -> Result<(), &'static str> {
    let message = message.keep().ok_or("too long")?;
    LATER.with_borrow_mut(|all| {
        if all.len() >= MAX_LATER {
            return Err("too busy");
        }
        let timer = host::set_timer(micros).ok_or("no timer")?;
        all.push(Later { timer, message, job });
        Ok(())
    })
}

/// How many subscriptions there are.
pub fn subscriptions() -> usize {
    let is_one = |later: &&Later| matches!(later.job, Job::Notify(_));
    LATER.with_borrow(|all| all.iter().filter(is_one).count())
}

/// Does what was put off until this timer; `None` if it is not one of those here.
pub fn ring(timer: i32) -> Option<i32> {
    let later = LATER.with_borrow_mut(|all| {
        let at = all.iter().position(|later| later.timer == timer)?;
        Some(all.remove(at))
    })?;
    let message = later.message.message()?;
    Some(match later.job {
        Job::Propose => negotiate::propose(&message),
        Job::Finish => message.reply("inform", Outcome { result: "done" }),
        Job::Notify(running) => subscription::notify(&message, running),
    })
}

/// Drops what the sender of this message asked for in the same conversation; whether there was something.
pub fn drop_conversation(cancel: &Message) -> bool {
    let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    let (sender, conversation) = (text(cancel.sender), text(cancel.conversation_id));
    let is_meant = |message: Message| {
        text(message.sender) == sender && text(message.conversation_id) == conversation
    };
    conversation.is_some()
        && LATER.with_borrow_mut(|all| {
            let before = all.len();
            all.retain(|later| {
                let kept = !later.message.message().is_some_and(is_meant);
                if !kept {
                    host::cancel_timer(later.timer);
                }
                kept
            });
            all.len() < before
        })
}
