//! A conversation as a program sees it: what it was when it was asked for.

use super::machine::{Role, Stage};
use super::protocol::Protocol;
use crate::choice::choice;
use crate::message::Message;

/// A conversation that names a protocol, as it stood when it was looked at.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conversation {
    /// The `conversation_id` of its messages.
    pub id: String,
    /// The protocol that it names.
    pub protocol: Protocol,
    /// Whether it goes on.
    pub state: ConversationState,
    /// Who began it.
    pub initiator: String,
    /// Who was asked to take part, in the order in which they were; at most 10,000.
    pub participants: Vec<Participant>,
    /// Its messages in their order. Of long conversations the middle is left out.
    pub messages: Vec<Exchanged>,
    /// How many messages are left out; they stood behind the first half of `messages`.
    pub omitted: u64,
    /// When its first message was sent: microseconds since the Unix epoch.
    pub began_at: u64,
    /// When it ended, if it has: microseconds since the Unix epoch.
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

/// One participant of a conversation: how far it has come with whoever asked it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Participant {
    /// Its name.
    pub name: String,
    /// Who asked it: the initiator, or who passed the conversation on.
    pub asked_by: String,
    /// How far the two have come.
    pub stage: Stage,
    /// Who has to say something next, if somebody has to: the participant, or who asked it.
    pub due: Option<Side>,
    /// By when, where that was said: microseconds since the Unix epoch.
    pub due_by: Option<u64>,
    /// Whether a deadline passed before it answered.
    pub late: bool,
    /// When it was asked first: microseconds since the Unix epoch.
    pub asked_at: u64,
    /// When it said something first, if it has: microseconds since the Unix epoch.
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

/// A message of a conversation, and what the runtime has to say of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchanged {
    /// The message.
    pub message: Message,
    /// What is remarkable about it, if anything is.
    pub note: Option<Note>,
}

/// What is remarkable about a message of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Note {
    /// The protocol did not allow it there.
    OutOfSequence,
    /// The same had been said already.
    Repeated,
    /// It came after the deadline that it should have met.
    Late,
    /// Somebody answered whom a recruiter found.
    Forwarded,
    /// The runtime says that a deadline has passed.
    Deadline,
    /// The runtime says that something went wrong.
    Fault,
}

choice!(Note, "the note of a message", OutOfSequence => "out-of-sequence", Repeated => "repeated",
    Late => "late", Forwarded => "forwarded", Deadline => "deadline", Fault => "fault");
