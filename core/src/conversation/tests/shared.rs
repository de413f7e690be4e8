//! The book as a table that all share: who makes room in it, what one message costs, which conversation
//! is whose, and circles of waiting.

use std::sync::Arc;

use serde_json::{Value, json};

use super::book::message;
use crate::account::Account;
use crate::conversation::book::{Book, Entered, Room, Saying};
use crate::conversation::{ConversationState, FIRST_LOOK, Stage};
use crate::message::Performative;
use crate::shares::Owner;

const ROOM: Room =
    Room { open: 1_000_000, ended: 1_000, bytes: 1 << 30, gone: 1 << 30, keys: 1_000_000 };

struct Shared {
    book: Book,
    at: u64,
}

impl Shared {
    fn new(room: Room) -> Self {
        Shared { book: Book::small(room), at: 0 }
    }

    fn say(&mut self, owner: &Owner, from: &str, to: &[&str], fields: Value) -> Entered {
        self.at += 1;
        let mut all = json!({"performative": "request", "receiver": to});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let message = message(from, all.as_object().unwrap().clone(), self.at);
        let from: Arc<str> = from.into();
        let mut entered = Entered::default();
        let to: Vec<Arc<str>> = to.iter().map(|to| (*to).into()).collect();
        for (part, to) in to.chunks(32).enumerate() {
            let is_first = part == 0;
            let saying = Saying { from: &from, owner, message: &message, is_first, undo: false };
            let part = self.book.enter(&saying, to);
            entered.violations.extend(part.violations);
            entered.look |= part.look;
        }
        entered
    }

    fn state(&self, id: &str) -> Option<ConversationState> {
        self.book.view(id, 0).map(|it| it.state)
    }
}

fn owners() -> [Owner; 2] {
    [(); 2].map(|()| Owner::of(&Account::new(u64::MAX)))
}

fn request(id: &str) -> Value {
    json!({"protocol": "fipa-request", "conversation_id": id})
}

fn act(act: &str, mut fields: Value) -> Value {
    fields["performative"] = act.into();
    fields
}

#[test]
fn whoever_has_most_open_conversations_makes_room() {
    let [victim, attacker] = owners();
    let mut shared = Shared::new(Room { open: 10, ..ROOM });
    for at in 0..3 {
        shared.say(&victim, "victim", &["shop"], request(&format!("v{at}")));
    }
    for at in 0..100 {
        shared.say(&attacker, "attacker", &["shop"], request(&format!("a{at}")));
    }
    shared.book.check();
    for at in 0..3 {
        assert_eq!(shared.state(&format!("v{at}")), Some(ConversationState::Open));
    }
    assert_eq!(shared.state("a92"), Some(ConversationState::Abandoned));
    assert_eq!(shared.state("a93"), Some(ConversationState::Open));
}

#[test]
fn whoever_has_most_ended_conversations_or_bytes_makes_room() {
    let [victim, attacker] = owners();
    for room in [Room { ended: 10, ..ROOM }, Room { bytes: 40_000, ..ROOM }] {
        let mut shared = Shared::new(room);
        for (owner, name, count) in [(&victim, "victim", 3), (&attacker, "attacker", 100)] {
            for at in 0..count {
                let id = format!("{name}{at}");
                shared.say(owner, name, &["shop"], request(&id));
                shared.say(owner, "shop", &[name], act("inform", request(&id)));
            }
        }
        shared.book.check();
        for at in 0..3 {
            let state = shared.state(&format!("victim{at}"));
            assert_eq!(state, Some(ConversationState::Ended));
        }
        assert_eq!(shared.state("attacker50"), None);
        assert!(shared.state("attacker99").is_some());
    }
}

#[test]
fn conversations_whose_beginners_are_gone_have_little_room() {
    let [stays, goes] = owners();
    let mut shared = Shared::new(Room { gone: 20_000, ..ROOM });
    for (owner, name) in [(&stays, "stays"), (&goes, "goes")] {
        for at in 0..100 {
            shared.say(owner, name, &["shop"], request(&format!("{name}{at}")));
        }
    }
    shared.book.hand_over(&goes, &Owner::gone(stays.account()));
    shared.book.check();
    assert_eq!(shared.state("goes0"), None);
    assert!(shared.state("goes99").is_some());
    assert_eq!(shared.state("stays0"), Some(ConversationState::Open));
}

#[test]
fn whoever_has_most_keys_makes_room() {
    let [victim, attacker] = owners();
    let mut shared = Shared::new(Room { keys: 10, ..ROOM });
    let keyed = |id: &str, key: &str| {
        let mut fields = request(id);
        fields["reply_with"] = key.into();
        fields
    };
    shared.say(&victim, "victim", &["shop"], keyed("v", "k"));
    for at in 0..100 {
        let id = format!("a{}", at % 3);
        // It takes the victim's own key too, and names it for replies.
        let mut fields = keyed(&id, if at == 50 { "k" } else { "x" });
        if at != 50 {
            fields["reply_with"] = format!("k{at}").into();
        }
        fields["reply_to"] = "victim".into();
        shared.say(&attacker, "attacker", &[&*format!("r{at}")], fields);
    }
    shared.book.check();
    assert!(shared.book.keys() <= 10);
    let answered = json!({"performative": "inform", "in_reply_to": "k"});
    shared.say(&victim, "shop", &["victim"], answered);
    assert_eq!(shared.state("v"), Some(ConversationState::Ended));
}

