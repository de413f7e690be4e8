//! What the deployer said of an agent, beside its module and its name, and what a member has
//! registered with `df`; kept in the store as JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::agent::Restart;
use crate::directory::Registration;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;
use crate::limits::Limits;
use crate::message::ContentLimits;

/// What the deployer said of an agent.
#[derive(Clone)]
pub(crate) struct Settings {
    pub limits: Arc<Limits>,
    pub content_limits: Option<Arc<ContentLimits>>,
    pub capabilities: Vec<String>,
    pub restart: Restart,
    pub grants: Arc<Grants>,
    /// The id of the agent that deployed it through `ams`: the two share their accounts.
    pub deployer: Option<Arc<str>>,
    /// What the store said of limits and grants, where not all of it counts.
    pub declared: Option<Arc<Declared>>,
}

/// What a store says of limits and grants, which it goes on to say.
pub(crate) struct Declared {
    pub limits: Arc<Limits>,
    pub grants: Arc<Grants>,
}

/// The same as a store keeps it. A limit that is `null` is lifted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    limits: Map<String, Value>,
    content_limits: Option<Map<String, Value>>,
    capabilities: Vec<String>,
    restart: String,
    grants: Grants,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployer: Option<String>,
    /// What the agent has registered with `df`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<Registration>,
}

/// What a store keeps of a host agent, beside its name.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHost {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<Registration>,
}

/// What a store keeps of a host agent: what it has registered with `df`.
pub(crate) fn host_settings(registered: Option<&Registration>) -> String {
    let written = WrittenHost { registered: registered.cloned() };
    serde_json::to_string(&written).unwrap_or_default()
}

/// What a host agent of a store has registered.
pub(crate) fn host_registration(json: &str) -> Result<Option<Registration>, Error> {
    let written: WrittenHost = serde_json::from_str(json).map_err(unreadable)?;
    Ok(written.registered)
}

fn unreadable(wrong: serde_json::Error) -> Error {
    Error::new(ErrorKind::Store, format!("its settings cannot be read: {wrong}"))
}

impl Settings {
    /// What a store keeps, with what the agent has registered.
    pub fn to_json(&self, registered: Option<&Registration>) -> String {
        let (limits, grants) = match &self.declared {
            Some(declared) => (&declared.limits, &declared.grants),
            None => (&self.limits, &self.grants),
        };
        let written = Written {
            limits: by_name(Limits::NAMES, |name| limits.get(name)),
            content_limits: self
                .content_limits
                .as_ref()
                .map(|limits| by_name(ContentLimits::NAMES, |name| limits.get(name))),
            capabilities: self.capabilities.clone(),
            restart: self.restart.as_str().to_owned(),
            grants: Grants::clone(grants),
            deployer: self.deployer.as_deref().map(str::to_owned),
            registered: registered.cloned(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads what a store has kept; also what the agent had registered.
    pub fn from_json(json: &str) -> Result<(Self, Option<Registration>), Error> {
        let written: Written = serde_json::from_str(json).map_err(unreadable)?;
        let mut limits = Limits::default();
        for (name, value) in &written.limits {
            limits.set(name, figure(value)?)?;
        }
        limits.check()?;
        written.grants.check()?;
        let content_limits = match written.content_limits {
            None => None,
            Some(figures) => {
                let mut limits = ContentLimits::default();
                for (name, value) in &figures {
                    limits.set(name, figure(value)?)?;
                }
                limits.check()?;
                Some(Arc::new(limits))
            }
        };
        let settings = Settings {
            limits: Arc::new(limits),
            content_limits,
            capabilities: written.capabilities,
            restart: Restart::parse(&written.restart)?,
            grants: Arc::new(written.grants),
            deployer: written.deployer.map(Into::into),
            declared: None,
        };
        Ok((settings, written.registered))
    }
}

fn by_name(names: &[&str], get: impl Fn(&str) -> Option<u64>) -> Map<String, Value> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), get(name).map_or(Value::Null, Value::from)))
        .collect()
}

fn figure(value: &Value) -> Result<Option<u64>, Error> {
    match value {
        Value::Null => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Store, format!("a limit is {value}, expected a number"))
        }),
    }
}
