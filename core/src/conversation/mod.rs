//! FIPA's interaction protocols, seen from the host and checked in passing.

mod machine;
mod protocol;
mod view;

pub use self::machine::Stage;
pub(crate) use self::machine::{Progress, Role, Settles};
pub use self::protocol::Protocol;
pub use self::view::{Conversation, ConversationState, Exchanged, Note, Participant, Side};

#[cfg(test)]
mod tests;