#[test]
fn who_used_an_id_first_keeps_nobody_out() {
    let [victim, attacker] = owners();
    let mut shared = Shared::new(ROOM);
    // It uses the id with everybody, and another protocol, and has its answers sent to the victim.
    let mut squat = request("order-1");
    squat["reply_to"] = "victim".into();
    squat["reply_with"] = "k".into();
    shared.say(&attacker, "attacker", &["shop", "victim", "bank"], squat.clone());
    let query = json!({"performative": "query-if", "protocol": "fipa-query",
        "conversation_id": "order-1"});
    shared.say(&attacker, "accomplice", &["victim", "shop"], query);
    for (from, to, fields) in [
        (
            "victim",
            "shop",
            act(
                "cfp",
                json!({"protocol": "fipa-contract-net",
            "conversation_id": "order-1", "reply_with": "k"}),
            ),
        ),
        (
            "shop",
            "victim",
            json!({"performative": "propose", "in_reply_to": "k",
            "conversation_id": "order-1"}),
        ),
        (
            "victim",
            "shop",
            json!({"performative": "accept-proposal",
            "protocol": "fipa-contract-net", "conversation_id": "order-1"}),
        ),
        (
            "shop",
            "victim",
            json!({"performative": "inform", "protocol": "fipa-contract-net",
            "conversation_id": "order-1"}),
        ),
        // The bank has one of its own with the shop.
        ("bank", "shop", request("order-1")),
        ("shop", "bank", act("agree", request("order-1"))),
        ("shop", "bank", act("inform", request("order-1"))),
    ] {
        let entered = shared.say(&victim, from, &[to], fields);
        shared.book.check();
        assert!(entered.violations.is_empty(), "{from} to {to}");
    }
    let conversations = shared.book.list(&Default::default(), 0);
    let of = |name: &str| conversations.iter().find(|it| it.initiator == name).unwrap();
    assert_eq!(of("victim").participants[0].stage, Stage::Done);
    assert_eq!(of("bank").participants[0].stage, Stage::Done);
    assert_eq!(of("attacker").participants.len(), 3);
    // What is said twice is not allowed, as ever.
    let again = shared.say(&victim, "shop", &["bank"], act("inform", request("order-1")));
    assert_eq!(again.violations.len(), 1);
}

#[test]
fn what_is_passed_on_is_answered_for_where_others_have_the_id() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    shared.say(&owner, "a", &["b"], request("c"));
    let mut on = request("c");
    on["reply_to"] = "a".into();
    assert!(shared.say(&owner, "b", &["d"], on).violations.is_empty());
    let answer = shared.say(&owner, "d", &["a"], act("inform", request("c")));
    assert!(answer.violations.is_empty());
    let conversation = shared.book.view("c", 0).unwrap();
    assert_eq!(conversation.state, ConversationState::Ended);
    let stages: Vec<Stage> = conversation.participants.iter().map(|it| it.stage).collect();
    assert_eq!(stages, [Stage::Done, Stage::Done]);
    shared.book.check();
}

#[test]
fn nobody_replaces_or_fills_the_conversation_of_others_with_its_id() {
    let [victim, attacker] = owners();
    let mut shared = Shared::new(ROOM);
    let open = |shared: &Shared| shared.book.view("order", 0).unwrap();
    shared.say(&victim, "victim", &["shop"], request("order"));
    let evil = || act("inform", json!({"protocol": "fipa-request", "conversation_id": "order"}));
    for _ in 0..300 {
        shared.say(&attacker, "attacker", &["shop", "victim", "accomplice"], evil());
    }
    assert_eq!(open(&shared).messages.len(), 1);
    shared.say(&victim, "shop", &["victim"], act("inform", request("order")));
    assert_eq!((open(&shared).state, open(&shared).messages.len()), (ConversationState::Ended, 2));
    for from in ["attacker", "accomplice"] {
        shared.say(&attacker, from, &["accomplice", "attacker", "shop"], request("order"));
        shared.say(&attacker, "attacker", &["victim"], evil());
    }
    assert_eq!((&*open(&shared).initiator, open(&shared).messages.len()), ("victim", 2));
    // Who began it may begin it anew.
    shared.say(&victim, "victim", &["shop"], request("order"));
    let conversations = shared.book.list(&Default::default(), 0);
    let of_victim: Vec<_> = conversations.iter().filter(|it| it.initiator == "victim").collect();
    assert_eq!((of_victim.len(), of_victim[0].state), (1, ConversationState::Open));
    shared.book.check();
}

