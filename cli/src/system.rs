//! `caxton run`: a system of agents that a file describes.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use caxton::{
    Builder, Ceiling, CompileLimits, ContentLimits, Deploy, Durability, EventFilter, Filter,
    Grants, Limits, Performative, Protocols, Restart, Runtime, Sniffer,
};
use clap::Args;
use serde::Deserialize;

use crate::fail::{AGENT, Failure};
use crate::input::{Lines, read};
use crate::interrupt::{close, interrupted};
use crate::progress::Progress;
use crate::settings::{deploy_or_replace, seconds};
use crate::show::Show;

/// The columns of a line where nobody says how wide the terminal is.
const COLUMNS: usize = 120;

#[derive(Args)]
pub struct Run {
    /// The system, in TOML
    #[arg(long_help = HELP)]
    system: PathBuf,

    /// Show no messages, only what goes wrong
    #[arg(long, short)]
    quiet: bool,

    /// End once standard input has ended and its messages have been answered, in place of going on until Ctrl-C
    #[arg(long)]
    once: bool,

    /// How long to wait for an answer with --once, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

const HELP: &str = r#"The system, in TOML; paths are relative to the file:

    store = "agents.db"        # keeps agents, data, timers and messages; without it all is in memory
    durability = "full"        # or "relaxed"
    protocols = "observe"      # or "strict"
    name = "host"              # the sender of what is typed
    workers = 2
    max_agents = 12000

    [limits]                   # of all agents
    max_memory_bytes = 16777216

    [content_limits]
    max_keys = 20

    [ceiling.grants]           # the most that a store or `ams` may grant
    dirs = { "/data" = ["data", "ro"] }

    [ceiling.limits]
    max_memory_bytes = 16777216

    [compile_limits]           # of what compiling a module may cost, by estimate
    max_compile_millis = 800000

    [[agent]]
    name = "echo"
    module = "echo.wasm"
    capabilities = ["text"]
    restart = "on-failure"     # or "never", "always"
    config = { greeting = "hello" }
    limits = { max_timers = 8 }
    grants = { send_to = ["planner"], dirs = { "/data" = ["data", "ro"] } }

Lines of standard input are sent, each a message with its receiver, as JSON."#;

/// A system file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    store: Option<PathBuf>,
    durability: Option<String>,
    protocols: Option<String>,
    name: Option<String>,
    workers: Option<usize>,
    max_agents: Option<usize>,
    #[serde(default)]
    limits: BTreeMap<toml::Spanned<String>, LimitValue>,
    content_limits: Option<BTreeMap<toml::Spanned<String>, LimitValue>>,
    ceiling: Option<toml::Spanned<CeilingEntry>>,
    compile_limits: Option<BTreeMap<toml::Spanned<String>, LimitValue>>,
    #[serde(default, rename = "agent")]
    agents: Vec<toml::Spanned<Entry>>,
}

/// The most that agents may have of what this file does not say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CeilingEntry {
    grants: Option<serde_json::Value>,
    limits: Option<BTreeMap<toml::Spanned<String>, LimitValue>>,
}

/// One agent of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    module: PathBuf,
    #[serde(default)]
    capabilities: Vec<String>,
    restart: Option<String>,
    config: Option<serde_json::Value>,
    #[serde(default)]
    limits: BTreeMap<toml::Spanned<String>, LimitValue>,
    content_limits: Option<BTreeMap<toml::Spanned<String>, LimitValue>>,
    compile_limits: Option<BTreeMap<toml::Spanned<String>, LimitValue>>,
    grants: Option<serde_json::Value>,
}

/// A number, or `"none"`, which lifts a limit.
#[derive(Deserialize)]
#[serde(untagged)]
enum LimitValue {
    Number(u64),
    Text(String),
}

