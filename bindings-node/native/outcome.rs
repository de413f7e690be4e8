//! What a call came to, and how JavaScript is shown it.

use caxton::{Agent, Error, Inspection, Message, Runtime};
use napi::bindgen_prelude::{Either, Either9, Null, Undefined};

use crate::agent::AgentHandle;
use crate::fault::Fault;
use crate::hub::CallId;
use crate::inspect::Found;
use crate::message::text;

/// What a call came to.
pub enum Outcome {
    /// It is done, and there is nothing to tell.
    Done,
    /// The subscription has ended.
    Ended,
    Message(Message),
    Agent(Agent, Runtime),
    Agents(Vec<Agent>, Runtime),
    Answers(Vec<Result<Message, Error>>),
    Found(Inspection),
    Failed(Fault),
}

/// The same for JavaScript; a number stands for a call that waits.
pub type Value = Either9<
    Undefined,
    Null,
    CallId,
    String,
    AgentHandle,
    Vec<AgentHandle>,
    Vec<Either<String, Fault>>,
    Found,
    Fault,
>;

impl Outcome {
    pub fn of_message(result: Result<Message, Error>) -> Self {
        match result {
            Ok(message) => Outcome::Message(message),
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    pub fn of_nothing(result: Result<(), Error>) -> Self {
        match result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    pub fn into_value(self, hub: &crate::hub::SharedLoop) -> Value {
        match self {
            Outcome::Done => Either9::A(()),
            Outcome::Ended => Either9::B(Null),
            Outcome::Message(message) => Either9::D(text(&message)),
            Outcome::Agent(agent, runtime) => Either9::E(AgentHandle::new(agent, runtime, hub)),
            Outcome::Agents(agents, runtime) => Either9::F(
                agents
                    .into_iter()
                    .map(|agent| AgentHandle::new(agent, runtime.clone(), hub))
                    .collect(),
            ),
            Outcome::Answers(answers) => Either9::G(
                answers
                    .into_iter()
                    .map(|answer| match answer {
                        Ok(message) => Either::A(text(&message)),
                        Err(error) => Either::B(error.into()),
                    })
                    .collect(),
            ),
            Outcome::Found(inspection) => Either9::H(inspection.into()),
            Outcome::Failed(fault) => Either9::I(fault),
        }
    }
}

/// A call that waits.
pub fn pending(id: CallId) -> Value {
    Either9::C(id)
}

/// A call that could not even begin.
pub fn failed(fault: impl Into<Fault>) -> Value {
    Either9::I(fault.into())
}
