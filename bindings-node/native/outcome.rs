//! What a call came to, and how JavaScript is shown it.

use caxton::{Agent, Error, Inspection, Message, Runtime, StoreInspection};
use napi::bindgen_prelude::{Either, Either10, Null, Undefined};

use crate::agent::AgentHandle;
use crate::fault::Fault;
use crate::hub::CallId;
use crate::inspect::Found;
use crate::inspect_store::FoundStore;
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
    FoundStore(StoreInspection),
    Failed(Fault),
}

/// The same for JavaScript; a number stands for a call that waits.
pub type Value = Either10<
    Undefined,
    Null,
    CallId,
    String,
    AgentHandle,
    Vec<AgentHandle>,
    Vec<Either<String, Fault>>,
    Found,
    Fault,
    FoundStore,
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
            Outcome::Done => Either10::A(()),
            Outcome::Ended => Either10::B(Null),
            Outcome::Message(message) => Either10::D(text(&message)),
            Outcome::Agent(agent, runtime) => Either10::E(AgentHandle::new(agent, runtime, hub)),
            Outcome::Agents(agents, runtime) => Either10::F(
                agents
                    .into_iter()
                    .map(|agent| AgentHandle::new(agent, runtime.clone(), hub))
                    .collect(),
            ),
            Outcome::Answers(answers) => Either10::G(
                answers
                    .into_iter()
                    .map(|answer| match answer {
                        Ok(message) => Either::A(text(&message)),
                        Err(error) => Either::B(error.into()),
                    })
                    .collect(),
            ),
            Outcome::Found(inspection) => Either10::H(inspection.into()),
            Outcome::FoundStore(inspection) => Either10::J(inspection.into()),
            Outcome::Failed(fault) => Either10::I(fault),
        }
    }
}

/// A call that waits.
pub fn pending(id: CallId) -> Value {
    Either10::C(id)
}

/// A call that could not even begin.
pub fn failed(fault: impl Into<Fault>) -> Value {
    Either10::I(fault.into())
}
