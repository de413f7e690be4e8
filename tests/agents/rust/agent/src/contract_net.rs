//! The initiator's side of a contract net that somebody asks this agent to hold.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::message::{Kept, Message, Opening, Outcome, number, read, send, string, whole};
use crate::{host, invalid};

const MAX_NETS: usize = 4;
const MAX_PARTIES: usize = 32;

struct Net {
    asked: Kept,
    conversation: String,
    micros: i64,
    timer: i32,
    parties: Vec<Party>,
    /// From then on answers are late.
    decided: bool,
    winner: Option<(usize, Number)>,
    outcome: Option<&'static str>,
}

struct Party {
    name: String,
    answer: Answer,
}

enum Answer {
    /// It may still come.
    Awaited,
    Proposal(Number, Kept),
    Late,
    /// There is none, or nothing more to do about it.
    Settled,
}

#[derive(Deserialize)]
struct Wanted<'a> {
    participants: Vec<String>,
    #[serde(borrow)]
    task: Option<&'a RawValue>,
    #[serde(borrow)]
    deadline_micros: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Terms<'a> {
    #[serde(borrow)]
    price: Option<&'a RawValue>,
}

/// What the host says in place of an agent.
#[derive(Default, Deserialize)]
struct Fault<'a> {
    #[serde(borrow)]
    agent: Option<&'a RawValue>,
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Award<'a> {
    price: &'a Number,
}

#[derive(Serialize)]
struct Report<'a> {
    winner: Option<&'a str>,
    price: Option<&'a Number>,
    late: Vec<&'a str>,
    outcome: Option<&'static str>,
}

thread_local! {
    static NETS: RefCell<Vec<Net>> = const { RefCell::new(Vec::new()) };
}

pub fn start(message: &Message, data: Option<&RawValue>) -> i32 {
    let Some(wanted) = read::<Wanted>(data) else { return invalid(message) };
    let micros = match whole(wanted.deadline_micros) {
        Some(micros) if micros > 0 && (1..=MAX_PARTIES).contains(&wanted.participants.len()) => {
            micros
        }
        _ => return invalid(message),
    };
    let Some(asked) = message.keep() else { return message.refuse("too long") };
    if NETS.with_borrow(Vec::len) >= MAX_NETS {
        return message.refuse("too busy");
    }
    let Some(timer) = host::set_timer(micros) else { return message.refuse("no timer") };
    let conversation = format!("cn-{}", host::random());
    let sent = send(&Opening {
        performative: "cfp",
        receiver: &wanted.participants,
        content: Call { task: wanted.task },
        protocol: "fipa-contract-net",
        reply_with: "cfp-1",
        conversation_id: Some(&conversation),
        reply_by: Some(host::now() + micros as u64),
    });
    if sent != 0 {
        host::cancel_timer(timer);
        return message.fail("not sent");
    }
    let party = |name| Party { name, answer: Answer::Awaited };
    let parties = wanted.participants.into_iter().map(party).collect();
    let (decided, winner, outcome) = (false, None, None);
    let net = Net { asked, conversation, micros, timer, parties, decided, winner, outcome };
    NETS.with_borrow_mut(|nets| nets.push(net));
    0
}

/// Takes in an answer; `None` if the message belongs to no contract net that goes on.
pub fn answered(message: &Message) -> Option<i32> {
    let acts = ["propose", "refuse", "inform", "failure", "not-understood"];
    if !acts.contains(&message.performative.as_str()) {
        return None;
    }
    let conversation = string(message.conversation_id)?;
    go_on(|net| net.conversation == conversation, |net| net.hear(message))
}

/// Ends the time for answers; `None` if the timer belongs to no contract net.
pub fn ring(timer: i32) -> Option<i32> {
    go_on(|net| net.timer == timer, Net::time_is_up)
}

