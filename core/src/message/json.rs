//! Writing JSON by hand, where a tree would cost an allocation a field.

use std::borrow::Cow;

use super::scan::plain_prefix;

/// What text can be written to.
pub trait Sink {
    fn put(&mut self, text: &str);
}

impl Sink for String {
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Appends `text` as a JSON string, quotes included; whether it needed no escapes.
pub fn write_string(out: &mut impl Sink, text: &str) -> bool {
    out.put("\"");
    let is_plain = plain_prefix(text.as_bytes()) == text.len();
    if is_plain {
        out.put(text);
    } else {
        write_escaped(out, text);
    }
    out.put("\"");
    is_plain
}

#[cold]
fn write_escaped(out: &mut impl Sink, text: &str) {
    for character in text.chars() {
        match character {
            '"' => out.put("\\\""),
            '\\' => out.put("\\\\"),
            '\n' => out.put("\\n"),
            '\r' => out.put("\\r"),
            '\t' => out.put("\\t"),
            c if (c as u32) < 0x20 => out.put(&format!("\\u{:04x}", c as u32)),
            c => out.put(c.encode_utf8(&mut [0; 4])),
        }
    }
}

/// A text cut so that it takes at most `room` bytes in JSON, without its quotes. One that was cut says so, and
/// how many bytes it had.
pub fn cut_to(text: &str, room: usize) -> Cow<'_, str> {
    let end_within = |room: usize| {
        let mut used = 0;
        let mut fits = |character: char| {
            used += match character {
                '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
                c if (c as u32) < 0x20 => 6,
                c => c.len_utf8(),
            };
            used <= room
        };
        text.char_indices().find(|(_, character)| !fits(*character)).map(|(at, _)| at)
    };
    if end_within(room).is_none() {
        return Cow::Borrowed(text);
    }
    let note = format!("… (cut; it had {} bytes)", text.len());
    let end = end_within(room.saturating_sub(note.len())).unwrap_or(text.len());
    Cow::Owned(format!("{}{note}", &text[..end]))
}

/// Appends a whole number.
pub fn write_number(out: &mut impl Sink, number: u64) {
    out.put(itoa::Buffer::new().format(number));
}
