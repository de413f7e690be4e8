//! What came of a protocol with several participants.

use super::room::Room;
use crate::choice::choice;
use crate::message::Message;

/// The outcome of a protocol with several participants, with the answer of each.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// The conversation: see [`Runtime::conversation`](crate::Runtime::conversation).
    pub conversation_id: String,
    /// The participants, in the order in which they were named.
    pub answers: Vec<Answer>,
    /// Answers of agents to which a participant passed the conversation on, in the order in which they came.
    /// There is room for 64 MiB and 32,768 of them, and for an eighth of that from one sender.
    pub forwarded: Vec<Message>,
    /// The number of answers that found no room among them, or that came faster than they were read.
    pub missed: u64,
    /// The number of rounds of proposals.
    pub rounds: u32,
    /// The price at which an auction ended.
    pub price: Option<f64>,
}

/// The answer of one participant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The participant's name.
    pub agent: String,
    /// The participant's status.
    pub status: Status,
    /// Its last proposal.
    pub proposal: Option<Message>,
    /// Its last other message: its result, its refusal, or its failure.
    pub message: Option<Message>,
}

/// Where a participant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It has not answered.
    Silent,
    /// It has made a proposal, which has not been decided upon.
    Proposed,
    /// Its proposal came after the deadline, and was rejected.
    Late,
    /// It refused.
    Refused,
    /// It failed, or the runtime says that it did.
    Failed,
    /// It did not understand.
    NotUnderstood,
    /// Its proposal was rejected.
    Rejected,
    /// Its proposal was accepted, and its result has not come.
    Accepted,
    /// Its proposal was accepted, and its result has come.
    Done,
}

choice!(Status, "the status of a participant",
    Silent => "silent", Proposed => "proposed", Late => "late", Refused => "refused",
    Failed => "failed", NotUnderstood => "not-understood", Rejected => "rejected",
    Accepted => "accepted", Done => "done");

impl Outcome {
    /// Keeps an answer of somebody who is no participant, if there is room.
    pub(super) fn forward(&mut self, message: Message, room: &mut Room) {
        match room.take(&message) {
            true => self.forwarded.push(message),
            false => self.missed += 1,
        }
    }

    /// The participants that stand there.
    pub fn with(&self, status: Status) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(move |answer| answer.status == status)
    }

    /// The first participant whose proposal was accepted, if there is one: what it did with it is its
    /// status.
    pub fn winner(&self) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.won())
    }

    /// The winner's last answer: its result, or its failure.
    pub fn result(&self) -> Option<&Message> {
        self.winner()?.message.as_ref()
    }
}

impl Answer {
    pub(super) fn of(agent: &str) -> Self {
        Answer { agent: agent.to_owned(), status: Status::Silent, proposal: None, message: None }
    }

    /// Whether its proposal was accepted.
    pub fn won(&self) -> bool {
        match self.status {
            Status::Accepted | Status::Done => true,
            Status::Failed => self.proposal.is_some(),
            _ => false,
        }
    }
}
