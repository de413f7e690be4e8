//! Each machine beside the protocol as a regular expression, written from the design's table.
//!
//! A letter stands for one act: upper case for the initiator, lower case for the participant.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

mod book;
mod deadlines;
mod shared;

use std::collections::{HashSet, VecDeque};

use proptest::prelude::*;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input, MatchKind};

use super::machine::{Progress, Role, Settles, Stage};
use super::protocol::Protocol;
use crate::message::Performative;

/// The acts that take part in protocols, and the letter of each.
const LETTERS: &[(char, &str)] = &[
    ('a', "agree"),
    ('b', "reject-proposal"),
    ('c', "cfp"),
    ('d', "disconfirm"),
    ('f', "failure"),
    ('i', "inform"),
    ('k', "confirm"),
    ('l', "query-if"),
    ('m', "query-ref"),
    ('o', "propose"),
    ('p', "proxy"),
    ('r', "request"),
    ('s', "subscribe"),
    ('w', "request-when"),
    ('x', "refuse"),
    ('y', "accept-proposal"),
];

/// What both sides may say from the first message to the last, `cancel` and `not-understood` aside.
const EXPECTED: &[(&str, &str)] = &[
    ("fipa-request", "R(x|a?(f|i))"),
    ("fipa-query", "[LM](x|a?(f|i))"),
    ("fipa-request-when", "W(x|a(f|i))"),
    ("fipa-propose", "O(y|b)"),
    ("fipa-subscribe", "S(x|f|(a|i)i*f)"),
    ("fipa-contract-net", "C(x|o(B|Y(f|i)))"),
    ("fipa-iterated-contract-net", "C(oC)*(x|o(B|Y(f|i)))"),
    ("fipa-auction-english", "I(C+oB)*(C*I|C+oY(C+o[YB])*C*I(R(x|a?(f|i)))?)"),
    ("fipa-auction-dutch", "I(I|C+(I|o(Y|B)))"),
    ("fipa-brokering", "P(x|a(f|[yikdoxb]+([yikdoxb]|f)*))"),
    ("fipa-recruiting", "P(x|a(f|i))"),
];

fn letter(act: Performative, by: Role) -> Option<u8> {
    let (letter, _) = LETTERS.iter().find(|(_, name)| *name == act.as_str())?;
    let letter = if by == Role::Initiator { letter.to_ascii_uppercase() } else { *letter };
    u8::try_from(letter).ok()
}

/// What a protocol allows, as an automaton that is none of ours.
struct Table(dense::DFA<Vec<u32>>);

impl Table {
    fn of(protocol: Protocol) -> Self {
        let (_, regex) = EXPECTED.iter().find(|(name, _)| *name == protocol.as_str()).unwrap();
        let config =
            dense::Config::new().start_kind(StartKind::Anchored).match_kind(MatchKind::All);
        Table(dense::Builder::new().configure(config).build(regex).unwrap())
    }

    fn start(&self) -> StateID {
        self.0.start_state_forward(&Input::new("").anchored(Anchored::Yes)).unwrap()
    }

    /// Where an act leads, if it may be said.
    fn step(&self, at: StateID, act: Performative, by: Role) -> Option<StateID> {
        let next = self.0.next_state(at, letter(act, by)?);
        // A dead state that has just seen the end of a match still counts: matches come one late.
        (!self.0.is_dead_state(next) && self.is_alive(next)).then_some(next)
    }

    /// Whether the conversation may end here, or go on.
    fn is_alive(&self, at: StateID) -> bool {
        self.is_end(at)
            || (b'A'..=b'z').any(|byte| !self.0.is_dead_state(self.0.next_state(at, byte)))
    }

    fn is_end(&self, at: StateID) -> bool {
        self.0.is_match_state(self.0.next_eoi_state(at))
    }
}

const SIDES: [Role; 2] = [Role::Initiator, Role::Participant];

/// Whether a `cancel` or a `not-understood` may be said there, which the table leaves out.
fn is_common(act: Performative, by: Role) -> bool {
    act == Performative::NotUnderstood || (act == Performative::Cancel && by == Role::Initiator)
}

