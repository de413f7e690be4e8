//! Reading a content once, without building anything of it.

use std::ops::ControlFlow;

/// What is measured of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Keys,
    KeyBytes,
    ArrayItems,
    StringBytes,
    Depth,
}

/// An object or an array that has begun and not ended.
pub(super) struct Level {
    pub is_object: bool,
    /// Keys of an object, items of an array, so far. A key that comes twice counts twice.
    pub count: u32,
    /// Where the last key of an object begins, behind its quote.
    pub key: usize,
}

/// Reads a content from its beginning to its end, or until `see` has seen enough, and shows it each
/// size as soon as that is known, with the levels that it lies in: a container's depth where it
/// begins, its count where it ends, a text's length at its end.
///
/// The levels stand in a stack of their own, not in the thread's, so depth is for `see` to end. The
/// content is JSON already; of anything else the sizes mean nothing, and that is all.
pub(super) fn scan<B>(
    content: &str,
    mut see: impl FnMut(Aspect, u64, &[Level]) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let bytes = content.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut key_comes = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let start = at;
                let length;
                (at, length) = text(bytes, start);
                match levels.last_mut().filter(|_| key_comes) {
                    Some(level) => {
                        level.key = start;
                        level.count += 1;
                        see(Aspect::KeyBytes, length, &levels)?;
                    }
                    None => {
                        count_value(&mut levels);
                        see(Aspect::StringBytes, length, &levels)?;
                    }
                }
                key_comes = false;
            }
            b'{' | b'[' => {
                let is_object = *byte == b'{';
                count_value(&mut levels);
                levels.push(Level { is_object, count: 0, key: 0 });
                see(Aspect::Depth, levels.len() as u64, &levels)?;
                key_comes = is_object;
            }
            b'}' | b']' => {
                if let Some(level) = levels.last() {
                    let aspect = if level.is_object { Aspect::Keys } else { Aspect::ArrayItems };
                    see(aspect, level.count.into(), &levels)?;
                }
                levels.pop();
                key_comes = false;
            }
            b',' => key_comes = levels.last().is_some_and(|level| level.is_object),
            b':' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                count_value(&mut levels);
                at += bytes[at..].iter().take_while(|byte| !ends_scalar(**byte)).count();
            }
        }
    }
    ControlFlow::Continue(())
}

/// A value begins: where that is in an array, it is an item. In an object its key has counted.
fn count_value(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut().filter(|level| !level.is_object) {
        level.count += 1;
    }
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
}

/// Reads a string from behind its first quote: where it is over, and its bytes without escapes.
fn text(bytes: &[u8], start: usize) -> (usize, u64) {
    let mut at = start;
    let mut length = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
        length += plain as u64;
        at += plain;
        if bytes.get(at) != Some(&b'\\') {
            return (at + 1, length);
        }
        let (escape, unescaped) = escape(&bytes[at..]);
        at += escape;
        length += unescaped;
    }
}

/// The length of the escape that `bytes` begin with, and of what it stands for.
fn escape(bytes: &[u8]) -> (usize, u64) {
    match unit(bytes) {
        None => (2, 1),
        Some(0..0x80) => (6, 1),
        Some(0x80..0x800) => (6, 2),
        Some(0xd800..0xdc00)
            if bytes.get(6..).and_then(unit).is_some_and(|low| (0xdc00..0xe000).contains(&low)) =>
        {
            (12, 4)
        }
        // Half of a pair stands for no character; who reads it so that it stands for U+FFFD, or
        // keeps it in the manner of UTF-8, has three bytes.
        Some(_) => (6, 3),
    }
}

/// The UTF-16 unit of a `\uXXXX` at the beginning of `bytes`.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
