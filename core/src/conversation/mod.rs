//! FIPA's interaction protocols, seen from the host and followed in passing.
//!
//! `protocol` says what each protocol allows, `machine` how far a pair has come; `record` is one
//! conversation and `book` all of them. `deadlines` are the answers that are due, and `waits` is who
//! waits for whom.

mod book;
mod deadlines;
mod filter;
mod machine;
mod protocol;
mod record;
mod view;
mod waits;

pub(crate) use self::book::{Book, Rule, Said, Violation};
pub(crate) use self::deadlines::{Deadlines, Due};
pub use self::filter::ConversationFilter;
pub use self::machine::Stage;
pub use self::protocol::Protocol;
pub use self::view::{Conversation, ConversationState, Exchanged, Note, Participant, Side};

pub(crate) use self::waits::Circle;

#[cfg(test)]
mod tests;
