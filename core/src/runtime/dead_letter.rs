//! Messages that could not be delivered: the last ones are kept for whoever wants to know.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::message::Message;

/// The most that are kept.
const MAX_LETTERS: usize = 1024;
/// The most bytes that they may hold together.
const MAX_BYTES: usize = 16 << 20;

/// A message that reached nobody.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The message.
    pub message: Message,
    /// Why it reached nobody, in a sentence.
    pub reason: String,
}

#[derive(Default)]
pub(crate) struct DeadLetters(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    letters: VecDeque<DeadLetter>,
    bytes: usize,
}

impl DeadLetters {
    pub fn push(&self, message: Message, reason: impl Into<String>) {
        let mut ring = self.0.lock();
        ring.bytes += message.charge();
        ring.letters.push_back(DeadLetter { message, reason: reason.into() });
        while ring.letters.len() > MAX_LETTERS || ring.bytes > MAX_BYTES {
            let Some(oldest) = ring.letters.pop_front() else {
                break;
            };
            ring.bytes -= oldest.message.charge();
        }
    }

    pub fn list(&self) -> Vec<DeadLetter> {
        self.0.lock().letters.iter().cloned().collect()
    }
}
