//! Whose content limits hold for a message.
//!
//! An agent's, its own or else the runtime's, hold for what it sends and for what is sent to it. The
//! runtime's hold for what the program sends to anybody else: host agents, topics, broadcasts.

use super::core::Core;
use crate::agent::Agent;
use crate::directory::Member;
use crate::error::Error;
use crate::message::Message;

impl Agent {
    /// Whether this message's content is within the agent's limits, for who asks that of many agents.
    pub fn takes_content(&self, message: &Message) -> bool {
        self.face.content_limits.as_ref().is_none_or(|limits| limits.allow(message.measure()))
    }

    /// The same with an error that says what is above which limit, and where.
    pub fn check_content(&self, message: &Message) -> Result<(), Error> {
        let Some(limits) = &self.face.content_limits else {
            return Ok(());
        };
        let named = |error: Error| error.about(format_args!("a message to {:?}", self.name()));
        limits.check_message(message).map_err(named)
    }
}

impl Core {
    /// Whether the program may send this message to `to`, or to nobody in particular.
    pub fn check_content(&self, message: &Message, to: Option<&Member>) -> Result<(), Error> {
        match (to, &self.content_limits) {
            (Some(Member::Agent(agent)), _) => agent.check_content(message),
            (_, Some(limits)) => limits.check_message(message),
            (_, None) => Ok(()),
        }
    }

    /// Whether a host agent may send this message.
    pub fn check_content_for_all(&self, message: &Message) -> Result<(), Error> {
        message
            .receivers()
            .try_for_each(|to| self.check_content(message, self.directory.find(to).as_ref()))
    }
}