/// Lets something happen to one contract net, and forgets it once it is over.
fn go_on(is_meant: impl Fn(&Net) -> bool, happen: impl FnOnce(&mut Net)) -> Option<i32> {
    NETS.with_borrow_mut(|nets| {
        let at = nets.iter().position(is_meant)?;
        let net = &mut nets[at];
        happen(net);
        if !net.decided && !net.awaits() {
            host::cancel_timer(net.timer);
            net.decide();
        }
        if !net.decided || net.awaits() || net.winner.is_some() && net.outcome.is_none() {
            return Some(0);
        }
        let net = nets.remove(at);
        host::cancel_timer(net.timer);
        Some(net.report())
    })
}

impl Net {
    fn awaits(&self) -> bool {
        self.parties.iter().any(|party| matches!(party.answer, Answer::Awaited))
    }

    fn hear(&mut self, message: &Message) {
        let act = message.performative.as_str();
        let mut name = string(message.sender);
        let from_host = name.as_deref() == Some("ams");
        let fault: Fault = read(message.content).unwrap_or_default();
        if from_host {
            name = string(fault.agent);
        }
        let Some(at) = self.parties.iter().position(|party| Some(&party.name) == name.as_ref())
        else {
            return;
        };

        let is_winner = self.winner.as_ref().is_some_and(|(winner, _)| *winner == at);
        if is_winner && self.outcome.is_none() && act != "propose" {
            self.outcome = Some(if act == "inform" { "inform" } else { "failure" });
            return;
        }
        // Who is silent at the deadline may still answer late.
        let is_deadline = from_host && string(fault.kind).as_deref() == Some("deadline");
        let answer = &mut self.parties[at].answer;
        if is_deadline || act == "inform" || !matches!(answer, Answer::Awaited) {
            return;
        }
        *answer = match (act, self.decided) {
            _ if from_host => Answer::Settled,
            ("propose", false) => proposal(message),
            (_, false) => Answer::Settled,
            (_, true) => {
                if act == "propose" {
                    message.reject("too late");
                }
                Answer::Late
            }
        };
    }

    /// At the deadline the cheapest wins. Whoever is late has as long again to say so.
    fn time_is_up(&mut self) {
        if !self.decided {
            self.decide();
            if let Some(timer) = host::set_timer(self.micros) {
                self.timer = timer;
                return;
            }
        }
        for party in &mut self.parties {
            if matches!(party.answer, Answer::Awaited) {
                party.answer = Answer::Settled;
            }
        }
    }

    /// Accepts the cheapest proposal, the first of several, and rejects the others.
    fn decide(&mut self) {
        self.decided = true;
        let mut proposals = Vec::new();
        for (at, party) in self.parties.iter_mut().enumerate() {
            match std::mem::replace(&mut party.answer, Answer::Settled) {
                Answer::Proposal(price, kept) => proposals.push((at, price, kept)),
                other => party.answer = other,
            }
        }
        let price = |number: &Number| number.as_f64().unwrap_or(f64::INFINITY);
        let cheapest = proposals.iter().min_by(|a, b| price(&a.1).total_cmp(&price(&b.1)));
        self.winner = cheapest.map(|(at, price, _)| (*at, price.clone()));
        for (at, price, kept) in &proposals {
            let Some(message) = kept.message() else { continue };
            if self.winner.as_ref().is_some_and(|(winner, _)| winner == at) {
                message.reply_with("accept-proposal", Award { price }, "award-1");
            } else {
                message.reject("a better offer");
            }
        }
    }

    fn report(&self) -> i32 {
        let Some(asked) = self.asked.message() else { return 1 };
        let late = self.parties.iter().filter(|party| matches!(party.answer, Answer::Late));
        let winner = self.winner.as_ref();
        let result = Report {
            winner: winner.map(|(at, _)| self.parties[*at].name.as_str()),
            price: winner.map(|(_, price)| price),
            late: late.map(|party| party.name.as_str()).collect(),
            outcome: self.outcome,
        };
        asked.reply("inform", Outcome { result })
    }
}

fn proposal(message: &Message) -> Answer {
    let terms: Terms = read(message.content).unwrap_or_default();
    match number(terms.price).zip(message.keep()) {
        Some((price, kept)) => Answer::Proposal(price, kept),
        None => {
            message.reject("no price");
            Answer::Settled
        }
    }
}
