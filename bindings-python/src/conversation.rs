//! Conversations, as Python sees them.

use caxton::{ConversationFilter, Picture};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::encode::encode;
use crate::errors::to_py;
use crate::message::{Message, shown};
use crate::options::Names;
use crate::runtime::{AsyncRuntime, Inner, Runtime};

/// One participant of a conversation, and its progress with the agent that asked it.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct Participant {
    /// Its name.
    name: String,
    /// Who asked it.
    asked_by: String,
    /// The progress of the two.
    stage: &'static str,
    /// Who has to say something next: "initiator", "participant", or nobody.
    due: Option<&'static str>,
    /// By when, in microseconds since the Unix epoch.
    due_by: Option<u64>,
    /// True if a deadline passed before it answered.
    late: bool,
    /// When it was asked first, in microseconds since the Unix epoch.
    asked_at: u64,
    /// When it said something first, in microseconds since the Unix epoch.
    answered_at: Option<u64>,
}

#[pymethods]
impl Participant {
    fn __repr__(&self) -> String {
        let late = if self.late { ", late" } else { "" };
        format!("<Participant '{}' {}{late}>", shown(&self.name), self.stage)
    }
}

/// A message of a conversation, with the runtime's note on it.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct Exchanged {
    /// The message.
    message: Py<Message>,
    /// The runtime's note on it, if there is one.
    note: Option<&'static str>,
}

#[pymethods]
impl Exchanged {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let note = self.note.map_or_else(String::new, |note| format!(" {note}"));
        Ok(format!("<Exchanged{note} {}>", self.message.bind(py).repr()?))
    }
}

/// A conversation that names a protocol, as it was at the time of the call.
#[pyclass(frozen, module = "caxton")]
pub struct Conversation {
    inner: caxton::Conversation,
    participants: PyOnceLock<Vec<Py<Participant>>>,
    messages: PyOnceLock<Vec<Py<Exchanged>>>,
}

impl Conversation {
    fn new(inner: caxton::Conversation) -> Self {
        Conversation { inner, participants: PyOnceLock::new(), messages: PyOnceLock::new() }
    }
}

#[pymethods]
impl Conversation {
    /// The `conversation_id` of its messages.
    #[getter]
    fn id(&self) -> &str {
        &self.inner.id
    }