#[test]
fn what_begins_no_conversation_is_told_how_one_begins() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    let fields = json!({"performative": "accept-proposal", "protocol": "fipa-contract-net",
        "conversation_id": "c"});
    let entered = shared.say(&owner, "a", &["b"], fields);
    assert_eq!(entered.violations[0].allowed(), [Performative::Cfp]);
    let fields = json!({"performative": "inform", "protocol": "fipa-query",
        "conversation_id": "d"});
    let entered = shared.say(&owner, "a", &["b"], fields);
    let both = [Performative::QueryIf, Performative::QueryRef];
    assert_eq!(entered.violations[0].allowed(), both);
}

#[test]
fn a_message_to_many_is_entered_part_by_part() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    let names: Vec<String> = (0..10_000).map(|at| format!("r{at}")).collect();
    let to: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fields = request("c");
    fields["reply_with"] = "k".into();
    let entered = shared.say(&owner, "a", &to, fields);
    assert!(entered.violations.is_empty());
    // One step for each.
    assert_eq!((shared.book.steps(), shared.book.keys()), (10_000, 1));
    let conversation = shared.book.view("c", 0).unwrap();
    assert_eq!((conversation.participants.len(), conversation.messages.len()), (10_000, 1));
    let bytes = shared.book.bytes();
    println!("10000 receivers: {} steps, {bytes} bytes", shared.book.steps());
    assert!(bytes < 6_000_000, "{bytes}");
    shared.book.check();
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("agent{at:03}")).collect()
}

/// Looks for circles until there is nothing to look for; the most steps of one slice.
fn look(shared: &Shared, mut now: u64, mut found: impl FnMut(&[&str]) -> bool) -> u64 {
    let mut most = 0;
    for _ in 0..100_000 {
        let before = shared.book.steps();
        for circle in shared.book.look(now) {
            let names: Vec<&str> = circle.names().map(|name| &**name).collect();
            match found(&names) {
                true => assert!(shared.book.tell_circle(&circle)),
                false => shared.book.look_again(&circle),
            }
        }
        most = most.max(shared.book.steps() - before);
        match shared.book.next_look(now) {
            Some(next) => now = next,
            None => return most,
        }
    }
    unreachable!("it never comes to an end");
}

#[test]
fn agents_that_all_ask_all_cost_as_much_at_last_as_at_first() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    let names = names(300);
    let mut steps = Vec::new();
    for (at, from) in names.iter().enumerate() {
        let to: Vec<&str> = names.iter().filter(|to| *to != from).map(String::as_str).collect();
        let before = shared.book.steps();
        shared.say(&owner, from, &to, request(&format!("c{at}")));
        steps.push(shared.book.steps() - before);
    }
    let (first, last) = (steps[0], *steps.iter().max().unwrap());
    println!("steps of a turn: {first} at first, {last} at most");
    assert!(last <= 2 * first, "{first} at first, {last} at last");
    let before = shared.book.steps();
    let mut circles = 0;
    let most = look(&shared, 1_000_000, |names| {
        circles += 1;
        assert!((2..=300).contains(&names.len()));
        true
    });
    let all = shared.book.steps() - before;
    println!("looking for circles: {all} steps for 89700 edges, {most} at most in a slice");
    assert!(circles >= 1 && most <= 2_000 && all <= 4 * 89_700, "{circles}, {most}, {all}");
    shared.book.check();
}

#[test]
fn a_circle_is_told_once_and_again_when_it_closes_again() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")] {
        shared.say(&owner, from, &[to], request(&format!("{from}{to}")));
    }
    let mut told = Vec::new();
    let mut tell = |names: &[&str]| {
        told.push(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        true
    };
    look(&shared, 1_000_000, &mut tell);
    // It begins with who closed it.
    shared.say(&owner, "d", &["e"], request("de"));
    shared.say(&owner, "b", &["e"], request("be"));
    look(&shared, 2_000_000, &mut tell);
    shared.say(&owner, "a", &["c"], act("inform", request("ca")));
    shared.say(&owner, "c", &["a"], request("ca2"));
    look(&shared, 3_000_000, &mut tell);
    assert_eq!(told, [["c", "a", "b"], ["c", "a", "b"]]);
}

#[test]
fn agents_that_are_busy_are_looked_at_again_and_not_for_ever() {
    let [owner, _] = owners();
    let mut shared = Shared::new(ROOM);
    shared.say(&owner, "a", &["b"], request("1"));
    let entered = shared.say(&owner, "b", &["a"], request("2"));
    // A look was asked for with the first.
    assert!(!entered.look);
    let mut looks = 0;
    look(&shared, 1_000 + FIRST_LOOK, |_| {
        looks += 1;
        false
    });
    assert!((200..300).contains(&looks), "{looks}");
    // What is answered soon is no circle.
    let mut shared = Shared::new(ROOM);
    assert!(shared.say(&owner, "a", &["b"], request("1")).look);
    shared.say(&owner, "b", &["a"], request("2"));
    shared.say(&owner, "a", &["b"], act("inform", request("2")));
    look(&shared, 1_000_000, |names| unreachable!("{names:?}"));
}