/// A system file that was read, for errors that say where.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => {
                Failure::wrong_use(format!("{}: this is no text", path.display()))
            }
            _ => Failure::wrong_use(format!("{}: {error}", path.display())),
        })?;
        Ok(File { path: path.to_owned(), text })
    }

    /// What is wrong at a place of the file, with the line.
    fn wrong(&self, at: usize, why: impl std::fmt::Display) -> Failure {
        Failure::wrong_use(format!("{}, line {}: {why}", self.path.display(), self.line(at)))
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(&self.text).matches('\n').count() + 1
    }

    fn system(&self) -> Result<System, Failure> {
        toml::from_str(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, error.message())
        })
    }

    /// A path in the file is relative to it.
    fn path(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn limits(
        &self,
        written: &BTreeMap<toml::Spanned<String>, LimitValue>,
        mut set: impl FnMut(&str, Option<u64>) -> Result<(), caxton::Error>,
    ) -> Result<(), Failure> {
        for (name, value) in written {
            let value = match value {
                LimitValue::Number(number) => Some(*number),
                LimitValue::Text(text) if text == "none" => None,
                LimitValue::Text(text) => {
                    let why = format!("{text:?} is no limit: expected a number or \"none\"");
                    return Err(self.wrong(name.span().start, why));
                }
            };
            set(name.get_ref(), value).map_err(|error| self.wrong(name.span().start, error))?;
        }
        Ok(())
    }

    fn builder(&self, system: &System) -> Result<Builder, Failure> {
        let mut limits = Limits::default();
        self.limits(&system.limits, |name, value| limits.set(name, value))?;
        let mut builder = Runtime::builder().limits(limits);
        if let Some(written) = &system.content_limits {
            let mut limits = ContentLimits::default();
            self.limits(written, |name, value| limits.set(name, value))?;
            builder = builder.content_limits(limits);
        }
        if let Some(spanned) = &system.ceiling {
            builder = builder.ceiling(self.ceiling(spanned.get_ref(), spanned.span().start)?);
        }
        if let Some(written) = &system.compile_limits {
            let mut limits = CompileLimits::default();
            self.limits(written, |name, value| limits.set(name, value))?;
            builder = builder.compile_limits(limits);
        }
        if let Some(store) = &system.store {
            builder = builder.store(self.path(store));
        }
        if let Some(durability) = &system.durability {
            builder = builder.durability(Durability::parse(durability)?);
        }
        if let Some(protocols) = &system.protocols {
            builder = builder.protocols(Protocols::parse(protocols)?);
        }
        if let Some(name) = &system.name {
            builder = builder.name(name);
        }
        if let Some(workers) = system.workers {
            builder = builder.workers(workers);
        }
        if let Some(max_agents) = system.max_agents {
            builder = builder.max_agents(max_agents);
        }
        Ok(builder)
    }

    fn ceiling(&self, entry: &CeilingEntry, at: usize) -> Result<Ceiling, Failure> {
        let ceiling = match &entry.grants {
            Some(grants) => Ceiling::new(self.grants(grants, at)?),
            None => Ceiling::default(),
        };
        let Some(written) = &entry.limits else { return Ok(ceiling) };
        let mut limits = Limits::default();
        self.limits(written, |name, value| limits.set(name, value))?;
        Ok(ceiling.limits(limits))
    }

    fn grants(&self, written: &serde_json::Value, at: usize) -> Result<Grants, Failure> {
        let mut grants =
            Grants::from_json(&written.to_string()).map_err(|error| self.wrong(at, error))?;
        for folder in &mut grants.dirs {
            folder.host = self.path(&folder.host);
        }
        Ok(grants)
    }

    fn deploy(&self, entry: &Entry, system: &System, at: usize) -> Result<Deploy, Failure> {
        let wrong = |error: caxton::Error| self.wrong(at, error);
        let mut limits = Limits::default();
        self.limits(&system.limits, |name, value| limits.set(name, value))?;
        self.limits(&entry.limits, |name, value| limits.set(name, value))?;
        let mut deploy =
            Deploy::file(self.path(&entry.module)).limits(limits).capabilities(&entry.capabilities);
        if let Some(name) = &entry.name {
            deploy = deploy.name(name);
        }
        if let Some(written) = &entry.content_limits {
            let mut limits = ContentLimits::default();
            self.limits(written, |name, value| limits.set(name, value))?;
            deploy = deploy.content_limits(limits);
        }
        if let Some(written) = &entry.compile_limits {
            let mut limits = CompileLimits::default();
            self.limits(written, |name, value| limits.set(name, value))?;
            deploy = deploy.compile_limits(limits);
        }
        if let Some(restart) = &entry.restart {
            deploy = deploy.restart(Restart::parse(restart).map_err(wrong)?);
        }
        if let Some(config) = &entry.config {
            deploy = deploy.config(config.to_string());
        }
        if let Some(grants) = &entry.grants {
            deploy = deploy.grants(self.grants(grants, at)?);
        }
        Ok(deploy)
    }
}

