//! Messages in lines of a terminal, as they pass: what JADE's users know as the sniffer.

use super::escape::{columns, label, shorten, tail};
use super::words::{Tone, thousands};
use crate::message::Message;

/// The most columns of a name or an id.
const MAX_NAME_COLUMNS: usize = 20;
const MIN_WIDTH: usize = 40;

/// Shows messages in aligned lines, one a message: the time since the first one in seconds, who says it
/// to whom, the act, the protocol, the end of the conversation's id, and the content.
///
/// Nothing that an agent wrote can steer the terminal or break its line: what would is shown as an
/// escape, as in `\u{1b}`.
#[derive(Debug)]
pub struct Sniffer {
    is_coloured: bool,
    width: usize,
    began_at: Option<u64>,
    /// How wide the columns have grown: they never shrink, so that lines stay aligned.
    grown: [usize; CELLS],
}

/// The cells of a line between its time and its content.
const CELLS: usize = 5;

impl Sniffer {
    /// A sniffer for lines of `width` columns, at least 40, coloured with ANSI escapes if `colour`.
    pub fn new(colour: bool, width: usize) -> Self {
        let grown = [8, 8, "accept-proposal".len(), 7, 8];
        Sniffer { is_coloured: colour, width: width.max(MIN_WIDTH), began_at: None, grown }
    }

    /// The line of a message, without a line break.
    pub fn line(&mut self, message: &Message) -> String {
        let began_at = *self.began_at.get_or_insert(message.sent_at());
        let millis = message.sent_at().saturating_sub(began_at) / 1000;
        let time = format!("{:>4}.{:03}", millis / 1000, millis % 1000);
        let protocol = message.protocol().unwrap_or("-");
        let protocol = protocol.strip_prefix("fipa-").unwrap_or(protocol);
        let cells: [String; CELLS] = [
            label(message.sender(), MAX_NAME_COLUMNS),
            receivers(message),
            message.performative().to_string(),
            label(protocol, MAX_NAME_COLUMNS),
            tail(message.conversation_id().unwrap_or("-"), 8),
        ];
        let (act, dim) = (self.colour_of(message), if self.is_coloured { "2" } else { "" });
        let mut line = Line { out: String::new(), left: self.width };
        line.put(&time, time.len(), dim);
        for (index, cell) in cells.iter().enumerate() {
            let width = self.grown[index].max(columns(cell));
            self.grown[index] = width;
            line.put(if index == 1 { " → " } else { "  " }, 0, "");
            line.put(
                cell,
                width,
                if index == 2 {
                    act
                } else if index > 2 {
                    dim
                } else {
                    ""
                },
            );
        }
        if message.content() != "null" {
            line.put("  ", 0, "");
            line.put(&label(message.content(), line.left), 0, "");
        }
        line.out.truncate(line.out.trim_end().len());
        line.out
    }

    fn colour_of(&self, message: &Message) -> &'static str {
        match Tone::of(message) {
            _ if !self.is_coloured => "",
            Tone::Asking => "36",
            Tone::Answering => "32",
            Tone::Declining => "31",
            Tone::Runtime => "33",
        }
    }
}

/// Who receives a message: the first, and how many others.
fn receivers(message: &Message) -> String {
    let more = match message.receivers().count() {
        0 | 1 => String::new(),
        count => format!(" +{}", thousands(count as u64 - 1)),
    };
    label(message.receiver(), MAX_NAME_COLUMNS - more.len()) + &more
}

/// A line that is being written, and how many columns are left of it.
struct Line {
    out: String,
    left: usize,
}

impl Line {
    /// Writes a text, filled up to `width` columns, as far as there is room.
    fn put(&mut self, text: &str, width: usize, colour: &str) {
        let text = shorten(text, self.left);
        let taken = columns(&text);
        if colour.is_empty() || text.is_empty() {
            self.out.push_str(&text);
        } else {
            self.out.push_str(&format!("\u{1b}[{colour}m{text}\u{1b}[0m"));
        }
        self.left -= taken;
        let fill = width.saturating_sub(taken).min(self.left);
        self.out.extend(std::iter::repeat_n(' ', fill));
        self.left -= fill;
    }
}
