//! Reading what `ams` and `df` are asked: JSON of whoever sent it, all of it checked before it is
//! used, and its length before it is read.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::description::{Description, MAX_BYTES, MAX_ENTRIES, Service};
use super::reason::{Answered, Reason};
use crate::message::name::MAX_NAME_BYTES;

/// The fields of a request.
#[derive(Default)]
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Reads a content that may have `most` bytes.
    pub fn read(content: &'a str, most: usize) -> Answered<Self> {
        if content.len() > most {
            let error = format!("the content has {} bytes, and {most} is the most", content.len());
            return Err(Reason::unrecognised("content", error));
        }
        serde_json::from_str(content).map(Fields).map_err(|_| {
            let found = match content.as_bytes().first() {
                Some(b'"') => "a string",
                Some(b'[') => "an array",
                Some(b'n') => "null",
                Some(b't' | b'f') => "a boolean",
                _ => "a number",
            };
            let error = format!("the content is {found}, expected an object with an `action`");
            Reason::unrecognised_value(error)
        })
    }

    /// Reads an object that is a field of another.
    pub fn within(name: &str, json: &'a RawValue) -> Answered<Self> {
        serde_json::from_str(json.get()).map(Fields).map_err(|_| not_a(name, "an object"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.0.remove(name).filter(|value| value.get() != "null")
    }

    /// A text that has to be there.
    pub fn needed(&mut self, name: &str) -> Answered<String> {
        self.text(name)?.ok_or_else(|| Reason::missing(name))
    }

    pub fn text(&mut self, name: &str) -> Answered<Option<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| not_a(name, "a text"))
    }

    pub fn texts(&mut self, name: &str) -> Answered<Option<Vec<String>>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| not_a(name, "an array of texts"))
    }

    pub fn number(&mut self, name: &str, most: u64) -> Answered<Option<u64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match serde_json::from_str(value.get()) {
            Ok(number) if number <= most => Ok(Some(number)),
            _ => Err(not_a(name, &format!("a whole number from 0 to {most}"))),
        }
    }

    /// A description, and what is said beside it.
    pub fn description(&mut self, is_example: bool) -> Answered<Written> {
        const NAME: &str = "description";
        let Some(json) = self.take(NAME) else {
            return if is_example { Ok(Written::default()) } else { Err(Reason::missing(NAME)) };
        };
        let (length, most) = (json.get().len(), MAX_BYTES);
        if length > most {
            let error = format!("the description has {length} bytes, and {most} is the most");
            return Err(Reason::unrecognised(NAME, error));
        }
        match serde_json::from_str(json.get()) {
            Ok(Value::Object(object)) => Written::read(object, is_example),
            _ => Err(not_a(NAME, "an object")),
        }
    }

    /// Nothing else may be there.
    pub fn finish(self) -> Answered<()> {
        self.0.into_keys().next().map_or(Ok(()), |name| Err(Reason::unexpected(&name)))
    }
}

/// A description as somebody wrote it.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub name: Option<String>,
    pub description: Description,
    /// For how long it holds, in microseconds.
    pub lease_time: Option<u64>,
}

impl Written {
    fn read(object: Map<String, Value>, is_example: bool) -> Answered<Self> {
        let mut written = Written::default();
        let it = &mut written.description;
        for (key, value) in object {
            let at = format!("description.{key}");
            match key.as_str() {
                "name" => written.name = Some(text(&at, value)?),
                "services" => it.services = services(&at, value, is_example)?,
                "capabilities" => it.capabilities = texts(&at, value)?,
                "performatives" => it.performatives = texts(&at, value)?,
                "protocols" => it.protocols = texts(&at, value)?,
                "ontologies" => it.ontologies = texts(&at, value)?,
                "languages" => it.languages = texts(&at, value)?,
                "lease_time" if !is_example => {
                    let expected = "a number of microseconds above 0";
                    let time = value.as_u64().filter(|time| *time > 0);
                    written.lease_time = Some(time.ok_or_else(|| not_a(&at, expected))?);
                }
                _ => return Err(Reason::unexpected(&at)),
            }
        }
        Ok(written)
    }
}

fn services(at: &str, value: Value, is_example: bool) -> Answered<Vec<Service>> {
    let mut services = Vec::new();
    for (index, value) in list(at, value)?.into_iter().enumerate() {
        let at = format!("{at}[{index}]");
        let Value::Object(object) = value else {
            return Err(not_a(&at, "an object"));
        };
        let service = service(&at, object)?;
        if service.name.is_none() && !is_example {
            return Err(Reason::missing(&format!("{at}.name")));
        }
        services.push(service);
    }
    Ok(services)
}

fn service(at: &str, object: Map<String, Value>) -> Answered<Service> {
    let mut service = Service::default();
    for (key, value) in object {
        let at = format!("{at}.{key}");
        match key.as_str() {
            "name" => service.name = Some(text(&at, value)?),
            "type" => service.kind = Some(text(&at, value)?),
            "ownership" => service.ownership = Some(text(&at, value)?),
            "protocols" => service.protocols = texts(&at, value)?,
            "ontologies" => service.ontologies = texts(&at, value)?,
            "languages" => service.languages = texts(&at, value)?,
            "properties" => match value {
                Value::Object(properties) => service.properties = properties,
                _ => return Err(not_a(&at, "an object")),
            },
            _ => return Err(Reason::unexpected(&at)),
        }
    }
    Ok(service)
}

fn list(at: &str, value: Value) -> Answered<Vec<Value>> {
    let Value::Array(entries) = value else {
        return Err(not_a(at, "an array"));
    };
    if entries.len() > MAX_ENTRIES {
        let error = format!("`{at}` has {} entries, and {MAX_ENTRIES} is the most", entries.len());
        return Err(Reason::unrecognised(at, error));
    }
    Ok(entries)
}

fn texts(at: &str, value: Value) -> Answered<Vec<String>> {
    let entries = list(at, value)?.into_iter().enumerate();
    entries.map(|(index, value)| text(&format!("{at}[{index}]"), value)).collect()
}

fn text(at: &str, value: Value) -> Answered<String> {
    match value {
        Value::String(text) if (1..=MAX_NAME_BYTES).contains(&text.len()) => Ok(text),
        _ => Err(not_a(at, &format!("a text of 1 to {MAX_NAME_BYTES} bytes"))),
    }
}

fn not_a(at: &str, expected: &str) -> Reason {
    Reason::unrecognised(at, format!("`{at}` is not {expected}"))
}
