//! Names of agents and topics.

#[cfg(test)]
mod tests;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_script::{Script, UnicodeScript};
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::skeleton;

use crate::error::{Error, ErrorKind, shown};

/// The name of the host's own management agent: failures that the host reports come from it.
pub const AMS: &str = "ams";
/// The name of the directory facilitator.
pub const DF: &str = "df";
/// The name under which a script speaks unless it chose another.
pub const HOST: &str = "host";
/// What stands before the name of a topic in `receiver`.
pub const TOPIC_PREFIX: &str = "topic:";
/// The `receiver` that a broadcast shows.
pub const EVERYBODY: &str = "*";
/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Names that only the runtime itself may bear, or will bear, in capitals too.
const RESERVED: [&str; 5] = [AMS, DF, HOST, "http", "tools"];

/// Whether only the runtime itself may bear a name: its own names, whatever their case, and those that
/// look the same.
pub fn is_reserved(name: &str) -> bool {
    if name.is_ascii() {
        return name == EVERYBODY || RESERVED.iter().any(|own| own.eq_ignore_ascii_case(name));
    }
    let looks = look(name);
    RESERVED.iter().any(|own| look(own) == looks)
}

/// The topic that a receiver names, if it names one.
pub fn topic_of(receiver: &str) -> Option<&str> {
    receiver.strip_prefix(TOPIC_PREFIX)
}

/// Checks that a name can be one of an agent or a sender: 1 to 255 bytes, of one script and in NFC,
/// nothing in it that does not show, no surrounding white space, and not the form of a topic.
pub fn check(name: &str) -> Result<(), Error> {
    match misshapen(name).or_else(|| misleading(name)) {
        None => Ok(()),
        Some(wrong) => Err(unfit(name, &wrong)),
    }
}

/// Checks a name that a store has kept, which may be from a time when more names were allowed: why
/// nobody is given it any more, if that is so.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] if no agent could ever have had it.
pub fn check_stored(name: &str) -> Result<Option<String>, Error> {
    if let Some(wrong) = misshapen(name) {
        return Err(unfit(name, &wrong));
    }
    if matches!(name, AMS | DF | HOST | EVERYBODY) {
        return Err(unfit(name, "it is a name of the runtime"));
    }
    let reserved = || is_reserved(name).then(|| "it is a name of the runtime".to_owned());
    Ok(misleading(name).or_else(reserved))
}

fn unfit(name: &str, wrong: &str) -> Error {
    let shown = shown(name);
    let text = format!("{shown:?} cannot be the name of an agent: {wrong}");
    Error::new(ErrorKind::InvalidArgument, text)
}

/// Why a name is none at all.
fn misshapen(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!("it is {} bytes long, and {MAX_NAME_BYTES} is the most", name.len()));
    }
    if let Some(found) = name.chars().find(|found| found.is_control()) {
        return Some(format!("it holds a control character, {}; leave it out", code(found)));
    }
    if name.trim() != name {
        return Some("it begins or ends with white space".to_owned());
    }
    topic_of(name).map(|_| of_a_topic())
}

fn of_a_topic() -> String {
    format!("names that begin with `{TOPIC_PREFIX}`, in any case, are topics; choose another")
}

/// Why a name could be taken for another, or for something else.
fn misleading(name: &str) -> Option<String> {
    if name.is_ascii() {
        let begin = name.get(..TOPIC_PREFIX.len())?;
        return begin.eq_ignore_ascii_case(TOPIC_PREFIX).then(of_a_topic);
    }
    if let Some(hidden) = name.chars().find(|found| is_hidden(*found)) {
        let what = "which does not show, or turns the direction of the text";
        return Some(format!("it holds {}, {what}; leave it out", code(hidden)));
    }
    if !is_nfc(name) {
        let normal: String = name.nfc().collect();
        let text = format!("it is not in Unicode's normal form NFC, which is {normal:?}; use that");
        return Some(text);
    }
    if let Some((found, script, others)) = stranger(name) {
        let (code, script, others) = (code(found), script.full_name(), others.full_name());
        return Some(format!(
            "it mixes scripts: {found:?} ({code}) is {script}, and what stands before it {others}; \
             use one"
        ));
    }
    look(name).starts_with(&look(TOPIC_PREFIX)).then(of_a_topic)
}

/// A character as the Unicode standard names it.
fn code(found: char) -> String {
    format!("U+{:04X}", u32::from(found))
}

/// Whether a character shows nothing by itself: those of no width, and those that turn the direction
/// of the text, of which a skeleton keeps nothing; and what separates lines.
fn is_hidden(found: char) -> bool {
    matches!(found, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || skeleton(found.encode_utf8(&mut [0; 4])).next().is_none()
}

/// The first character of another script than those before it, with its script and one of theirs.
/// Chinese, Japanese and Korean are each written in several, and with Latin letters among them: that is
/// the level "highly restrictive" of Unicode's UTS 39.
fn stranger(name: &str) -> Option<(char, Script, Script)> {
    let (mut all, mut but_latin) = (AugmentedScriptSet::default(), AugmentedScriptSet::default());
    let mut first = None;
    for found in name.chars() {
        let scripts = AugmentedScriptSet::for_char(found);
        all.intersect_with(scripts);
        if !scripts.base.contains_script(Script::Latin) {
            but_latin.intersect_with(scripts);
        }
        let is_east_asian = but_latin.hanb || but_latin.jpan || but_latin.kore;
        if all.is_empty() && !is_east_asian {
            return Some((found, found.script(), first.unwrap_or(Script::Common)));
        }
        if !scripts.is_all() && first.is_none() {
            first = Some(found.script());
        }
    }
    None
}

/// How a name looks: the same for all that can hardly be told from each other, in any case.
fn look(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
    skeleton(&folded).flat_map(char::to_lowercase).collect()
}
