//! Bringing back what a store holds: first all of it is checked, then all of it is entered.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Post;
use super::core::{Core, Party};
use super::dead_letter::DeadLetter;
use super::deploy::Newcomer;
use super::settings::{Declared, Settings, host_registration};
use super::wasm::Loaded;
use crate::agent::{Agent, AgentState, Alarm, Kind, Lane, Letter, Restart, Starting, Timer};
use crate::compile_limits::CompileLimits;
use crate::datum::Datum;
use crate::directory::{Member, Registration};
use crate::error::{Error, ErrorKind, shown};
use crate::grants::{Access, bounded, confine};
use crate::host_agent::HostAgent;
use crate::message::{Filter, Message, name};
use crate::sandbox::{Lease, Made, Template};
use crate::store::{
    AgentRow, Contents, DeadLetterRow, HostRow, LetterRow, Row, Serial, StoredAgent,
};

/// What is checked against what a store holds.
pub(super) struct Restore<'a> {
    pub engine: &'a Lease,
    /// The name under which the program speaks.
    pub name: &'a str,
    /// The most agents.
    pub most: usize,
    pub compile_limits: &'a CompileLimits,
}

/// What a store holds, all of it as it should be.
pub(crate) struct Restored {
    agents: Vec<RestoredAgent>,
    hosts: Vec<(HostRow, Option<Registration>)>,
    /// With their receivers.
    letters: Vec<(Row, Serial, Kind, Message)>,
    dead_letters: Vec<DeadLetter>,
}

impl Restored {
    /// Folders that its agents may write, as far as they are let.
    pub fn writable(&self) -> impl Iterator<Item = PathBuf> {
        let folders = self.agents.iter().flat_map(|agent| &agent.settings.grants.dirs);
        let written = folders.filter(|folder| folder.access == Access::ReadWrite);
        written.map(|folder| folder.host.clone())
    }
}

struct RestoredAgent {
    row: AgentRow,
    settings: Settings,
    registered: Option<Registration>,
    template: Arc<Template>,
    data: Vec<Datum>,
    timers: Vec<(u32, Timer)>,
    subscriptions: Vec<(u32, Filter, Made)>,
    next_timer: u32,
    next_subscription: u32,
}

