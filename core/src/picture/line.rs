//! A message in one line, as consoles, notebooks and logs show it.

use super::escape::label;
use crate::message::Message;

/// The most columns of a name or a content.
const MAX_COLUMNS: usize = 80;
/// The most receivers that are named.
const MAX_RECEIVERS: usize = 3;

impl Message {
    /// The message in one line: its act, who says it to whom, and the beginning of its content, however deep that
    /// is nested. Nothing in it can steer a terminal or break the line.
    pub fn to_line(&self) -> String {
        let name = |name| label(name, MAX_COLUMNS);
        let mut receivers: Vec<String> = self.receivers().take(MAX_RECEIVERS).map(name).collect();
        if self.receivers().nth(MAX_RECEIVERS).is_some() {
            receivers.push("…".to_owned());
        }
        let (act, sender, to) = (self.performative(), name(self.sender()), receivers.join(", "));
        format!("<Message {act} {sender} → {to}: {}>", self.content_line())
    }

    /// The beginning of its content, in the same way.
    pub fn content_line(&self) -> String {
        label(self.content(), MAX_COLUMNS)
    }
}
