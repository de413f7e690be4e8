//! What the content of a message may be: how long, how wide, how deep.

mod scan;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use self::scan::{Aspect, Level, scan};
use super::Message;
use crate::by_name::by_name;
use crate::error::{Error, ErrorKind, shown};

/// Limits of the content of a message, with the defaults of the guide's input validation. There are
/// none unless somebody asks for them: [`Builder::content_limits`](crate::Builder::content_limits)
/// and [`Deploy::content_limits`](crate::Deploy::content_limits) say for whom they hold.
///
/// Sizes are those of the text without escapes, in bytes of UTF-8, so that no way of writing a
/// content gets more through; half of a surrogate pair counts as three bytes. `None` lifts a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentLimits {
    /// The content as JSON, as it was written, in bytes.
    pub max_bytes: Option<u64>,
    /// Keys of one object; a repeated key counts each time.
    pub max_keys: Option<u64>,
    /// One key, in bytes.
    pub max_key_bytes: Option<u64>,
    /// Items of one array.
    pub max_array_items: Option<u64>,
    /// One string that is not a key, in bytes.
    pub max_string_bytes: Option<u64>,
    /// Objects and arrays inside one another: 0 is a content that is neither. At most, and when
    /// lifted, 65,536.
    pub max_depth: u32,
}

/// No content that is limited at all may be deeper: it bounds the stack of who measures it.
const DEEPEST: u32 = 1 << 16;
/// As much of a path as an error shows, in characters.
const MAX_PATH: usize = 200;

impl Default for ContentLimits {
    fn default() -> Self {
        ContentLimits {
            max_bytes: Some(1 << 20),
            max_keys: Some(100),
            max_key_bytes: Some(256),
            max_array_items: Some(1000),
            max_string_bytes: Some(10_000),
            max_depth: 64,
        }
    }
}

by_name! { ContentLimits {
    max_bytes: optional,
    max_keys: optional,
    max_key_bytes: optional,
    max_array_items: optional,
    max_string_bytes: optional,
    max_depth: (most DEEPEST),
}}

/// The largest of each kind in one content. Any number of limits is checked against it, while the
/// content itself is read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    bytes: u32,
    keys: u32,
    key_bytes: u32,
    array_items: u32,
    string_bytes: u32,
    depth: u32,
}

impl Measure {
    /// Measures a content, in one pass over its bytes and with memory for its depth only. It ends
    /// where the content is deeper than any limits allow.
    pub fn of(content: &str) -> Self {
        let mut measure = Measure { bytes: content.len() as u32, ..Measure::default() };
        let _ = scan(content, |aspect, size, _| {
            let size = size as u32;
            let largest = match aspect {
                Aspect::Keys => &mut measure.keys,
                Aspect::KeyBytes => &mut measure.key_bytes,
                Aspect::ArrayItems => &mut measure.array_items,
                Aspect::StringBytes => &mut measure.string_bytes,
                Aspect::Depth => &mut measure.depth,
            };
            *largest = size.max(*largest);
            match measure.depth {
                ..=DEEPEST => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        measure
    }
}

impl ContentLimits {
    /// Checks that every limit is one that can be kept.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.max_depth <= DEEPEST {
            return Ok(());
        }
        let text = format!("max_depth is {}, expected at most {DEEPEST}", self.max_depth);
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }

    /// Checks a message's content. The error says which limit is broken, and where.
    pub(crate) fn check_message(&self, message: &Message) -> Result<(), Error> {
        let measure = message.measure();
        if self.allow(measure) {
            return Ok(());
        }
        let (content, size) = (message.content(), u64::from(measure.bytes));
        if let Some(limit) = self.max_bytes.filter(|limit| size > *limit) {
            return Err(above("is", size, "bytes long", "", "max_bytes", limit));
        }
        match scan(content, |aspect, size, levels| self.see(content, measure, aspect, size, levels))
        {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// Whether a content of this measure is within the limits.
    pub(crate) fn allow(&self, measure: &Measure) -> bool {
        let fits =
            |limit: Option<u64>, size: u32| limit.is_none_or(|limit| u64::from(size) <= limit);
        fits(self.max_bytes, measure.bytes)
            && fits(self.max_keys, measure.keys)
            && fits(self.max_key_bytes, measure.key_bytes)
            && fits(self.max_array_items, measure.array_items)
            && fits(self.max_string_bytes, measure.string_bytes)
            && measure.depth <= self.max_depth
    }

    /// Looks at one size in a content that breaks some limit.
    fn see(
        &self,
        content: &str,
        measure: &Measure,
        aspect: Aspect,
        size: u64,
        levels: &[Level],
    ) -> ControlFlow<Error> {
        let depth = Some(self.max_depth.into());
        let (limit, name) = match aspect {
            Aspect::Keys => (self.max_keys, "max_keys"),
            Aspect::KeyBytes => (self.max_key_bytes, "max_key_bytes"),
            Aspect::ArrayItems => (self.max_array_items, "max_array_items"),
            Aspect::StringBytes => (self.max_string_bytes, "max_string_bytes"),
            Aspect::Depth => (depth, "max_depth"),
        };
        let Some(limit) = limit.filter(|limit| size > *limit) else {
            return ControlFlow::Continue(());
        };
        // A container's own level is where its parts are, not where it is itself.
        let outside = &levels[..levels.len().saturating_sub(1)];
        ControlFlow::Break(match aspect {
            Aspect::Keys => {
                above("has an object of", size, "keys", &path(content, outside), name, limit)
            }
            Aspect::KeyBytes => {
                above("has a key of", size, "bytes", &path(content, levels), name, limit)
            }
            Aspect::ArrayItems => {
                above("has an array of", size, "items", &path(content, outside), name, limit)
            }
            Aspect::StringBytes => {
                above("has a string of", size, "bytes", &path(content, levels), name, limit)
            }
            Aspect::Depth => {
                let size = measure.depth.into();
                above("goes", size, "levels deep", &path(content, outside), name, limit)
            }
        })
    }
}

/// The error of a content that is, or has, too much of something.
fn above(has: &str, size: u64, what: &str, path: &str, name: &str, limit: u64) -> Error {
    let text =
        format!("the content {has} {size} {what}{path}, above the limit of {limit} ({name})");
    let kind = name.replacen("max_", "content_", 1);
    Error::new(ErrorKind::LimitExceeded, text).with_limit(&kind, limit, size)
}

/// Where in a content something is, in the manner of a JSON pointer: ` at "/data/3"`. Keys stand as
/// they were written, escapes and all, and what somebody else made long is cut.
fn path(content: &str, levels: &[Level]) -> String {
    if levels.is_empty() {
        return String::new();
    }
    let mut path = String::new();
    for level in levels {
        path.push('/');
        if level.is_object {
            let key = content.get(level.key..).unwrap_or_default();
            path.push_str(&shown(raw_key(key)).replace('~', "~0").replace('/', "~1"));
        } else {
            path.push_str(&level.count.saturating_sub(1).to_string());
        }
        if path.chars().count() > MAX_PATH {
            path = path.chars().take(MAX_PATH).chain(['…']).collect();
            break;
        }
    }
    format!(" at \"{path}\"")
}

/// A key up to its closing quote.
fn raw_key(text: &str) -> &str {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    &text[..end.unwrap_or(text.len())]
}
