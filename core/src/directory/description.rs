//! What somebody can do: FIPA's description of an agent (SC00023), and finding it by example.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::facts::{Facts, Made};

/// What somebody can do, or, as an example, what somebody has to be able to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Description {
    pub capabilities: Vec<String>,
    pub services: Vec<Service>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub performatives: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ontologies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    #[serde(skip)]
    pub(super) made: Made,
}

/// One service that somebody offers. All but an example has a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Service {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ontologies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

/// The most capabilities, services and other entries of one list.
pub(super) const MAX_ENTRIES: usize = 256;
/// The longest description, in bytes of JSON.
pub(super) const MAX_BYTES: usize = 16 << 10;
/// What an agent says of a service that is kept as properties of it.
const PROPERTIES: [&str; 4] =
    ["description", "input_schema", "output_schema", "estimated_latency_ms"];

impl Description {
    /// What the program says of its own agents.
    pub fn of_capabilities(listed: Vec<String>) -> Self {
        let services = listed.iter().map(|name| Service::named(name)).collect();
        Description { capabilities: listed, services, ..Description::default() }
    }

    /// Joins what the deployer listed with what the agent says of itself, as the guide's
    /// `AgentCapabilities`. The deployer's list is a ceiling, so that code that nobody trusts cannot
    /// claim `payments` and receive its mail.
    pub fn declared(listed: &[String], said: Option<&[u8]>) -> Result<Self, String> {
        let mut description = match said {
            None => Description::default(),
            Some(json) => Self::said(json)?,
        };
        if listed.is_empty() {
            description.capabilities = description.service_names().map(ToOwned::to_owned).collect();
        } else {
            description
                .services
                .retain(|service| service.name.as_ref().is_some_and(|name| listed.contains(name)));
            description.capabilities = listed.to_vec();
        }
        Ok(description)
    }

    /// What an agent says of itself. Only the names of its services have to be there.
    fn said(json: &[u8]) -> Result<Self, String> {
        let mut said: Said = serde_json::from_slice(json).map_err(|wrong| wrong.to_string())?;
        said.services.truncate(MAX_ENTRIES);
        let [performatives, protocols, ontologies, languages] =
            [said.performatives, said.protocols, said.ontologies, said.languages].map(texts);
        let mut bytes = 0;
        let services = said.services.into_iter().map(|mut service| {
            let mut properties = Map::new();
            for name in PROPERTIES {
                if let Some(value) = service.rest.remove(name).filter(|value| !value.is_null()) {
                    bytes += name.len() + value.to_string().len();
                    properties.insert(name.to_owned(), value);
                }
            }
            // What is too long to be kept for everybody is left out, but for the name.
            if bytes > MAX_BYTES {
                properties.clear();
            }
            Service { properties, ..Service::named(&service.name) }
        });
        let services = services.collect();
        Ok(Description {
            services,
            performatives,
            protocols,
            ontologies,
            languages,
            ..Self::default()
        })
    }

    /// The names of its services.
    pub fn service_names(&self) -> impl Iterator<Item = &str> {
        self.services.iter().filter_map(|service| service.name.as_deref())
    }

    /// The same as facts, for finding.
    pub(super) fn facts(&self) -> &Facts {
        self.made.of(self)
    }

    /// What somebody can do who says this and `more`: of two services of one name the later counts.
    pub fn and(&self, more: &Description) -> Self {
        let named: HashSet<&str> = more.service_names().collect();
        let kept = self.services.iter();
        let kept = kept.filter(|it| it.name.as_ref().is_none_or(|name| !named.contains(&**name)));
        let offered: Vec<String> = more.service_names().map(ToOwned::to_owned).collect();
        Description {
            capabilities: union(&union(&self.capabilities, &more.capabilities), &offered),
            services: kept.chain(&more.services).cloned().collect(),
            performatives: union(&self.performatives, &more.performatives),
            protocols: union(&self.protocols, &more.protocols),
            ontologies: union(&self.ontologies, &more.ontologies),
            languages: union(&self.languages, &more.languages),
            made: Made::default(),
        }
    }
}

impl Service {
    pub fn named(name: &str) -> Self {
        Service { name: Some(name.to_owned()), ..Service::default() }
    }
}

/// The part of the guide's `AgentCapabilities` that the directory needs.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    services: Vec<SaidService>,
    #[serde(default)]
    performatives: Value,
    #[serde(default)]
    protocols: Value,
    #[serde(default)]
    ontologies: Value,
    #[serde(default)]
    languages: Value,
}

#[derive(Deserialize)]
struct SaidService {
    name: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Those of a list that are texts.
fn texts(list: Value) -> Vec<String> {
    let Value::Array(entries) = list else { return Vec::new() };
    let texts = entries.into_iter().filter_map(|entry| match entry {
        Value::String(text) => Some(text),
        _ => None,
    });
    texts.take(MAX_ENTRIES).collect()
}

fn union(one: &[String], other: &[String]) -> Vec<String> {
    let known: HashSet<&String> = one.iter().collect();
    let mut added = HashSet::new();
    let new = other.iter().filter(|text| !known.contains(text) && added.insert(*text));
    one.iter().chain(new).cloned().collect()
}
