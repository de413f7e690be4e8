//! Comparing what came with what a case expects.

use caxton::Error;
use serde_json::{Value, json};

/// Puts the long texts that `$repeat` and `$join` stand for in their places, and the arrays of `$list`.
pub fn expand(value: Value) -> Value {
    match value {
        Value::Object(object) => match (object.get("$repeat"), object.get("times")) {
            (Some(Value::String(text)), Some(times)) => {
                Value::String(text.repeat(times.as_u64().unwrap() as usize))
            }
            _ if object.contains_key("$join") => {
                let parts = object["$join"].as_array().cloned().unwrap_or_default();
                let text = |part| expand(part).as_str().unwrap_or_default().to_owned();
                Value::String(parts.into_iter().map(text).collect())
            }
            _ if object.contains_key("$list") => {
                let times = object["times"].as_u64().unwrap();
                (0..times).map(|n| numbered(&object["$list"], n)).collect()
            }
            _ => Value::Object(object.into_iter().map(|(k, v)| (k, expand(v))).collect()),
        },
        Value::Array(array) => Value::Array(array.into_iter().map(expand).collect()),
        other => other,
    }
}

/// The value with this number in place of each `#` in its texts.
fn numbered(value: &Value, number: u64) -> Value {
    match value {
        Value::String(text) => text.replace('#', &number.to_string()).into(),
        Value::Array(array) => array.iter().map(|value| numbered(value, number)).collect(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), numbered(value, number))).collect()
        }
        other => other.clone(),
    }
}

/// Checks `got`; `at` is where in the answer it stands.
pub fn compare(expected: &Value, got: Option<&Value>, at: &str) -> Result<(), String> {
    if let Some(object) = expected.as_object() {
        if let Some(part) = object.get("$contains") {
            let part = part.as_str().unwrap_or_default();
            return match got {
                Some(Value::String(text)) if text.contains(part) => Ok(()),
                _ => Err(format!("{at}: expected a text with {part:?}, got {}", show(got))),
            };
        }
        if object.contains_key("$any") {
            return got.map(|_| ()).ok_or_else(|| format!("{at}: expected something"));
        }
        if object.contains_key("$absent") {
            return match got {
                None => Ok(()),
                Some(_) => Err(format!("{at}: expected nothing, got {}", show(got))),
            };
        }
    }
    let Some(found) = got else {
        return Err(format!("{at}: expected {expected}, got nothing"));
    };
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .try_for_each(|(key, value)| compare(value, found.get(key), &format!("{at}.{key}"))),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            expected.iter().zip(found).enumerate().try_for_each(|(i, (value, found))| {
                compare(value, Some(found), &format!("{at}[{i}]"))
            })
        }
        _ if expected == found => Ok(()),
        _ => Err(format!("{at}: expected {expected}, got {}", show(got))),
    }
}

/// Checks an error.
pub fn compare_error(expected: &Value, error: &Error) -> Result<(), String> {
    let expected = expected.as_object().ok_or("`error` is an object")?;
    for (key, value) in expected {
        let (limit, used) = error.limit_and_used().unzip();
        let found = match key.as_str() {
            "code" => json!(error.code()),
            "limit_kind" => json!(error.limit_kind()),
            "limit" => json!(limit),
            "used" => json!(used),
            "text" => {
                let part = value.as_str().ok_or("`text` is a text")?;
                if error.message().contains(part) {
                    continue;
                }
                return Err(format!("the error says {:?}, without {part:?}", error.message()));
            }
            "missing" => {
                let part = value.as_str().ok_or("`missing` is a text")?;
                if error.missing().iter().any(|line| line.contains(part)) {
                    continue;
                }
                return Err(format!("{:?} has no line with {part:?}", error.missing()));
            }
            other => return Err(format!("unknown field {other:?} in `error`")),
        };
        compare(value, Some(&found), key).map_err(|wrong| format!("{wrong}, in {error:?}"))?;
    }
    if expected.contains_key("code") { Ok(()) } else { Err("`error` lacks `code`".to_owned()) }
}

fn show(value: Option<&Value>) -> String {
    let text = value.map_or("nothing".to_owned(), Value::to_string);
    if text.len() > 2000 { format!("{} bytes", text.len()) } else { text }
}
