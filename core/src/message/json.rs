//! Writing JSON by hand, where a tree would cost an allocation a field.

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

/// Appends a whole number.
pub fn write_number(out: &mut impl Sink, number: u64) {
    out.put(itoa::Buffer::new().format(number));
}
