//! Options as the TypeScript layer hands them over: checked for their types, not for their meaning.

use std::time::Duration;

use caxton::{
    Ceiling, CompileLimits, ContentLimits, Deploy, Error, ErrorKind, Grants, Limits, Restart, Wasm,
};
use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

use crate::fault::Fault;

/// One limit by its JavaScript name; without a value it is lifted.
#[napi(object)]
pub struct LimitOption {
    pub name: String,
    pub value: Option<f64>,
}

/// One limit of an agent; without a value there is none.
#[napi(object, object_from_js = false)]
pub struct LimitInForce {
    pub name: String,
    pub value: Option<f64>,
}

/// How a runtime is to be.
#[napi(object)]
pub struct RuntimeOptions {
    pub name: Option<String>,
    pub limits: Option<Vec<LimitOption>>,
    pub content_limits: Option<Vec<LimitOption>>,
    pub compile_limits: Option<Vec<LimitOption>>,
    pub workers: Option<f64>,
    pub max_agents: Option<f64>,
    pub seed: Option<f64>,
    pub store: Option<String>,
    pub ceiling: Option<CeilingOption>,
    pub durability: Option<String>,
    pub protocols: Option<String>,
    pub profile: Option<String>,
}

/// The most that agents may have of what no call of the program grants.
#[napi(object)]
pub struct CeilingOption {
    /// JSON.
    pub grants: Option<String>,
    pub limits: Option<Vec<LimitOption>>,
}

/// What is deployed, and how.
#[napi(object)]
pub struct DeployOptions {
    pub name: Option<String>,
    pub limits: Option<Vec<LimitOption>>,
    pub content_limits: Option<Vec<LimitOption>>,
    pub compile_limits: Option<Vec<LimitOption>>,
    pub capabilities: Option<Vec<String>>,
    pub restart: Option<String>,
    /// JSON.
    pub grants: Option<String>,
    /// JSON.
    pub config: Option<String>,
    /// The module is a path, even if it looks like the text format.
    pub is_path: Option<bool>,
}

/// A module: a path, the text format, or bytes.
pub type PathOrBytes = Either<String, Uint8Array>;

/// `max_memory_bytes` as JavaScript has it: `maxMemoryBytes`.
pub fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut words = name.split('_');
    camel.push_str(words.next().unwrap_or_default());
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// The limits that somebody gave; the others have their defaults.
pub fn limits(given: Option<Vec<LimitOption>>) -> Result<Option<Limits>, Box<Fault>> {
    let Some(given) = given else { return Ok(None) };
    let mut limits = Limits::default();
    read(given, Limits::NAMES, |name, value| limits.set(name, value))?;
    Ok(Some(limits))
}

/// The ceiling that somebody gave.
pub fn ceiling(given: CeilingOption) -> Result<Ceiling, Box<Fault>> {
    let grants = given.grants.as_deref().map_or(Ok(Grants::default()), Grants::from_json);
    let ceiling = Ceiling::new(grants.map_err(Fault::from)?);
    Ok(match limits(given.limits)? {
        Some(limits) => ceiling.limits(limits),
        None => ceiling,
    })
}

/// The same of limits of content.
pub fn content_limits(
    given: Option<Vec<LimitOption>>,
) -> Result<Option<ContentLimits>, Box<Fault>> {
    let Some(given) = given else { return Ok(None) };
    let mut limits = ContentLimits::default();
    read(given, ContentLimits::NAMES, |name, value| limits.set(name, value))?;
    Ok(Some(limits))
}

/// The same of limits of compiling.
pub fn compile_limits(
    given: Option<Vec<LimitOption>>,
) -> Result<Option<CompileLimits>, Box<Fault>> {
    let Some(given) = given else { return Ok(None) };
    let mut limits = CompileLimits::default();
    read(given, CompileLimits::NAMES, |name, value| limits.set(name, value))?;
    Ok(Some(limits))
}

/// Hands each limit to `set` by the core's name.
fn read(
    given: Vec<LimitOption>,
    names: &[&str],
    mut set: impl FnMut(&str, Option<u64>) -> Result<(), Error>,
) -> Result<(), Box<Fault>> {
    for LimitOption { name, value } in given {
        let Some(known) = names.iter().find(|known| camel_case(known) == name) else {
            let names: Vec<String> = names.iter().map(|name| camel_case(name)).collect();
            let shown: String = name.chars().take(64).collect();
            let text = format!("there is no limit {shown:?}; there are {}", names.join(", "));
            return Err(Box::new(Fault::new(ErrorKind::InvalidArgument, text)));
        };
        let value = value.map(|value| value as u64);
        set(known, value).map_err(Fault::from)?;
    }
    Ok(())
}

/// The limits of an agent, all of them, in the core's order.
pub fn limits_in_force(limits: &Limits) -> Vec<LimitInForce> {
    in_force(Limits::NAMES, |name| limits.get(name))
}

/// The same of limits of content.
pub fn content_limits_in_force(limits: &ContentLimits) -> Vec<LimitInForce> {
    in_force(ContentLimits::NAMES, |name| limits.get(name))
}

fn in_force(names: &[&str], get: impl Fn(&str) -> Option<u64>) -> Vec<LimitInForce> {
    let one = |name: &&str| LimitInForce {
        name: camel_case(name),
        value: get(name).map(|value| value as f64),
    };
    names.iter().map(one).collect()
}

/// The defaults of all limits.
#[napi(catch_unwind)]
pub fn default_limits() -> Vec<LimitInForce> {
    limits_in_force(&Limits::default())
}

/// The defaults of all limits of content.
#[napi(catch_unwind)]
pub fn default_content_limits() -> Vec<LimitInForce> {
    content_limits_in_force(&ContentLimits::default())
}

/// The defaults of all limits of compiling.
#[napi(catch_unwind)]
pub fn default_compile_limits() -> Vec<LimitInForce> {
    let limits = CompileLimits::default();
    in_force(CompileLimits::NAMES, |name| limits.get(name))
}

/// Milliseconds, or for ever.
pub fn timeout(millis: Option<f64>) -> Option<Duration> {
    // What is too long for a `Duration` is for ever.
    millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok())
}

pub fn module(wasm: PathOrBytes, is_path: bool) -> Wasm {
    match wasm {
        Either::A(path) if is_path => Wasm::file(path),
        Either::A(text) => Wasm::path_or_text(&text),
        Either::B(bytes) => Wasm::bytes(bytes.to_vec()),
    }
}

pub fn deploy(wasm: PathOrBytes, options: DeployOptions) -> Result<Deploy, Box<Fault>> {
    let mut deploy = Deploy::new(module(wasm, options.is_path.unwrap_or(false)));
    if let Some(name) = options.name {
        deploy = deploy.name(name);
    }
    if let Some(limits) = limits(options.limits)? {
        deploy = deploy.limits(limits);
    }
    if let Some(limits) = content_limits(options.content_limits)? {
        deploy = deploy.content_limits(limits);
    }
    if let Some(limits) = compile_limits(options.compile_limits)? {
        deploy = deploy.compile_limits(limits);
    }
    if let Some(restart) = options.restart {
        deploy = deploy.restart(Restart::parse(&restart).map_err(Fault::from)?);
    }
    if let Some(grants) = options.grants {
        deploy = deploy.grants(Grants::from_json(&grants).map_err(Fault::from)?);
    }
    if let Some(config) = options.config {
        deploy = deploy.config(config);
    }
    Ok(deploy.capabilities(options.capabilities.unwrap_or_default()))
}
