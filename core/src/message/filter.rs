//! Filters: which messages, or which agents, somebody means.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::{Message, Performative};
use crate::error::{Error, ErrorKind, shown};

/// The most names and other texts in one filter, so that what somebody subscribed with stays small.
const MAX_NAMES: usize = 10_000;

/// A filter, as agents and scripts write it in JSON. All of its fields must match; each is a string
/// or an array of strings, any of which may match. `{}` matches everything that its owner may see.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// As it was written; empty for a filter that was not.
    json: Arc<str>,
    /// Sets, since a filter may list many names, and is asked for each message.
    fields: Vec<(Field, HashSet<String>)>,
    performatives: Option<Vec<Performative>>,
    /// All of these have to be among an agent's capabilities.
    pub(crate) capabilities: HashSet<String>,
    /// All of these have to be among the services that an agent offers.
    pub(crate) services: HashSet<String>,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Sender,
    Receiver,
    Protocol,
    Ontology,
    Language,
    ConversationId,
    Topic,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    performative: Option<OneOrMany>,
    sender: Option<OneOrMany>,
    receiver: Option<OneOrMany>,
    protocol: Option<OneOrMany>,
    ontology: Option<OneOrMany>,
    language: Option<OneOrMany>,
    conversation_id: Option<OneOrMany>,
    topic: Option<OneOrMany>,
    capabilities: Option<OneOrMany>,
    services: Option<OneOrMany>,
}

/// A text, or several of which any may match: [`MAX_NAMES`] at most, which are counted while they are read.
pub(crate) struct OneOrMany(Vec<String>);

impl Written {
    /// How many texts there are in it.
    fn len(&self) -> usize {
        let fields = [
            &self.performative,
            &self.sender,
            &self.receiver,
            &self.protocol,
            &self.ontology,
            &self.language,
            &self.conversation_id,
            &self.topic,
            &self.capabilities,
            &self.services,
        ];
        fields.into_iter().flatten().map(|texts| texts.0.len()).sum()
    }
}

impl OneOrMany {
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }

    fn into_set(self) -> HashSet<String> {
        self.0.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = OneOrMany;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a string or an array of strings")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
        Ok(OneOrMany(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut json: A) -> Result<OneOrMany, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = json.next_element()? {
            if texts.len() == MAX_NAMES {
                let text = format!("it lists more than {MAX_NAMES} names");
                return Err(de::Error::custom(text));
            }
            texts.push(text);
        }
        Ok(OneOrMany(texts))
    }
}

impl Filter {
    /// A filter that matches everything.
    pub fn everything() -> Self {
        Filter::default()
    }

    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is not JSON, not an object, or has a field that filters
    /// do not have.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        let wrong = |why: String| {
            Error::new(ErrorKind::InvalidArgument, format!("this is not a filter: {why}"))
        };
        let written: Written = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if written.len() > MAX_NAMES {
            return Err(wrong(format!("it lists more than {MAX_NAMES} names")));
        }
        let performatives = match written.performative {
            None => None,
            Some(names) => {
                let mut acts = Vec::new();
                for name in names.into_vec() {
                    let act = Performative::parse(&name).ok_or_else(|| {
                        let shown = shown(&name);
                        wrong(format!("{shown:?} is not one of FIPA's 22 communicative acts"))
                    })?;
                    if !acts.contains(&act) {
                        acts.push(act);
                    }
                }
                Some(acts)
            }
        };
        let fields = [
            (Field::Sender, written.sender),
            (Field::Receiver, written.receiver),
            (Field::Protocol, written.protocol),
            (Field::Ontology, written.ontology),
            (Field::Language, written.language),
            (Field::ConversationId, written.conversation_id),
            (Field::Topic, written.topic),
        ];
        Ok(Filter {
            json: std::str::from_utf8(json).unwrap_or_default().into(),
            fields: fields
                .into_iter()
                .filter_map(|(field, wanted)| Some((field, wanted?.into_set())))
                .collect(),
            performatives,
            capabilities: written.capabilities.map(OneOrMany::into_set).unwrap_or_default(),
            services: written.services.map(OneOrMany::into_set).unwrap_or_default(),
        })
    }

    /// Whether `message` matches, leaving aside what the filter says of agents.
    pub fn matches(&self, message: &Message) -> bool {
        self.matches_but(message, None, false)
    }

    /// The same with the receivers of the message as a set, where it has many, and without a look at its topics
    /// where one of them is known to match.
    pub(crate) fn matches_but(
        &self,
        message: &Message,
        receivers: Option<&HashSet<Box<str>>>,
        is_for_topic: bool,
    ) -> bool {
        if self.performatives.as_ref().is_some_and(|acts| !acts.contains(&message.performative())) {
            return false;
        }
        self.fields.iter().all(|(field, wanted)| {
            let is = |value: Option<&str>| value.is_some_and(|value| wanted.contains(value));
            match field {
                Field::Sender => is(Some(message.sender())),
                Field::Receiver => match receivers {
                    Some(receivers) if wanted.len() < receivers.len() => {
                        wanted.iter().any(|name| receivers.contains(name.as_str()))
                    }
                    Some(receivers) => receivers.iter().any(|receiver| is(Some(receiver))),
                    None => message.receivers().any(|receiver| is(Some(receiver))),
                },
                Field::Topic if is_for_topic => true,
                Field::Protocol => is(message.protocol()),
                Field::Ontology => is(message.ontology()),
                Field::Language => is(message.language()),
                Field::ConversationId => is(message.conversation_id()),
                Field::Topic => message
                    .receivers()
                    .filter_map(super::name::topic_of)
                    .any(|topic| is(Some(topic))),
            }
        })
    }

    /// Bytes that the filter takes in memory, about: its text, with the eighth by which an allocator may round
    /// it up, twice, since its names are kept apart from it; and each name in a set.
    pub(crate) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 256;
        const NAME: usize = 64;
        let sets = self.fields.iter().map(|(_, names)| names);
        let names =
            sets.chain([&self.capabilities, &self.services]).map(HashSet::len).sum::<usize>();
        OVERHEAD + 2 * (self.json.len() + self.json.len() / 8) + NAME * names
    }

    /// The filter as it was written.
    pub(crate) fn as_json(&self) -> &Arc<str> {
        &self.json
    }

    /// Number of capabilities and services that it lists.
    pub(crate) fn declared(&self) -> usize {
        self.capabilities.len() + self.services.len()
    }

    /// Returns true if the filter also says something of the agent behind a message.
    pub(crate) fn names_agents(&self) -> bool {
        self.declared() > 0
    }

    /// The names that it lists as `receiver`, if it does.
    pub(crate) fn receivers(&self) -> Option<&HashSet<String>> {
        let is_receiver = |field: &&(Field, _)| matches!(field.0, Field::Receiver);
        self.fields.iter().find(is_receiver).map(|(_, names)| names)
    }

    /// The topics that it lists, if it does: it matches messages for one of them only.
    pub(crate) fn topics(&self) -> Option<&HashSet<String>> {
        let is_topic = |field: &&(Field, _)| matches!(field.0, Field::Topic);
        self.fields.iter().find(is_topic).map(|(_, topics)| topics)
    }

    /// The same filter without `receiver`, and the names that it listed: how a broadcast reads it.
    pub(crate) fn split_receivers(mut self) -> (Self, Option<HashSet<String>>) {
        let at = self.fields.iter().position(|(field, _)| matches!(field, Field::Receiver));
        let names = at.map(|at| self.fields.swap_remove(at).1);
        (self, names)
    }
}