    /// The protocol that it names.
    #[getter]
    fn protocol(&self) -> &'static str {
        self.inner.protocol.as_str()
    }

    /// Whether it goes on: "open", "ended" or "abandoned".
    #[getter]
    fn state(&self) -> &'static str {
        self.inner.state.as_str()
    }

    /// The agent that began it.
    #[getter]
    fn initiator(&self) -> &str {
        &self.inner.initiator
    }

    /// Who was asked to take part, in the order in which they were.
    #[getter]
    fn participants(&self, py: Python<'_>) -> PyResult<Vec<Py<Participant>>> {
        let all = self.participants.get_or_try_init(py, || {
            let object = |it: &caxton::Participant| {
                let participant = Participant {
                    name: it.name.clone(),
                    asked_by: it.asked_by.clone(),
                    stage: it.stage.as_str(),
                    due: it.due.map(|side| side.as_str()),
                    due_by: it.due_by,
                    late: it.late,
                    asked_at: it.asked_at,
                    answered_at: it.answered_at,
                };
                Py::new(py, participant)
            };
            self.inner.participants.iter().map(object).collect::<PyResult<_>>()
        })?;
        Ok(all.iter().map(|participant| participant.clone_ref(py)).collect())
    }

    /// Its messages in their order.
    #[getter]
    fn messages(&self, py: Python<'_>) -> PyResult<Vec<Py<Exchanged>>> {
        let all = self.messages.get_or_try_init(py, || {
            let object = |said: &caxton::Exchanged| {
                let message = Py::new(py, Message::new(said.message.clone()))?;
                Py::new(py, Exchanged { message, note: said.note.map(|note| note.as_str()) })
            };
            self.inner.messages.iter().map(object).collect::<PyResult<_>>()
        })?;
        Ok(all.iter().map(|said| said.clone_ref(py)).collect())
    }

    /// How many messages are left out, in the middle.
    #[getter]
    fn omitted(&self) -> u64 {
        self.inner.omitted
    }

    /// When its first message was sent, in microseconds since the Unix epoch.
    #[getter]
    fn began_at(&self) -> u64 {
        self.inner.began_at
    }

    /// When it ended, if it has, in microseconds since the Unix epoch.
    #[getter]
    fn ended_at(&self) -> Option<u64> {
        self.inner.ended_at
    }

    /// Draws it as a sequence diagram: "mermaid", "svg" or "html".
    #[pyo3(signature = (form="mermaid"))]
    fn diagram(&self, py: Python<'_>, form: &str) -> PyResult<String> {
        let form = Picture::parse(form).map_err(|error| to_py(py, &error))?;
        Ok(py.detach(|| self.inner.diagram(form)))
    }

    fn __repr__(&self) -> String {
        let (id, protocol) = (shown(&self.inner.id), self.inner.protocol);
        let messages = self.inner.messages.len() as u64 + self.inner.omitted;
        format!(
            "<Conversation '{id}' {protocol} {}, {}, {}>",
            self.inner.state,
            counted(self.inner.participants.len() as u64, "participant"),
            counted(messages, "message"),
        )
    }

    fn _repr_html_(&self, py: Python<'_>) -> String {
        py.detach(|| self.inner.diagram(Picture::Html))
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The most conversations that a live view shows.
const MAX_WATCHED: usize = 3;
/// One below the other, with some space between them.
const COLUMN: &str = "<div style=\"display:flex;flex-direction:column;gap:8px\">";

impl Inner {
    fn conversation(&self, py: Python<'_>, id: &str) -> Option<Conversation> {
        py.detach(|| self.runtime.conversation(id)).map(Conversation::new)
    }

    fn conversations(
        &self,
        py: Python<'_>,
        filter: [(&str, Option<Names>); 4],
    ) -> PyResult<Vec<Conversation>> {
        let written = PyDict::new(py);
        for (field, names) in filter {
            if let Some(Names(names)) = names {
                written.set_item(field, names)?;
            }
        }
        let json = encode(written.as_any())?;
        let filter = ConversationFilter::read(&json).map_err(|error| to_py(py, &error))?;
        let found = py.detach(|| self.runtime.conversations(&filter));
        Ok(found.into_iter().map(Conversation::new).collect())
    }

    /// The runtime's table, and the conversations that were begun last, open ones first.
    fn live_html(&self, py: Python<'_>) -> String {
        py.detach(|| {
            let mut all = self.runtime.conversations(&ConversationFilter::everything());
            all.reverse();
            all.sort_by_key(|it| it.state != caxton::ConversationState::Open);
            let mut html = String::from(COLUMN);
            html += &self.runtime.to_html();
            for conversation in all.iter().take(MAX_WATCHED) {
                html += &conversation.diagram(Picture::Html);
            }
            html + "</div>"
        })
    }
}

macro_rules! conversation_methods {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// The conversation with this id, if there is one that names a protocol.
            fn conversation(&self, py: Python<'_>, id: &str) -> Option<Conversation> {
                self.0.conversation(py, id)
            }

            /// The conversations that match, in the order in which they began.
            #[pyo3(signature = (*, protocol=None, state=None, initiator=None, agent=None))]
            fn conversations(
                &self,
                py: Python<'_>,
                protocol: Option<Names>,
                state: Option<Names>,
                initiator: Option<Names>,
                agent: Option<Names>,
            ) -> PyResult<Vec<Conversation>> {
                let filter = [
                    ("protocol", protocol),
                    ("state", state),
                    ("initiator", initiator),
                    ("agent", agent),
                ];
                self.0.conversations(py, filter)
            }

            fn _repr_html_(&self, py: Python<'_>) -> String {
                py.detach(|| self.0.runtime.to_html())
            }

            /// What a live view shows now.
            fn _live_html(&self, py: Python<'_>) -> String {
                self.0.live_html(py)
            }
        }
    };
}

conversation_methods!(Runtime);
conversation_methods!(AsyncRuntime);
