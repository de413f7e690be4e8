//! The names of the fields that a program writes: those of FIPA and of the runtime, and names of its own.
//!
//! A name that is none of them is a slip, such as `reciever`, and would be carried along unseen. What agents
//! write is left as it is.

use super::envelope::{Envelope, FIELDS};
use crate::error::{Error, ErrorKind, shown};

/// Beginnings of the names that a program gives fields of its own (FIPA SC00061).
const OWN: [&str; 2] = ["X-", "x_"];
/// Options of calls that take fields beside them: one that is misspelt is taken for a field.
const OPTIONS: [&str; 3] = ["timeout", "filter", "capability"];
/// The most letters that differ in a name that may be meant.
const MOST_DIFFERENT: usize = 3;

/// Checks that a message of the program has no field that nobody knows.
pub fn check(envelope: &Envelope<'_>) -> Result<(), Error> {
    let is_own = |name: &str| OWN.iter().any(|beginning| name.starts_with(beginning));
    match envelope.extras.iter().find(|(name, _)| !is_own(name)) {
        Some((name, _)) => Err(unknown(name)),
        None => Ok(()),
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    let name = shown(name);
    let known = FIELDS.into_iter().chain(OPTIONS);
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(known, &name.to_lowercase()), known))
        .min()
        .filter(|(different, known)| *different <= MOST_DIFFERENT && *different < known.len() / 2);
    let meant =
        nearest.map_or_else(String::new, |(_, known)| format!(" (did you mean {known:?}?)"));
    let text = format!(
        "a message has no field {name:?}{meant}; the names of a program's own fields begin with `X-` or `x_`"
    );
    Error::new(ErrorKind::InvalidArgument, text)
}
