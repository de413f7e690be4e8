//! How an agent is deployed: the options that several commands have.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use caxton::{Agent, Deploy, Grants, Limits, Runtime, Wasm};
use clap::Args;

use crate::fail::Failure;

/// One agent, on the command line.
#[derive(Args)]
pub struct Settings {
    /// The agent: a module or component, or its text format
    pub wasm: PathBuf,

    /// Its name
    #[arg(long, default_value = "agent")]
    pub name: String,

    /// One of its limits, as in max_memory_bytes=1048576, or =none to lift it; may come several times
    #[arg(long = "limit", value_name = "LIMIT=N")]
    limits: Vec<Limit>,

    /// What it may do besides, as a JSON object: send_to, observe, dirs, env, args, stdout, directory_admin
    #[arg(long, value_name = "JSON")]
    grants: Option<String>,

    /// What it finds in its stored data under `config`: any JSON
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
}

/// `NAME=VALUE`; no value lifts the limit.
#[derive(Debug, Clone, PartialEq)]
struct Limit(String, Option<u64>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or("expected a name and a number, as in max_timers=8")?;
        let value =
            match value {
                "none" => None,
                number => Some(number.parse().map_err(|_| {
                    format!("{number:?} is no whole number; `none` lifts the limit")
                })?),
            };
        if !Limits::NAMES.contains(&name) {
            return Err(format!(
                "there is no limit {name:?}; there are {}",
                Limits::NAMES.join(", ")
            ));
        }
        Ok(Limit(name.to_owned(), value))
    }
}

impl Settings {
    /// What is deployed.
    pub fn deploy(&self) -> Result<Deploy, Failure> {
        let mut deploy = Deploy::file(&self.wasm).name(&self.name).limits(self.limits()?);
        if let Some(grants) = &self.grants {
            deploy = deploy.grants(Grants::from_json(grants)?);
        }
        if let Some(config) = &self.config {
            deploy = deploy.config(config.as_bytes());
        }
        Ok(deploy)
    }

    fn limits(&self) -> Result<Limits, Failure> {
        let mut limits = Limits::default();
        for Limit(name, value) in &self.limits {
            limits.set(name, *value)?;
        }
        Ok(limits)
    }
}

/// Deploys an agent, or gives the one that a store has brought back under this name the code that its file
/// has now: that one keeps its data, limits and grants.
pub async fn deploy_or_replace(
    runtime: &Runtime,
    name: Option<&str>,
    wasm: &Path,
    deploy: Deploy,
) -> Result<Agent, caxton::Error> {
    match name.and_then(|name| runtime.agent_named(name).ok()) {
        Some(agent) => agent.replace(Wasm::file(wasm)).await.map(|()| agent),
        None => runtime.deploy(deploy).await,
    }
}

/// Seconds on the command line, with a fraction if need be.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{text}: {error}"))
}
