//! What came of a protocol with several participants, as Python sees it.

use caxton::{Conversation, Picture, Status};
use pyo3::prelude::*;

use crate::message::Message;

/// The answer of one participant.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct Answer {
    /// The participant's name.
    agent: String,
    /// The participant's status.
    status: &'static str,
    /// Its last proposal.
    proposal: Option<Py<Message>>,
    /// Its last other message: its result, its refusal, or its failure.
    message: Option<Py<Message>>,
}

impl Answer {
    pub fn new(py: Python<'_>, answer: &caxton::Answer) -> PyResult<Self> {
        let object = |message: &Option<caxton::Message>| {
            message.as_ref().map(|message| Py::new(py, Message::new(message.clone()))).transpose()
        };
        Ok(Answer {
            agent: answer.agent.clone(),
            status: answer.status.as_str(),
            proposal: object(&answer.proposal)?,
            message: object(&answer.message)?,
        })
    }
}

#[pymethods]
impl Answer {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let content = |message: &Py<Message>| message.get().content_line();
        let said = self.message.as_ref().or(self.proposal.as_ref()).map(content);
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let agent = self.agent.clone().into_pyobject(py)?.repr()?;
        Ok(format!("<Answer {agent} {}{said}>", self.status))
    }
}

/// The outcome of a protocol with several participants, with the answer of each.
#[pyclass(frozen, module = "caxton")]
pub struct Outcome {
    inner: caxton::Outcome,
    answers: Vec<Py<Answer>>,
    forwarded: Vec<Py<Message>>,
    /// The conversation as it was then, for a picture.
    conversation: Option<Conversation>,
}

impl Outcome {
    pub fn new(
        py: Python<'_>,
        inner: caxton::Outcome,
        conversation: Option<Conversation>,
    ) -> PyResult<Self> {
        let answers = inner.answers.iter().map(|answer| Py::new(py, Answer::new(py, answer)?));
        let forwarded = inner.forwarded.iter().cloned().map(Message::new);
        Ok(Outcome {
            answers: answers.collect::<PyResult<_>>()?,
            forwarded: forwarded.map(|message| Py::new(py, message)).collect::<PyResult<_>>()?,
            inner,
            conversation,
        })
    }

    fn with(&self, status: Status) -> Vec<&str> {
        self.inner.with(status).map(|answer| answer.agent.as_str()).collect()
    }

    fn of_winner(&self) -> Option<&Py<Answer>> {
        let winner = self.inner.winner()?;
        let place = self.inner.answers.iter().position(|it| std::ptr::eq(it, winner))?;
        self.answers.get(place)
    }
}

#[pymethods]
impl Outcome {
    /// The conversation: see `conversation` of the runtime.
    #[getter]
    fn conversation_id(&self) -> &str {
        &self.inner.conversation_id
    }

    /// What everybody answered, in the order in which the participants were named.
    #[getter]
    fn answers(&self, py: Python<'_>) -> Vec<Py<Answer>> {
        self.answers.iter().map(|answer| answer.clone_ref(py)).collect()
    }

    /// Answers of agents to which a participant passed the conversation on.
    #[getter]
    fn forwarded(&self, py: Python<'_>) -> Vec<Py<Message>> {
        self.forwarded.iter().map(|message| message.clone_ref(py)).collect()
    }

    /// The number of answers that found no room among `forwarded`, or that came faster than they were read.
    #[getter]
    fn missed(&self) -> u64 {
        self.inner.missed
    }

    /// The number of rounds of proposals.
    #[getter]
    fn rounds(&self) -> u32 {
        self.inner.rounds
    }

    /// The price at which an auction ended.
    #[getter]
    fn price(&self) -> Option<f64> {
        self.inner.price
    }

    /// The first participant whose proposal was accepted.
    #[getter]
    fn winner(&self, py: Python<'_>) -> Option<Py<Answer>> {
        self.of_winner().map(|answer| answer.clone_ref(py))
    }

    /// The winner's last answer.
    #[getter]
    fn result(&self, py: Python<'_>) -> Option<Py<Message>> {
        self.of_winner()?.get().message.as_ref().map(|message| message.clone_ref(py))
    }

    /// The participants whose proposals have not been decided upon.
    #[getter]
    fn proposed(&self) -> Vec<&str> {
        self.with(Status::Proposed)
    }

    /// The participants whose proposals were rejected.
    #[getter]
    fn rejected(&self) -> Vec<&str> {
        self.with(Status::Rejected)
    }

    /// The participants that refused.
    #[getter]
    fn refused(&self) -> Vec<&str> {
        self.with(Status::Refused)
    }

    /// The participants whose proposals came after the deadline.
    #[getter]
    fn late(&self) -> Vec<&str> {
        self.with(Status::Late)
    }

    /// The participants that have not answered.
    #[getter]
    fn silent(&self) -> Vec<&str> {
        self.with(Status::Silent)
    }

    /// The participants that failed.
    #[getter]
    fn failed(&self) -> Vec<&str> {
        self.with(Status::Failed)
    }

    /// The participants that did not understand.
    #[getter]
    fn not_understood(&self) -> Vec<&str> {
        self.with(Status::NotUnderstood)
    }

    /// The participants whose proposals were accepted, but whose results have not come.
    #[getter]
    fn accepted(&self) -> Vec<&str> {
        self.with(Status::Accepted)
    }

    /// The participants whose proposals were accepted, and whose results have come.
    #[getter]
    fn done(&self) -> Vec<&str> {
        self.with(Status::Done)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let won = match self.of_winner() {
            Some(winner) => {
                let (name, status) = (&winner.get().agent, winner.get().status);
                format!("{} {status}", name.into_pyobject(py)?.repr()?)
            }
            None => "no winner".to_owned(),
        };
        let price = self.inner.price.map_or_else(String::new, |price| format!(" at {price}"));
        let (answers, rounds) = (self.inner.answers.len(), self.inner.rounds);
        let asked = if answers == 1 { "participant" } else { "participants" };
        let rounds = match rounds {
            0 | 1 => String::new(),
            more => format!(", {more} rounds"),
        };
        Ok(format!("<Outcome {won}{price}, {answers} {asked}{rounds}>"))
    }

    fn _repr_html_(&self, py: Python<'_>) -> Option<String> {
        let conversation = self.conversation.as_ref()?;
        Some(py.detach(|| conversation.diagram(Picture::Html)))
    }
}
