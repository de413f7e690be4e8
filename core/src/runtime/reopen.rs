//! Bringing back what a store holds.

use std::sync::Arc;

use super::core::Core;
use super::dead_letter::DeadLetter;
use super::deploy::Newcomer;
use super::settings::Settings;
use super::wasm::Loaded;
use crate::agent::{Agent, AgentState, Kind, Letter, Restart, Starting, Timer};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::host_agent::HostAgent;
use crate::message::{Filter, Message};
use crate::sandbox::{Made, Template};
use crate::scheduler::Lane;
use crate::store::{Contents, DeadLetterRow, HostRow, LetterRow, StoredAgent};

impl Core {
    /// Brings back agents with all that they keep, messages and dead letters. The agents begin with
    /// their `agent_init`; timers that have come due meanwhile fire after it.
    pub fn bring_back(self: &Arc<Self>, contents: Contents) -> Result<(), Error> {
        let mut agents = Vec::with_capacity(contents.agents.len());
        for stored in contents.agents {
            let name = stored.row.name.clone();
            let agent = self.bring_back_agent(stored).map_err(|error| {
                let text =
                    format!("the agent {name:?} cannot be brought back: {}", error.message());
                Error::new(ErrorKind::Store, text)
            })?;
            agents.push(agent);
        }
        for host in contents.hosts {
            self.bring_back_host(host);
        }
        for letter in contents.letters {
            self.bring_back_letter(letter)?;
        }
        for letter in contents.dead_letters {
            let DeadLetterRow { row: id, at, agent, reason, message } = letter;
            let message = Message::restore(&message)?;
            self.dead_letters.push(DeadLetter { id, at, message, reason, agent });
        }
        for agent in agents {
            if agent.state() != AgentState::Failed && agent.mailbox.request_init() {
                self.scheduler.push(agent, Lane::outside());
            }
        }
        Ok(())
    }

    fn bring_back_agent(self: &Arc<Self>, stored: StoredAgent) -> Result<Arc<Agent>, Error> {
        let settings = Settings::from_json(&stored.row.settings)?;
        let template = Template::load(&self.engine, &stored.row.wasm)?;
        template.check_limits(&settings.limits)?;
        let loaded = Loaded { template, wasm: stored.row.wasm };
        let newcomer = Newcomer {
            serial: stored.row.serial,
            id: stored.row.id,
            name: stored.row.name,
            starting: Starting::Again,
        };
        let agent = self.enter(newcomer, &loaded, &settings)?;
        let holdings = &agent.face.holdings;
        holdings.count_from(stored.next_timer, stored.next_subscription);
        for (key, value) in stored.data {
            holdings.put(key, Some(value));
        }
        for (id, filter, in_init) in stored.subscriptions {
            let filter = Filter::read(filter.as_bytes())?;
            self.put_subscription(&agent, id, filter, made(in_init));
        }
        for (id, due, in_init) in stored.timers {
            self.set_timer(&agent, id, Timer { due, made: made(in_init) });
        }
        match stored.row.state.as_str() {
            "failed" if settings.restart != Restart::Always => {
                agent.set_state(AgentState::Failed);
                drop(agent.mailbox.fail());
            }
            "suspended" => agent.mailbox.pause().map_err(|gone| gone.to_error(agent.name()))?,
            _ => {}
        }
        Ok(agent)
    }

    /// A host agent whose handler has not been registered again: its messages wait for it.
    fn bring_back_host(self: &Arc<Self>, row: HostRow) {
        let host = Arc::new(HostAgent::new(self.clone(), &row, &self.limits));
        if self.directory.enter(Member::Host(host.clone())) {
            self.hosts.insert(host.serial, host);
        }
    }

    fn bring_back_letter(&self, row: LetterRow) -> Result<(), Error> {
        let message = Message::restore(&row.message)?;
        let kind = Kind::parse(&row.kind).ok_or_else(|| {
            Error::new(ErrorKind::Store, format!("a message has the unknown kind {:?}", row.kind))
        })?;
        let letter = Letter { row: Some(row.row), ..Letter::new(message, None, kind) };
        match self.directory.by_serial(row.to) {
            Some(Member::Agent(agent)) => agent.mailbox.restore(letter),
            Some(Member::Host(host)) => host.restore(letter),
            None => {
                let reason = "its receiver was not there any more when the store was opened";
                self.keep_dead(letter.message, reason, super::Post::outside());
            }
        }
        Ok(())
    }
}

fn made(in_init: bool) -> Made {
    if in_init { Made::InInit } else { Made::InTurn }
}
