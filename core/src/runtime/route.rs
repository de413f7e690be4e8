//! The way of a message from who sent it to who receives it.

use std::sync::Arc;

use super::ask::Ask;
use super::core::{Core, Party};
use super::posting::Post;
use crate::agent::{Agent, Letter, Refusal};
use crate::directory::Member;
use crate::message::Message;
use crate::store::Change;

impl Core {
    /// Delivers a letter to a member whom it names, or says why that is not possible.
    pub fn deliver_named(&self, from: Party, to: &Member, letter: Letter, post: Post<'_>) {
        if let Member::Agent(agent) = to
            && let Err(error) = agent.check_content(&letter.message)
        {
            self.report_content(&letter, agent, &error, post);
            return;
        }
        let ask = self.passed_on(from, to, &letter.message, letter.ask.as_ref());
        if let Err((refusal, letter)) = self.deliver(to, Letter { ask, ..letter }, post) {
            self.report_refusal(&letter, to.name(), refusal, post);
        }
    }

    /// The ask that `message` is part of. Where it keeps what an answer names, its receiver may
    /// answer the asker.
    pub fn passed_on(
        &self,
        from: Party,
        to: &Member,
        message: &Message,
        ask: Option<&Arc<Ask>>,
    ) -> Option<Arc<Ask>> {
        let kept = match ask {
            Some(ask) if ask.is_kept_by(message) => Some(ask.clone()),
            _ if self.asks.is_empty() => None,
            _ => self.asks.passed_on(message),
        };
        if let Some(kept) = &kept {
            kept.pass_on(from.0, to.serial());
        }
        kept.or_else(|| ask.cloned())
    }

    /// Puts a letter into the mailbox of a member. In a runtime with a store it waits there until
    /// its posting is on disk.
    pub fn deliver(
        &self,
        to: &Member,
        letter: Letter,
        post: Post<'_>,
    ) -> Result<(), (Refusal, Letter)> {
        self.alone(post, |post| {
            let letter = self.hold_letter(to, letter, post);
            self.put(to, letter, post).map_err(|(refusal, letter)| (refusal, letter.unhold(post)))
        })
        .0
    }

    /// Writes a letter down for its receiver, where there is a store.
    pub fn hold_letter(&self, to: &Member, letter: Letter, post: Post<'_>) -> Letter {
        let Some(posting) = post.posting else {
            return letter;
        };
        let row = self.next_row();
        posting.keep(self, &letter.message);
        posting.change(Change::Letter {
            row,
            to: to.serial(),
            kind: letter.kind.as_str(),
            message: letter.message.clone(),
        });
        posting.holds(to.clone());
        Letter { row: Some(row), commit: Some(posting.commit().clone()), ..letter }
    }

    fn put(&self, to: &Member, letter: Letter, post: Post<'_>) -> Result<(), (Refusal, Letter)> {
        match to {
            Member::Agent(agent) => {
                if agent.mailbox.push(letter)? {
                    agent.schedule(post.lane);
                }
                Ok(())
            }
            Member::Host(host) => {
                if host.would_deadlock(&letter) {
                    let letter = letter.unhold(post);
                    self.report_deadlock(&letter, host, post);
                    return Ok(());
                }
                host.push(letter, post)
            }
        }
    }

    /// Whether the script speaks, or has spoken, under this name.
    pub fn is_speaker(&self, name: &str) -> bool {
        name == &*self.name || self.speakers.contains(name)
    }

    /// An agent's last turn is over.
    pub fn agent_stopped(&self, agent: &Arc<Agent>) {
        if !agent.retire() {
            return;
        }
        self.forget(agent);
        agent.forgotten();
        self.agent_gone.notify_waiters();
    }
}