impl Restore<'_> {
    /// Checks all that a store holds.
    pub fn check(&self, contents: Contents) -> Result<Restored, Error> {
        let count = contents.agents.len();
        if count > self.most {
            let most = self.most;
            return Err(wrong(format!("it holds {count} agents, and max_agents is {most}")));
        }
        self.check_members(&contents)?;
        let messages = Messages::read(&contents)?;
        let agents = contents.agents.into_iter().map(|stored| {
            let name = shown(&stored.row.name);
            self.agent(stored).map_err(|error| error.about(format!("the agent {name:?}")))
        });
        let agents = agents.collect::<Result<_, _>>()?;
        let letters = contents.letters.into_iter().map(|letter| {
            let LetterRow { row, to, kind, message } = letter;
            let kind = Kind::parse(&kind);
            let kind = kind.ok_or_else(|| wrong(format!("letter {row} has an unknown kind")))?;
            Ok((row, to, kind, messages.named(message)?))
        });
        let letters = letters.collect::<Result<_, Error>>()?;
        let dead_letters = contents.dead_letters.into_iter().map(|letter| {
            let DeadLetterRow { row: id, at, agent, reason, message } = letter;
            let message = messages.named(message)?;
            Ok(DeadLetter { id, at, message, reason, agent, caused_by: None })
        });
        let dead_letters = dead_letters.collect::<Result<_, Error>>()?;
        let hosts = contents.hosts.into_iter().map(|host| {
            let registered = host_registration(&host.settings)
                .map_err(|error| error.about(format!("the host agent {:?}", shown(&host.name))))?;
            Ok((host, registered))
        });
        let hosts = hosts.collect::<Result<_, Error>>()?;
        Ok(Restored { agents, hosts, letters, dead_letters })
    }

    /// Checks that names are allowed, and that no two members have the same name, id or number.
    fn check_members(&self, contents: &Contents) -> Result<(), Error> {
        let agents = contents.agents.iter();
        let agents = agents.map(|agent| (agent.row.serial, &agent.row.name, &agent.row.id));
        let hosts = contents.hosts.iter().map(|host| (host.serial, &host.name, &host.id));
        let (mut serials, mut names) = (HashSet::new(), HashSet::new());
        for (serial, name, id) in agents.chain(hosts) {
            name::check_stored(name)?;
            if **name == *self.name {
                return Err(wrong(format!(
                    "an agent is called {name:?}, which is a name of this program; choose another for \
                     the program"
                )));
            }
            let id_shown = shown(id);
            if !serials.insert(serial) {
                return Err(wrong(format!("two agents have the serial {serial}")));
            }
            if !names.insert(name.clone()) {
                return Err(wrong(format!("two agents have {name:?} as name or id")));
            }
            if id.is_empty() || !names.insert(id.clone()) {
                return Err(wrong(format!("the id {id_shown:?} of {name:?} is not its own")));
            }
        }
        Ok(())
    }

    fn agent(&self, stored: StoredAgent) -> Result<RestoredAgent, Error> {
        let (settings, registered) = Settings::from_json(&stored.row.settings)?;
        let template = Template::load_now(self.engine, &stored.row.wasm, self.compile_limits)?;
        if template.hash != stored.row.hash {
            return Err(wrong("its module is not the one that was deployed".to_owned()));
        }
        template.check_limits(&settings.limits)?;
        let subscriptions = stored.subscriptions.into_iter();
        let subscriptions = subscriptions.map(|(id, filter, in_init)| {
            let filter = Filter::read(filter.as_bytes());
            let filter = filter.map_err(|error| error.about(format!("subscription {id}")))?;
            Ok((id, filter, made(in_init)))
        });
        let timers = stored.timers.into_iter();
        let timers = timers.map(|(id, due, in_init)| (id, Timer { due, made: made(in_init) }));
        Ok(RestoredAgent {
            settings,
            registered,
            template,
            data: stored.data,
            timers: timers.collect(),
            subscriptions: subscriptions.collect::<Result<_, Error>>()?,
            next_timer: stored.next_timer,
            next_subscription: stored.next_subscription,
            row: stored.row,
        })
    }
}

impl Core {
    /// Brings back agents with all that they keep, messages and dead letters. The agents begin with
    /// their `agent_init`; timers that have come due meanwhile fire after it.
    pub(super) fn bring_back(self: &Arc<Self>, restored: Restored) -> Result<(), Error> {
        let mut agents = Vec::with_capacity(restored.agents.len());
        let mut members = HashMap::new();
        for stored in restored.agents {
            let timers: Vec<_> = stored.timers.iter().map(|(id, timer)| (*id, timer.due)).collect();
            let agent = self.bring_back_agent(stored)?;
            members.insert(agent.face.serial, Member::Agent(agent.clone()));
            agents.push((agent, timers));
        }
        for service in self.services() {
            members.insert(service.serial, Member::Host(service));
        }
        for (host, registered) in restored.hosts {
            // Its handler has not been registered again: its messages wait for it.
            let host = HostAgent::new(self.clone(), &host, &self.limits);
            let member = Member::Host(host.clone());
            if let Ok(Some(why)) = name::check_stored(&host.name) {
                let name = shown(&host.name);
                tracing::warn!(%name, "a host agent of the store has a name that is not allowed: {why}");
                self.held.fetch_add(1, Ordering::AcqRel);
            }
            if self.directory.enter(member.clone()) {
                if let Some(registered) = registered {
                    self.restore_registration(&member, registered);
                }
                members.insert(host.serial, member);
                self.hosts.insert(host.serial, host);
            }
        }
        // The oldest are dead letters first, as they were.
        for letter in restored.dead_letters {
            let gone = self.show_dead(letter);
            self.delete_dead(gone, Party::AMS.0);
        }
        for (row, to, kind, message) in restored.letters {
            let letter = Letter { row: Some(row), ..Letter::new(message, None, kind) };
            if let (Some(member), Kind::Direct) = (members.get(&to), kind) {
                self.follow_again(&letter.message, member.name());
            }
            match members.get(&to) {
                Some(Member::Agent(agent)) => agent.mailbox.restore(letter),
                Some(Member::Host(host)) => host.restore(letter),
                None => self.give_up(letter),
            }
        }
        for service in self.services() {
            service.serve();
        }
        // Nobody runs before all members and their mail are there: what they send would not arrive, and
        // mailboxes would look empty.
        for (agent, _) in &agents {
            let begins = agent.state() != AgentState::Failed && agent.missing().is_none();
            if begins && agent.mailbox.request_init() {
                agent.schedule(Lane::outside());
            }
        }
        // An init may have ended one meanwhile: its alarm rings for nothing.
        for (agent, timers) in agents {
            for (id, due) in timers {
                self.timers.set(due, &agent, Alarm::Timer(id));
            }
        }
        Ok(())
    }

