//! A conversation as a program sees it: what it was when it was asked for.

use super::machine::{Role, Stage};
use super::protocol::Protocol;
use crate::choice::choice;
use crate::message::Message;

/// A conversation that names a protocol, as it was at the time of the call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conversation {
    /// The `conversation_id` of its messages.
    pub id: String,
    /// The protocol that it names.
    pub protocol: Protocol,
    /// Whether it goes on.
    pub state: ConversationState,
    /// The agent that began it.
    pub initiator: String,
    /// The agents that were asked to take part, in that order; at most 10,000.
    pub participants: Vec<Participant>,
    /// Its messages in their order. Of long conversations the middle is left out.
    pub messages: Vec<Exchanged>,
    /// The number of messages that are left out; they came after the first 64 of `messages`.
    pub omitted: u64,
    /// The time of its first message: microseconds since the Unix epoch.
    pub began_at: u64,
    /// The time at which it ended, if it has: microseconds since the Unix epoch.
    pub ended_at: Option<u64>,
}

/// Whether a conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConversationState {
    /// Something has still to be said.
    Open,
    /// With nobody anything has still to be said.
    Ended,
    /// It was given up, since it was idle for longest when there were too many.
    Abandoned,
}

choice!(ConversationState, "the state of a conversation",
    Open => "open", Ended => "ended", Abandoned => "abandoned");

/// One participant of a conversation, and its progress with the agent that asked it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Participant {
    /// Its name.
    pub name: String,
    /// Who asked it: the initiator, or who passed the conversation on.
    pub asked_by: String,
    /// The progress of the two.
    pub stage: Stage,
    /// Who has to say something next, if somebody has to: the participant, or who asked it.
    pub due: Option<Side>,
    /// The deadline, if there is one: microseconds since the Unix epoch.
    pub due_by: Option<u64>,
    /// True if a deadline passed before it answered.
    pub late: bool,
    /// The time at which it was first asked: microseconds since the Unix epoch.
    pub asked_at: u64,
    /// The time of its first answer, if there is one: microseconds since the Unix epoch.
    pub answered_at: Option<u64>,
}

/// One of the two sides of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who asked.
    Initiator,
    /// Who was asked.
    Participant,
}

choice!(Side, "the side of a conversation", Initiator => "initiator", Participant => "participant");

impl From<Role> for Side {
    fn from(role: Role) -> Self {
        match role {
            Role::Initiator => Side::Initiator,
            Role::Participant => Side::Participant,
        }
    }
}

/// A message of a conversation, with the runtime's note on it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchanged {
    /// The message.
    pub message: Message,
    /// The runtime's note on it, if there is one.
    pub note: Option<Note>,
}

/// The runtime's notes on a message of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Note {
    /// The protocol did not allow it there.
    OutOfSequence,
    /// It repeats an earlier message.
    Repeated,
    /// It came after the deadline that it should have met.
    Late,
    /// Somebody answered whom a recruiter found.
    Forwarded,
    /// The runtime reports that a deadline has passed.
    Deadline,
    /// The runtime reports a fault.
    Fault,
}

choice!(Note, "the note of a message", OutOfSequence => "out-of-sequence", Repeated => "repeated",
    Late => "late", Forwarded => "forwarded", Deadline => "deadline", Fault => "fault");
