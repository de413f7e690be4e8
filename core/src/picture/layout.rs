//! What every picture of a conversation shows, and where: lifelines beside each other, rows below each
//! other. Mermaid and SVG draw the same layout.

use super::lanes::Lanes;
use super::rows;
use super::words::{Standing, Tone, thousands};
use crate::conversation::{Conversation, Note};
use crate::message::{Message, Performative};

/// The most rows of a picture; of longer ones the middle is left out.
pub(super) const MAX_ROWS: usize = 60;

/// A conversation, laid out.
pub(super) struct Layout<'a> {
    pub lanes: Vec<Lane<'a>>,
    pub rows: Vec<Row<'a>>,
    /// How many messages there were, those left out included.
    pub messages: u64,
    /// How many agents took part, the runtime's own not counted.
    pub agents: u64,
}

/// A lifeline: an agent, or several that did the same.
pub(super) struct Lane<'a> {
    pub name: &'a str,
    /// How many others stand behind the one that is named.
    pub others: u64,
    /// How it stands at the end; the same for everybody here.
    pub standing: Option<Standing>,
    /// Whether this is the runtime's own agent.
    pub is_runtime: bool,
}

/// What stands in one row, over all lifelines.
pub(super) enum Row<'a> {
    Arrow(Arrow<'a>),
    /// Messages that are left out, and how many of them had a note.
    Gap {
        messages: u64,
        noted: u64,
    },
    /// The time by which an act had to be answered, in microseconds since the beginning.
    Deadline {
        after: u64,
        act: Performative,
    },
}

/// One message, or several of the same kind between the same lifelines.
pub(super) struct Arrow<'a> {
    pub from: usize,
    /// In ascending order, and never empty.
    pub to: Vec<usize>,
    /// The first of the messages.
    pub message: &'a Message,
    pub count: u64,
    /// Whether all of the messages say the same.
    pub is_uniform: bool,
    /// How many agents receive this.
    pub receivers: u64,
    /// When the first and the last were sent, in microseconds since the beginning.
    pub first: u64,
    pub last: u64,
    pub tone: Tone,
    pub note: Option<Note>,
}

impl<'a> Layout<'a> {
    pub fn of(conversation: &'a Conversation) -> Self {
        let Lanes { lanes, of_name, agents } = Lanes::of(conversation);
        let rows = rows::rows(conversation, &lanes, &of_name);
        let messages = conversation.messages.len() as u64 + conversation.omitted;
        Layout { lanes, rows: folded(rows), messages, agents }
    }
}

impl Arrow<'_> {
    /// The act, and how often or to how many it was said: `cfp to 1,000`, `refuse ×992`.
    pub fn act(&self) -> String {
        let mut act = self.message.performative().to_string();
        if self.receivers > self.to.len() as u64 {
            act += &format!(" to {}", thousands(self.receivers));
        } else if self.count > self.to.len() as u64 {
            act += &format!(" ×{}", thousands(self.count));
        }
        act
    }
}

/// Leaves out the middle of what has too many rows, and says how much that is.
fn folded(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    if rows.len() <= MAX_ROWS {
        return rows;
    }
    let end = rows.split_off(rows.len() - (MAX_ROWS / 2 - 1));
    let (mut messages, mut noted) = (0, 0);
    for row in rows.drain(MAX_ROWS / 2..) {
        match row {
            Row::Arrow(arrow) => {
                messages += arrow.count;
                noted += if arrow.note.is_some() { arrow.count } else { 0 };
            }
            Row::Gap { messages: more, noted: remarkable } => {
                messages += more;
                noted += remarkable;
            }
            Row::Deadline { .. } => {}
        }
    }
    rows.push(Row::Gap { messages, noted });
    rows.extend(end);
    rows
}
