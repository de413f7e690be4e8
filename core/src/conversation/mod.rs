//! FIPA's interaction protocols, seen from the host and followed in passing.
//!
//! `protocol` says what each protocol allows, `machine` how far a pair has come; `record` is one
//! conversation and `book` all of them, `place` which of them a message belongs to. `deadlines` are the
//! answers that are due, and `waits` is who waits for whom.

mod book;
mod deadlines;
mod filter;
mod machine;
mod place;
mod protocol;
mod record;
mod view;
mod waits;

pub(crate) use self::book::{Book, Said, Saying, Violation};
pub(crate) use self::deadlines::{Awaited, Deadlines, Due};
pub use self::filter::ConversationFilter;
pub use self::machine::Stage;
pub use self::protocol::Protocol;
pub use self::view::{Conversation, ConversationState, Exchanged, Note, Participant, Side};

pub(crate) use self::waits::{Circle, FIRST_LOOK};

#[cfg(test)]
mod tests;
