//! Which conversations are meant.

use serde::Deserialize;

use super::protocol::Protocol;
use super::record::Record;
use super::view::ConversationState;
use crate::error::{Error, ErrorKind};
use crate::message::OneOrMany;

/// Which conversations are meant; without anything said all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    protocols: Vec<Protocol>,
    states: Vec<ConversationState>,
    initiators: Vec<String>,
    agents: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    protocol: Option<OneOrMany>,
    state: Option<OneOrMany>,
    initiator: Option<OneOrMany>,
    agent: Option<OneOrMany>,
}

impl ConversationFilter {
    /// Every conversation.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Reads a filter: a JSON object with `protocol`, `state` (`open`, `ended`, `abandoned`),
    /// `initiator`, and `agent`, who takes part on whichever side; each a string or an array of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is something else, or names a protocol or a state that is
    /// none.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        let written: Written = serde_json::from_slice(json).map_err(|wrong| {
            let text = format!("this is no filter of conversations: {wrong}");
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        let texts = |field: Option<OneOrMany>| field.map(OneOrMany::into_vec).unwrap_or_default();
        let protocols = texts(written.protocol);
        let states = texts(written.state);
        Ok(ConversationFilter {
            protocols: protocols
                .iter()
                .map(|text| Protocol::parse(text))
                .collect::<Result<_, _>>()?,
            states: states
                .iter()
                .map(|text| ConversationState::parse(text))
                .collect::<Result<_, _>>()?,
            initiators: texts(written.initiator),
            agents: texts(written.agent),
        })
    }

    pub(super) fn wants(&self, record: &Record) -> bool {
        let takes_part = |name: &String| {
            *record.initiator == **name
                || record.pairs.iter().any(|pair| *pair.asked == **name || *pair.asker == **name)
        };
        (self.protocols.is_empty() || self.protocols.contains(&record.protocol))
            && (self.states.is_empty() || self.states.contains(&record.state))
            && (self.initiators.is_empty()
                || self.initiators.iter().any(|name| *record.initiator == **name))
            && (self.agents.is_empty() || self.agents.iter().any(takes_part))
    }
}
