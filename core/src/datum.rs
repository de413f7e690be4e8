//! A key and its value, as agents store them: in one piece, of which an agent may have very many.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};
use std::iter::repeat_n;
use std::sync::Arc;

/// Bytes of key and value together that need no memory of their own.
const SHORT: usize = 21;
/// The length of a value that is not there.
const NONE: u8 = u8::MAX;

/// A key and its value, or a key without one. Compared by the key alone; a copy shares the bytes.
#[derive(Clone)]
pub(crate) struct Datum(Form);

#[derive(Clone)]
enum Form {
    Short { key: u8, value: u8, bytes: [u8; SHORT] },
    Long { key: u32, has_value: bool, bytes: Arc<[u8]> },
}

impl Datum {
    /// A key with its value, or without one.
    pub fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        let (has_value, value) = (value.is_some(), value.unwrap_or_default());
        let len = key.len() + value.len();
        let mut short = [0; SHORT];
        if let Some(bytes) = short.get_mut(..len) {
            fill(bytes, key, value);
            let value = if has_value { value.len() as u8 } else { NONE };
            return Datum(Form::Short { key: key.len() as u8, value, bytes: short });
        }
        let mut bytes: Arc<[u8]> = repeat_n(0, len).collect();
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            fill(bytes, key, value);
        }
        // Keys of guests have a few KiB at most, and SQLite's values 2 GiB.
        let key = u32::try_from(key.len()).unwrap_or(u32::MAX);
        Datum(Form::Long { key, has_value, bytes })
    }

    /// The same key without a value.
    pub fn without_value(&self) -> Self {
        Datum::new(self.key(), None)
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.parts().0
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&[u8]> {
        let has_value = match &self.0 {
            Form::Short { value, .. } => *value != NONE,
            Form::Long { has_value, .. } => *has_value,
        };
        has_value.then(|| self.parts().1)
    }

    /// Bytes of key and value.
    pub fn len(&self) -> usize {
        let (key, value) = self.parts();
        key.len() + value.len()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let (bytes, key): (&[u8], usize) = match &self.0 {
            Form::Short { key, value, bytes } => {
                let value = if *value == NONE { 0 } else { *value };
                (&bytes[..(usize::from(*key) + usize::from(value)).min(SHORT)], (*key).into())
            }
            Form::Long { key, bytes, .. } => (bytes, *key as usize),
        };
        bytes.split_at_checked(key).unwrap_or((bytes, &[]))
    }
}

fn fill(bytes: &mut [u8], key: &[u8], value: &[u8]) {
    let (of_key, of_value) = bytes.split_at_mut(key.len());
    of_key.copy_from_slice(key);
    of_value.copy_from_slice(value);
}

impl Borrow<[u8]> for Datum {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Datum {}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Datum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl Hash for Datum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Debug for Datum {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (key, value) = self.parts();
        write!(f, "Datum({} bytes, {} bytes)", key.len(), value.len())
    }
}

#[cfg(test)]
mod tests;
