//! The participant's side of contract nets, auctions and proposals.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::config;
use crate::later::{self, Job};
use crate::message::{Message, Outcome, at_most, flag, number, read};

/// The body of a `cfp` or a `propose`.
#[derive(Default, Deserialize)]
struct Terms<'a> {
    #[serde(borrow)]
    task: Option<&'a RawValue>,
    #[serde(borrow)]
    price: Option<&'a RawValue>,
    #[serde(borrow)]
    refuse: Option<&'a RawValue>,
    #[serde(borrow)]
    silent: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Proposal<'a> {
    price: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Done<'a> {
    done: Option<&'a RawValue>,
}

/// Answers a `cfp` at once, later, or not at all.
pub fn call(message: &Message) -> i32 {
    let config = config::get();
    let terms: Terms = read(message.content).unwrap_or_default();
    if config.refuses || flag(terms.refuse) {
        return message.refuse("no time");
    }
    if config.silent || flag(terms.silent) {
        return 0;
    }
    let Some(micros) = config.delay else { return propose(message) };
    match later::put_off(message, micros, Job::Propose) {
        Ok(()) => 0,
        Err(reason) => message.refuse(reason),
    }
}

/// Makes a proposal, unless the price that is called is above the limit.
pub fn propose(message: &Message) -> i32 {
    let config = config::get();
    let terms: Terms = read(message.content).unwrap_or_default();
    let mut price = config.price();
    match number(terms.price) {
        Some(called) if is_auction(message) && at_most(&called, &config.limit()) => price = called,
        _ if is_auction(message) => return 0,
        Some(called) if message.protocol().as_deref() == Some("fipa-iterated-contract-net") => {
            price = if at_most(&called, &config.limit()) { config.limit() } else { called };
        }
        _ => {}
    }
    let proposal = Proposal { price, task: terms.task };
    if config.twice {
        message.reply("propose", &proposal);
    }
    message.reply("propose", &proposal)
}

/// Does what it proposed. In an auction nothing is due yet: the winner gets a request.
pub fn accepted(message: &Message) -> i32 {
    if is_auction(message) {
        return 0;
    }
    if config::get().fails {
        return message.fail("it broke");
    }
    let result = Done { done: message.content };
    message.reply("inform", Outcome { result })
}

/// Answers an offer. One that belongs to a contract net which is over comes too late.
pub fn offer(message: &Message) -> i32 {
    if message.protocol().is_some_and(|protocol| protocol == "fipa-contract-net") {
        return message.reject("too late");
    }
    let terms: Terms = read(message.content).unwrap_or_default();
    match number(terms.price) {
        Some(price) if at_most(&price, &config::get().limit()) => message.accept(),
        _ => message.reject("too much"),
    }
}

fn is_auction(message: &Message) -> bool {
    let protocol = message.protocol();
    matches!(protocol.as_deref(), Some("fipa-auction-english" | "fipa-auction-dutch"))
}
