//! Answers that are due: whose places they take, what is kept of their messages, and what answers them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::book::message;
use crate::account::Account;
use crate::conversation::{Awaited, Deadlines};
use crate::message::Message;

/// The most that one party waits for, in tests.
const MOST: usize = 256;

fn asking(sender: &str, fields: Value, at: u64) -> Message {
    let mut all = json!({"performative": "request", "receiver": "asked", "reply_by": 1});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message(sender, all.as_object().unwrap().clone(), at)
}

fn answer(fields: Value) -> Message {
    let mut all = json!({"performative": "inform", "receiver": "asker"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message("asked", all.as_object().unwrap().clone(), 9)
}

fn name(name: &str) -> Arc<str> {
    name.into()
}

struct Waiting {
    deadlines: Deadlines,
    account: Arc<Account>,
}

impl Waiting {
    fn new() -> Self {
        Waiting { deadlines: Deadlines::default(), account: Account::new(u64::MAX) }
    }

    fn begin(&self, serial: u64, message: &Message) -> Option<u64> {
        let awaited = Awaited::new(message, serial, &self.account)?;
        self.deadlines.begin(&awaited, &name("asked"))
    }

    fn answered(&self, to: &str, answer: &Message) {
        self.deadlines.answered("asked", &[name(to)], answer);
        self.deadlines.check();
    }
}

#[test]
fn whoever_is_named_for_replies_keeps_its_places() {
    let waiting = Waiting::new();
    for at in 0..MOST as u64 {
        let keys = json!({"reply_to": "victim", "reply_with": "k"});
        assert!(waiting.begin(7, &asking("attacker", keys, at)).is_some());
    }
    let more = asking("attacker", json!({"reply_to": "victim", "reply_with": "k"}), 999);
    assert!(waiting.begin(7, &more).is_none());
    let own = asking("victim", json!({"reply_with": "own"}), 1_000);
    let own = waiting.begin(8, &own).unwrap();
    // An answer to the victim that names another key ends nothing of its own.
    waiting.answered("victim", &answer(json!({"in_reply_to": "k"})));
    assert!(waiting.deadlines.passed(own).is_some());
}

#[test]
fn nothing_of_a_message_is_kept_but_what_a_failure_needs() {
    let waiting = Waiting::new();
    let receivers: Vec<String> = (0..1_000).map(|at| format!("r{at}")).collect();
    let large = json!({"content": "x".repeat(1_000_000), "receiver": receivers, "X-more":
        "y".repeat(10_000), "reply_with": "k", "conversation_id": "c", "protocol": "fipa-request",
        "ontology": "o", "language": "l"});
    let number = waiting.begin(7, &asking("asker", large, 1)).unwrap();
    assert!(waiting.account.bytes() < 3_000, "{}", waiting.account.bytes());
    let (kept, asked) = waiting.deadlines.passed(number).unwrap();
    assert_eq!(&*asked, "asked");
    assert_eq!((kept.sender(), kept.message_id(), kept.sent_at()), ("asker", "m1", 1_001));
    assert_eq!((kept.reply_with(), kept.conversation_id()), (Some("k"), Some("c")));
    assert_eq!(
        (kept.protocol(), kept.ontology(), kept.language()),
        (Some("fipa-request"), Some("o"), Some("l"))
    );
    drop(kept);
    assert_eq!(waiting.account.bytes(), 0);
}

#[test]
fn what_is_charged_is_given_back_when_the_waiter_is_gone() {
    let waiting = Waiting::new();
    for at in 0..MOST as u64 {
        waiting.begin(7, &asking("asker", json!({"reply_with": format!("k{at}")}), at)).unwrap();
    }
    let other = waiting.begin(8, &asking("other", json!({}), 5)).unwrap();
    waiting.deadlines.end_all_of(&(7, name("asker")));
    waiting.deadlines.check();
    assert_eq!(waiting.deadlines.len(), 1);
    assert!(waiting.deadlines.passed(other).is_some());
    assert_eq!(waiting.account.bytes(), 0);
}

#[test]
fn an_account_that_is_full_waits_for_no_more() {
    let waiting = Waiting { account: Account::new(4_000), ..Waiting::new() };
    let begun = (0..100).filter(|at| waiting.begin(7, &asking("asker", json!({}), *at)).is_some());
    let begun = begun.count();
    assert!((1..10).contains(&begun), "{begun}");
    waiting.deadlines.check();
}

#[test]
fn one_answer_to_many_is_worked_off_in_pieces() {
    let waiting = Waiting::new();
    let begin = |at| {
        let keys = json!({"reply_with": "k", "conversation_id": "c"});
        waiting.begin(7, &asking("asker", keys, at))
    };
    let numbers: Vec<u64> = (0..MOST as u64).map(|at| begin(at).unwrap()).collect();
    waiting.answered("asker", &answer(json!({"conversation_id": "c"})));
    let left = waiting.deadlines.len();
    assert!((MOST - 8..MOST).contains(&left), "{left}");
    // What has been answered does not come due, also while it has not been taken out.
    assert!(waiting.deadlines.passed(numbers[MOST - 1]).is_none());
    // With each that comes some go.
    for at in 0..MOST as u64 {
        begin(1_000 + at).unwrap();
        waiting.deadlines.check();
    }
    assert_eq!(waiting.deadlines.len(), MOST);
}

#[test]
fn answers_are_recognised_by_what_they_name() {
    let key = |key: &str, id: &str| json!({"reply_with": key, "conversation_id": id});
    for (asked, answered, ends) in [
        (key("k", "c"), json!({"in_reply_to": "k"}), true),
        (key("k", "c"), json!({"in_reply_to": "l", "conversation_id": "c"}), false),
        (key("k", "c"), json!({"conversation_id": "c"}), true),
        (key("k", "c"), json!({}), false),
        (json!({"reply_with": "k"}), json!({}), false),
        (json!({"conversation_id": "c"}), json!({}), true),
        (json!({}), json!({"conversation_id": "d"}), true),
        (json!({}), json!({"in_reply_to": "k"}), false),
    ] {
        let waiting = Waiting::new();
        let number = waiting.begin(7, &asking("asker", asked.clone(), 1)).unwrap();
        waiting.deadlines.answered("another", &[name("asker")], &answer(answered.clone()));
        waiting.answered("another", &answer(answered.clone()));
        assert_eq!(waiting.deadlines.len(), 1);
        waiting.answered("asker", &answer(answered.clone()));
        let is_due = waiting.deadlines.passed(number).is_some();
        assert_eq!(is_due, !ends, "{asked} and {answered}");
        waiting.deadlines.check();
    }
}

#[test]
fn what_is_passed_on_is_due_from_the_next() {
    let waiting = Waiting::new();
    let number = waiting.begin(7, &asking("asker", json!({"reply_with": "k"}), 1)).unwrap();
    let on = json!({"performative": "request", "receiver": "next", "reply_to": "asker",
        "reply_with": "k"});
    let on = message("asked", on.as_object().unwrap().clone(), 2);
    waiting.deadlines.answered("asked", &[name("next")], &on);
    waiting.deadlines.check();
    let (_, asked) = waiting.deadlines.passed(number).unwrap();
    assert_eq!(&*asked, "next");
}
