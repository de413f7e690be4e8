//! Finding the values in JSON text, without building anything of them: each is checked to be JSON, and
//! passed over.
//!
//! A message is read at every hop, and its content is carried as it is. A parser that builds values,
//! even borrowed ones, took longer than all else that a hop needs.

/// Why a text is no JSON, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub expected: &'static str,
    pub at: usize,
}

/// A place in JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quoted<'a> {
    pub raw: &'a str,
    pub has_escapes: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    pub fn wrong(&self, expected: &'static str) -> Wrong {
        Wrong { expected, at: self.at }
    }

    /// The next byte that is no space, which stays where it is; 0 at the end, which is no JSON either.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Passes over this byte, if it is the next one; whether it was.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Whether nothing is left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek();
        self.at == self.text.len()
    }

    /// The next value, as it stands there.
    #[inline]
    pub fn value(&mut self) -> Result<&'a str, Wrong> {
        self.peek();
        let start = self.at;
        self.skip_value()?;
        Ok(&self.text[start..self.at])
    }

    /// The next string.
    #[inline]
    pub fn string(&mut self) -> Result<Quoted<'a>, Wrong> {
        if !self.take(b'"') {
            return Err(self.wrong("a string"));
        }
        let rest = &self.text[self.at..];
        let len = plain_prefix(rest.as_bytes());
        if rest.as_bytes().get(len) == Some(&b'"') {
            self.at += len + 1;
            return Ok(Quoted { raw: &rest[..len], has_escapes: false });
        }
        self.at += len;
        self.string_with_escapes(rest)
    }

    /// Goes on in a string that began with `rest`, at something that may not stand there as it is.
    #[cold]
    fn string_with_escapes(&mut self, rest: &'a str) -> Result<Quoted<'a>, Wrong> {
        let (bytes, start) = (self.text.as_bytes(), self.text.len() - rest.len());
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Quoted { raw, has_escapes: true });
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.wrong("no control character within a string")),
                None => return Err(self.wrong("the end of a string")),
            }
            self.at += plain_prefix(&bytes[self.at..]);
        }
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let len = match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', digits @ ..]
                if digits.len() >= 4 && digits[..4].iter().all(u8::is_ascii_hexdigit) =>
            {
                6
            }
            _ => return Err(self.wrong("an escape of JSON")),
        };
        self.at += len;
        Ok(())
    }

    /// The key of an entry, and the colon behind it.
    #[inline]
    pub fn key(&mut self) -> Result<Quoted<'a>, Wrong> {
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { Err(self.wrong("`:`")) }
    }

    #[inline]
    fn skip_value(&mut self) -> Result<(), Wrong> {
        let mut nesting = Nesting::default();
        loop {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'{' => {
                    self.at += 1;
                    if !self.take(b'}') {
                        nesting.enter(true);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if !self.take(b']') {
                        nesting.enter(false);
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return Err(self.wrong("a value")),
            }
            // A value has come to its end, and with it perhaps those around it.
            loop {
                let Some(in_object) = nesting.innermost() else { return Ok(()) };
                match (self.peek(), in_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.key()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        nesting.leave();
                    }
                    (_, true) => return Err(self.wrong("`,` or `}`")),
                    (_, false) => return Err(self.wrong("`,` or `]`")),
                }
            }
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Wrong> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes.get(self.at) == Some(&b'-'));
        // No other digit follows a leading 0.
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(self.wrong("a digit")) }
    }
}

/// What the scanner is within: a bit for each array or object, so that nesting costs next to nothing,
/// however deep somebody makes it.
#[derive(Default)]
struct Nesting {
    depth: u32,
    /// The innermost 64, the last one lowest.
    near: u64,
    /// The others, 64 each.
    far: Vec<u64>,
}

impl Nesting {
    fn enter(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(object);
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.near >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; nothing outside of all.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.near & 1 == 1)
    }
}

/// Whether a byte may stand in a JSON string as it is.
const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// How many bytes at the beginning may stand in a JSON string as they are.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let (chunks, tail) = bytes.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        let marks = special(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // The last bytes, once more with some before them where there are any.
    if let Some(last) = bytes.last_chunk::<8>()
        && special(u64::from_le_bytes(*last)) == 0
    {
        return bytes.len();
    }
    at + tail.iter().take_while(|byte| is_plain(**byte)).count()
}

/// A mark in each byte that may not stand in a JSON string as it is. The lowest mark is true; what is above
/// it may not be.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    // With its second bit turned, a quote comes right behind the control characters, and they stay together.
    let controls_and_quotes = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (controls_and_quotes | backslashes) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn is_json(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip_value().is_ok() && scanner.is_at_end()
    }

    /// Text made of what matters in JSON.
    fn nearly_json() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u00e9",
            "\\ud800",
            "\\x",
            "a",
            "\"a\":",
            "\"\"",
            "0",
            "01",
            "-",
            "-1.5e+3",
            "1.",
            ".5",
            "1e",
            "true",
            "fals",
            "null",
            " ",
            "\n",
            "\u{1f}",
            "é",
            "🙂",
            "12345678",
            "\"a long text without escapes\"",
            "\u{7f}",
        ]);
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_takes(text in prop_oneof![nearly_json(), any::<String>()]) {
            let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(is_json(&text), expected, "{:?}", text);
        }

        #[test]
        fn plain_text_is_found_whatever_its_length(
            bytes in prop::collection::vec(prop_oneof![8 => 0x20_u8..=0xff, 1 => any::<u8>()], 0..40)
        ) {
            let expected = bytes.iter().take_while(|byte| is_plain(**byte)).count();
            prop_assert_eq!(plain_prefix(&bytes), expected);
        }
    }

    #[test]
    fn nesting_of_any_depth_is_followed() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 100_000] {
            let opened: String = (0..depth).map(|n| ["[", "{\"a\":"][n % 3 % 2]).collect();
            let closed: String = (0..depth).rev().map(|n| ["]", "}"][n % 3 % 2]).collect();
            assert!(is_json(&format!("{opened}1{closed}")), "{depth}");
            assert!(!is_json(&format!("{opened}1{}", &closed[1..])), "{depth}");
            assert!(!is_json(&format!("{opened}1{closed}]")), "{depth}");
        }
    }
}
