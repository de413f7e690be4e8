//! The ACL message (FIPA SC00061): performatives, reading, checking, the wire form.
//!
//! A message is read once, without touching its content, and written once by the host, which adds
//! the true sender, a `message_id` and `sent_at`. From then on it is shared by reference.

mod content;
mod draft;
mod envelope;
mod fields;
mod filter;
mod json;
mod kept;
pub mod name;
mod performative;
mod scan;
#[cfg(test)]
mod tests;
mod traceparent;
mod wire;

pub use content::ContentLimits;
pub(crate) use content::Measure;
pub use draft::Draft;
pub(crate) use envelope::{Envelope, Sender};
pub use filter::Filter;
pub(crate) use filter::OneOrMany;
pub(crate) use json::cut_to;
pub use performative::Performative;
pub(crate) use traceparent::Traceparent;
pub use wire::Message;
pub(crate) use wire::Stamp;
