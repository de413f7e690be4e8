//! The words and tones in which conversations are shown.

use crate::conversation::{
    Conversation, ConversationState, Note, Participant, Protocol, Side, Stage,
};
use crate::message::{Message, Performative as Act, name};

/// What a message does to the conversation, as a colour says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tone {
    /// It asks for something.
    Asking,
    /// It answers, agrees or tells.
    Answering,
    /// It refuses, rejects or fails.
    Declining,
    /// The runtime says it.
    Runtime,
}

impl Tone {
    pub const ALL: [Tone; 4] = [Tone::Asking, Tone::Answering, Tone::Declining, Tone::Runtime];

    pub fn of(message: &Message) -> Self {
        match message.performative() {
            act if act.ends_talk() && message.sender() == name::AMS => Tone::Runtime,
            Act::Refuse | Act::Failure | Act::NotUnderstood | Act::RejectProposal => {
                Tone::Declining
            }
            // A proposal is an answer wherever it was called for.
            Act::Propose => match message.protocol() {
                Some(protocol) if protocol != Protocol::Propose.as_str() => Tone::Answering,
                _ => Tone::Asking,
            },
            Act::Cancel | Act::InformIf | Act::InformRef | Act::Propagate => Tone::Asking,
            act if act.asks() => Tone::Asking,
            _ => Tone::Answering,
        }
    }
}

/// How a participant stands where the picture ends.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// In a word or three.
    pub short: String,
    /// In a sentence, where something is missing.
    pub missing: Option<String>,
}

impl Standing {
    pub fn of(participant: &Participant, conversation: &Conversation) -> Self {
        let open = conversation.state == ConversationState::Open;
        let by = match participant.due_by {
            Some(due_by) => format!(", due by {}", elapsed(conversation.after(due_by))),
            None => String::new(),
        };
        let missing = |short: &str, long: &str| Standing {
            short: short.to_owned(),
            missing: Some(format!("{long}{by}")),
        };
        match (participant.due, participant.answered_at) {
            (Some(Side::Participant), None) if open && !participant.late => {
                missing("no answer yet", "has not answered yet")
            }
            (Some(Side::Participant), None) => missing("never answered", "never answered"),
            (Some(Side::Participant), Some(_)) if participant.stage == Stage::Subscribed => {
                Standing { short: "subscribed".to_owned(), missing: None }
            }
            (Some(Side::Participant), Some(_)) if open => {
                missing("answer still due", "its answer is still due")
            }
            (Some(Side::Participant), Some(_)) => {
                missing("answer never came", "its answer never came")
            }
            (Some(Side::Initiator), _) if open => {
                missing("waits for an answer", "waits for an answer")
            }
            (Some(Side::Initiator), _) => missing("got no answer", "got no answer"),
            (None, None) => missing(&format!("{}, silent", participant.stage), "said nothing"),
            (None, Some(_)) => {
                let late = if participant.late { ", late" } else { "" };
                Standing { short: format!("{}{late}", participant.stage), missing: None }
            }
        }
    }
}

impl Conversation {
    /// How long after the first message something was, in microseconds.
    pub(super) fn after(&self, at: u64) -> u64 {
        at.saturating_sub(self.began_at)
    }
}

/// What a note says, in a sentence.
pub(crate) fn remark(note: Note) -> &'static str {
    match note {
        Note::OutOfSequence => "out of sequence: the protocol does not allow this here",
        Note::Repeated => "repeated: the same had been said already",
        Note::Late => "late: this came after the deadline",
        Note::Deadline => "deadline: it passed without an answer",
        Note::Forwarded => "from somebody who was found",
        Note::Fault => "fault: something went wrong",
    }
}

/// What a note says, in a word or three.
pub(crate) fn badge(note: Note) -> &'static str {
    match note {
        Note::OutOfSequence => "out of sequence",
        Note::Repeated => "repeated",
        Note::Late => "late",
        Note::Deadline => "deadline passed",
        Note::Forwarded => "forwarded",
        Note::Fault => "fault",
    }
}

/// What a protocol is for.
pub(crate) fn purpose(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Request => "one agent asks another to do something",
        Protocol::Query => "one agent asks another to tell it something",
        Protocol::RequestWhen => "one agent asks another to act once a condition holds",
        Protocol::Propose => "one agent offers another to do something",
        Protocol::Subscribe => "one agent asks to be told again and again",
        Protocol::ContractNet => "a task goes to whoever makes the best offer",
        Protocol::IteratedContractNet => "a task goes to the best offer after several rounds",
        Protocol::EnglishAuction => "an auction whose price goes up",
        Protocol::DutchAuction => "an auction whose price goes down",
        Protocol::Brokering => "a broker finds agents and hands on their answers",
        Protocol::Recruiting => "a broker finds agents, who answer directly",
    }
}

/// A time since the beginning, given in microseconds.
pub(crate) fn elapsed(micros: u64) -> String {
    match micros {
        0 => "0 ms".to_owned(),
        1..10_000 => format!("+{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("+{} ms", micros / 1000),
        1_000_000..60_000_000 => format!("+{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100),
        60_000_000..3_600_000_000 => {
            format!("+{} min {} s", micros / 60_000_000, micros / 1_000_000 % 60)
        }
        3_600_000_000..86_400_000_000 => {
            format!("+{} h {} min", micros / 3_600_000_000, micros / 60_000_000 % 60)
        }
        _ => format!("+{} d {} h", micros / 86_400_000_000, micros / 3_600_000_000 % 24),
    }
}

/// A number with its thousands set apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things: `1 message`, `1,000 messages`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(number))
}