#[test]
fn every_path_and_every_disallowed_next_message_are_as_the_table_says() {
    assert_eq!(EXPECTED.len(), Protocol::ALL.len());
    for &protocol in Protocol::ALL {
        let table = Table::of(protocol);
        let mut seen = HashSet::new();
        let mut left = VecDeque::from([(Progress::START, table.start())]);
        while let Some((at, expected)) = left.pop_front() {
            if !seen.insert((at, expected)) {
                continue;
            }
            if at.stage != Stage::Start {
                assert_eq!(at.is_end(protocol), table.is_end(expected), "{protocol} at {at:?}");
            }
            for by in SIDES {
                for &act in Performative::ALL {
                    let next = at.step(protocol, by, act, Settles::Other);
                    if is_common(act, by) {
                        let stage = next.map(|next| next.stage);
                        let wanted = (at.stage != Stage::Start).then_some(match act {
                            Performative::Cancel => at.stage,
                            _ => Stage::NotUnderstood,
                        });
                        assert_eq!(stage, wanted, "{protocol} at {at:?}: {by:?} {act}");
                        continue;
                    }
                    let wanted = table.step(expected, act, by);
                    assert_eq!(
                        next.is_some(),
                        wanted.is_some(),
                        "{protocol} at {at:?}: {by:?} says {act}"
                    );
                    left.extend(next.zip(wanted));
                }
            }
        }
        let reached: HashSet<Stage> = seen.iter().map(|(at, _)| at.stage).collect();
        for step in protocol.steps() {
            assert!(reached.contains(&step.at), "{protocol}: {} is never reached", step.at);
        }
    }
}

#[test]
fn a_cancel_is_settled_once() {
    for &protocol in Protocol::ALL {
        let step = |at: Progress, by, act, settles| at.step(protocol, by, act, settles);
        let first = protocol.steps().find(|step| step.at == Stage::Start).unwrap();
        let begun = step(Progress::START, Role::Initiator, first.acts[0], Settles::Other).unwrap();
        let cancel = Performative::Cancel;
        assert_eq!(step(begun, Role::Participant, cancel, Settles::Other), None, "{protocol}");
        let cancelling = step(begun, Role::Initiator, cancel, Settles::Other).unwrap();
        assert_eq!(cancelling, Progress { cancelling: true, ..begun });
        assert_eq!(cancelling.due(protocol), Some(Role::Participant));
        assert_eq!(step(cancelling, Role::Initiator, cancel, Settles::Other), None, "{protocol}");
        let answer = |act| step(cancelling, Role::Participant, act, Settles::Cancel);
        assert_eq!(answer(Performative::Failure), Some(begun), "{protocol}: too late");
        assert_eq!(answer(Performative::Propose), None, "{protocol}");
        let cancelled = answer(Performative::Inform).unwrap();
        assert_eq!(cancelled.stage, Stage::Cancelled);
        assert!(cancelled.is_end(protocol) && cancelled.due(protocol).is_none());
        for by in SIDES {
            assert_eq!(cancelled.allowed(protocol, by), [], "{protocol}");
        }
    }
}

#[test]
fn a_result_that_crosses_a_cancel_counts() {
    let ask = Progress { stage: Stage::Asked, cancelling: true };
    let by = Role::Participant;
    let done = ask.step(Protocol::Request, by, Performative::Inform, Settles::Other).unwrap();
    assert_eq!(done, Progress { stage: Stage::Done, cancelling: true });
    let settled = done.step(Protocol::Request, by, Performative::Failure, Settles::Cancel);
    assert_eq!(settled, Some(Progress { stage: Stage::Done, cancelling: false }));
}

proptest! {
    /// Whatever comes in whatever order, the machine and the table agree on each message.
    #[test]
    fn random_sequences_go_the_same_way(
        protocol in prop::sample::select(Protocol::ALL),
        said in prop::collection::vec((any::<bool>(), prop::sample::select(Performative::ALL)), 0..60),
    ) {
        let table = Table::of(protocol);
        let (mut at, mut expected) = (Progress::START, table.start());
        for (by_initiator, act) in said {
            let by = if by_initiator { Role::Initiator } else { Role::Participant };
            if is_common(act, by) {
                continue;
            }
            let next = at.step(protocol, by, act, Settles::Other);
            let wanted = table.step(expected, act, by);
            prop_assert_eq!(next.is_some(), wanted.is_some());
            (at, expected) = next.zip(wanted).unwrap_or((at, expected));
            prop_assert_eq!(at.allowed(protocol, by).contains(&act),
                at.step(protocol, by, act, Settles::Other).is_some());
        }
    }
}