    fn bring_back_agent(self: &Arc<Self>, stored: RestoredAgent) -> Result<Arc<Agent>, Error> {
        let RestoredAgent { row, settings: declared, template, registered, .. } = stored;
        // What the store says counts as far as this program lets it.
        let ceiling = self.ceiling.as_ref();
        let confined = confine(ceiling, &declared.grants, &|| self.private_paths());
        let settings = Settings {
            limits: bounded(ceiling, &declared.limits),
            grants: Arc::new(confined.grants),
            declared: Some(Arc::new(Declared { limits: declared.limits, grants: declared.grants })),
            ..declared
        };
        let loaded = Loaded { template, wasm: row.wasm };
        let newcomer = Newcomer {
            serial: row.serial,
            id: row.id,
            name: row.name,
            starting: Starting::Again,
            folders: confined.folders.into(),
        };
        let agent = self.enter(newcomer, &loaded, &settings)?;
        if let Some(registered) = registered {
            self.restore_registration(&Member::Agent(agent.clone()), registered);
        }
        let holdings = &agent.face.holdings;
        holdings.count_from(stored.next_timer, stored.next_subscription);
        for datum in stored.data {
            holdings.put(datum);
        }
        for (id, filter, made) in stored.subscriptions {
            self.put_subscription(&agent, id, filter, made);
        }
        for (id, timer) in stored.timers {
            holdings.set_timer(id, timer, &agent.face.account);
        }
        let mut missing = confined.missing;
        missing.extend(agent.unfit());
        if !missing.is_empty() {
            let stored = match row.state.as_str() {
                "failed" => AgentState::Failed,
                "suspended" => AgentState::Suspended,
                _ => AgentState::Active,
            };
            agent.hold(missing, stored);
        }
        match row.state.as_str() {
            "failed" if settings.restart != Restart::Always => {
                agent.set_state(AgentState::Failed);
                drop(agent.mailbox.fail());
            }
            "suspended" => agent.mailbox.pause().map_err(|gone| gone.to_error(agent.name()))?,
            _ => {}
        }
        Ok(agent)
    }

    /// A message whose receiver did not outlive its sender.
    fn give_up(&self, letter: Letter) {
        self.alone(Post::outside(), |post| {
            let letter = letter.unhold(post);
            let reason = "its receiver was not there any more when the store was opened";
            self.keep_dead(letter.message, reason, post);
        });
    }
}

/// The messages of a store, each read once, however many letters name it.
struct Messages(HashMap<Row, Message>);

impl Messages {
    fn read(contents: &Contents) -> Result<Self, Error> {
        let mut names: HashMap<Row, u32> = HashMap::new();
        let of_letters = contents.letters.iter().map(|letter| letter.message);
        for row in of_letters.chain(contents.dead_letters.iter().map(|letter| letter.message)) {
            *names.entry(row).or_default() += 1;
        }
        let messages = contents.messages.iter().map(|(row, json)| {
            let message = Message::restore(json);
            let message = message.map_err(|error| error.about(format!("message {row}")))?;
            message.kept().restore(*row, names.get(row).copied().unwrap_or(0));
            Ok((*row, message))
        });
        Ok(Messages(messages.collect::<Result<_, Error>>()?))
    }

    fn named(&self, row: Row) -> Result<Message, Error> {
        let missing = || wrong(format!("message {row} is missing"));
        self.0.get(&row).cloned().ok_or_else(missing)
    }
}

fn wrong(text: String) -> Error {
    Error::new(ErrorKind::Store, text)
}

fn made(in_init: bool) -> Made {
    if in_init { Made::InInit } else { Made::InTurn }
}