impl Run {
    pub async fn run(self, show: &mut Show) -> Result<(), Failure> {
        let file = File::read(&self.system)?;
        let system = file.system()?;
        let runtime = file.builder(&system)?.build()?;
        let done = tokio::select! {
            done = self.all(&runtime, &file, &system, show) => done,
            // That is how a system ends that is not to end by itself.
            () = interrupted() => if self.once { Err(Failure::interrupted()) } else { Ok(()) },
        };
        close(&runtime).await;
        done
    }

    async fn all(
        &self,
        runtime: &Runtime,
        file: &File,
        system: &System,
        show: &mut Show,
    ) -> Result<(), Failure> {
        let said = runtime.subscribe(Filter::everything())?;
        let wrong = br#"{"kind": ["dropped", "failed", "suspended", "forged_sender", "denied", "dead_letter", "store_failed", "violation", "deadline", "deadlock"]}"#;
        let events = runtime.events(EventFilter::read(wrong)?)?;
        deploy_all(runtime, file, system, show).await?;
        show.remark(format!("{} agents run", runtime.agents().len()));

        let mut lines = Lines::new();
        let mut sniffer = Sniffer::new(show.is_coloured(), COLUMNS);
        if std::io::stdin().is_terminal() {
            show.remark("messages, one a line: JSON with a receiver; Ctrl-C ends");
        }
        let (mut is_open, mut failed) = (true, None);
        loop {
            tokio::select! {
                biased;
                message = said.next() => match message {
                    Some(message) if !self.quiet => show.passing(&message, &mut sniffer)?,
                    Some(_) => {}
                    None => return Ok(()),
                },
                event = events.next() => if let Some(event) = event {
                    show.event(&event);
                },
                line = lines.next(), if is_open => match line? {
                    Some((line, from)) => {
                        let sent = self.send(runtime, &line, &from).await;
                        if let Err(failure) = sent {
                            show.failure(&failure);
                            failed = Some(Failure { text: String::new(), ..failure });
                        }
                    }
                    None => {
                        is_open = false;
                        if self.once {
                            break;
                        }
                    }
                },
            }
        }
        while let Some(message) = said.try_next() {
            if !self.quiet {
                show.passing(&message, &mut sniffer)?;
            }
        }
        while let Some(event) = events.try_next() {
            show.event(&event);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Sends a line; with --once its answer is waited for.
    async fn send(&self, runtime: &Runtime, line: &str, from: &str) -> Result<(), Failure> {
        let typed = read(line, Performative::Request, None, from)?;
        if !self.once || !typed.wants_answer() {
            return Ok(runtime.send(&typed.draft, self.timeout).await?);
        }
        match runtime.request(typed.draft).timeout(self.timeout).await {
            Ok(_) => Ok(()),
            Err(error) if error.reply().is_some() => {
                Err(Failure::new(AGENT, error.kind().code(), ""))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Deploys the agents of the file.
async fn deploy_all(
    runtime: &Runtime,
    file: &File,
    system: &System,
    show: &mut Show,
) -> Result<(), Failure> {
    for spanned in &system.agents {
        let (entry, at) = (spanned.get_ref(), spanned.span().start);
        let deploy = file.deploy(entry, system, at)?;
        let path = file.path(&entry.module);
        let _progress = Progress::begin(show, format!("compiling {}", path.display()));
        let done = deploy_or_replace(runtime, entry.name.as_deref(), &path, deploy).await;
        done.map_err(|error| {
            let text = format!("{}, line {}: {error}", file.path.display(), file.line(at));
            Failure { text, ..Failure::from(error) }
        })?;
    }
    Ok(())
}
