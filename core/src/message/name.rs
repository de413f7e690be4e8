//! Names of agents and topics.

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

/// Names that only the runtime itself may bear.
pub fn is_reserved(name: &str) -> bool {
    matches!(name, AMS | DF | HOST | EVERYBODY)
}

/// The topic that a receiver names, if it names one.
pub fn topic_of(receiver: &str) -> Option<&str> {
    receiver.strip_prefix(TOPIC_PREFIX)
}

/// Checks the shape of a name: 1 to 255 bytes, no control characters, no surrounding white space,
/// and not the form of a topic.
pub fn check(name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.len() > MAX_NAME_BYTES {
        format!("it is {} bytes long, and {MAX_NAME_BYTES} is the most", name.len())
    } else if name.chars().any(char::is_control) {
        "it holds a control character".to_owned()
    } else if name.trim() != name {
        "it begins or ends with white space".to_owned()
    } else if topic_of(name).is_some() {
        format!("names that begin with `{TOPIC_PREFIX}` are topics")
    } else {
        return Ok(());
    };
    let shown = shown(name);
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("{shown:?} cannot be the name of an agent: {wrong}"),
    ))
}
