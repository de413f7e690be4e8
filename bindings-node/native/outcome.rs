//! What a call came to, and how JavaScript is shown it.

use caxton::{
    Agent, Error, Informs, Inspection, Message, Outcome as Negotiated, Runtime, StoreInspection,
    Tender,
};
use napi::bindgen_prelude::{Either, Either15, Null, Undefined};

use crate::agent::AgentHandle;
use crate::answers::AllAnswers;
use crate::fault::Fault;
use crate::hub::CallId;
use crate::informs::InformsHandle;
use crate::inspect::Found;
use crate::inspect_store::FoundStore;
use crate::message::{Text, text};
use crate::tender::TenderHandle;

/// What a call came to.
pub enum Outcome {
    /// It is done, and there is nothing to tell.
    Done,
    /// The subscription has ended.
    Ended,
    Message(Message),
    Truth(bool),
    /// A message in a line, for people.
    Line(String),
    Agent(Agent, Runtime),
    Agents(Vec<Agent>, Runtime),
    Answers(Vec<Result<Message, Error>>),
    Informs(Box<Informs>, Runtime),
    Tender(Box<Tender>, Runtime),
    Negotiated(Negotiated),
    Found(Inspection),
    FoundStore(StoreInspection),
    Failed(Fault),
}

/// The same for JavaScript; a number stands for a call that waits.
pub type Value = Either15<
    Undefined,
    Null,
    CallId,
    Text,
    AgentHandle,
    Vec<AgentHandle>,
    Vec<Either<Text, Fault>>,
    Found,
    Fault,
    FoundStore,
    bool,
    InformsHandle,
    TenderHandle,
    AllAnswers,
    String,
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

    pub fn of_negotiation(result: Result<Negotiated, Error>) -> Self {
        match result {
            Ok(outcome) => Outcome::Negotiated(outcome),
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    pub fn into_value(self, hub: &crate::hub::SharedLoop) -> Value {
        match self {
            Outcome::Done => Either15::A(()),
            Outcome::Ended => Either15::B(Null),
            Outcome::Message(message) => Either15::D(text(&message)),
            Outcome::Agent(agent, runtime) => Either15::E(AgentHandle::new(agent, runtime, hub)),
            Outcome::Agents(agents, runtime) => Either15::F(
                agents
                    .into_iter()
                    .map(|agent| AgentHandle::new(agent, runtime.clone(), hub))
                    .collect(),
            ),
            Outcome::Answers(answers) => Either15::G(
                answers
                    .into_iter()
                    .map(|answer| match answer {
                        Ok(message) => Either::A(text(&message)),
                        Err(error) => Either::B(error.into()),
                    })
                    .collect(),
            ),
            Outcome::Found(inspection) => Either15::H(inspection.into()),
            Outcome::FoundStore(inspection) => Either15::J(inspection.into()),
            Outcome::Truth(truth) => Either15::K(truth),
            Outcome::Line(line) => Either15::O(line),
            Outcome::Informs(informs, runtime) => {
                Either15::L(InformsHandle::new(*informs, runtime, hub))
            }
            Outcome::Tender(tender, runtime) => {
                Either15::M(TenderHandle::new(*tender, runtime, hub))
            }
            Outcome::Negotiated(outcome) => Either15::N(outcome.into()),
            Outcome::Failed(fault) => Either15::I(fault),
        }
    }
}

/// A call that waits.
pub fn pending(id: CallId) -> Value {
    Either15::C(id)
}

/// A call that could not even begin.
pub fn failed(fault: impl Into<Fault>) -> Value {
    Either15::I(fault.into())
}
