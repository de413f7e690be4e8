//! Messages, as Python sees them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use caxton::Draft;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyString};

use crate::decode::decode;
use crate::encode::{encode, encode_or_bytes};
use crate::errors::{invalid_message, to_py};

/// A FIPA ACL message (FIPA SC00061). Immutable; the content is decoded when it is first looked at.
#[pyclass(frozen, module = "caxton")]
pub struct Message {
    inner: caxton::Message,
    content: PyOnceLock<Py<PyAny>>,
}

impl Message {
    pub fn new(inner: caxton::Message) -> Self {
        Message { inner, content: PyOnceLock::new() }
    }

    /// The message to be sent as it is.
    pub fn to_draft(&self) -> Draft {
        Draft::from(&self.inner)
    }

    pub fn json(&self) -> &[u8] {
        self.inner.as_json()
    }

    /// The beginning of its content, in one line.
    pub fn content_line(&self) -> String {
        self.inner.content_line()
    }
}

/// The most characters of a text that a `repr` shows.
const MAX_SHOWN: usize = 80;

/// The beginning of a text that others wrote, in one line.
pub fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect::<String>().escape_debug().to_string()
}

/// Keyword arguments as a JSON object, if there are any.
pub fn encode_fields(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Option<Vec<u8>>> {
    match fields {
        Some(fields) if !fields.is_empty() => Ok(Some(encode(fields.as_any())?)),
        _ => Ok(None),
    }
}

/// A whole message, given as a dict, a `Message`, or JSON in `bytes` or `str`.
pub fn to_draft(message: &Bound<'_, PyAny>) -> PyResult<Draft> {
    if let Ok(message) = message.cast::<Message>() {
        return Ok(message.get().to_draft());
    }
    if let Ok(text) = message.cast::<PyString>() {
        let Ok(text) = text.to_str() else {
            return Err(invalid_message(message.py(), "a str with lone surrogates is not JSON"));
        };
        return Ok(Draft::json(text));
    }
    Ok(Draft::json(encode_or_bytes(message)?))
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (performative, content=None, *, receiver=None, **fields))]
    fn py_new(
        py: Python<'_>,
        performative: &str,
        content: Option<&Bound<'_, PyAny>>,
        receiver: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let content = match content {
            Some(content) => encode(content)?,
            None => b"null".to_vec(),
        };
        let fields = match (fields, receiver) {
            (fields, None) => fields.cloned(),
            (fields, Some(receiver)) => {
                let fields = fields.map_or_else(|| Ok(PyDict::new(py)), |fields| fields.copy())?;
                fields.set_item("receiver", receiver)?;
                Some(fields)
            }
        };
        let fields = encode_fields(fields.as_ref())?;
        Draft::compose(performative, None, &content, fields.as_deref())
            .and_then(|draft| draft.to_message())
            .map(Self::new)
            .map_err(|error| to_py(py, &error))
    }

    /// Reads a message from JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &Bound<'_, PyAny>) -> PyResult<Self> {
        // What is text already may be anybody's.
        let is_text = json.is_instance_of::<PyString>()
            || json.is_instance_of::<PyBytes>()
            || json.is_instance_of::<PyByteArray>();
        let draft = to_draft(json)?;
        let draft = if is_text { Draft::foreign(draft.into_bytes()) } else { draft };
        draft.to_message().map(Self::new).map_err(|error| to_py(py, &error))
    }

    /// Reads what `raw` gave, with the id and the time that the runtime has written: for copies and pickles.
    #[staticmethod]
    fn _read_back(py: Python<'_>, json: &[u8]) -> PyResult<Self> {
        caxton::Message::read_back(json).map(Self::new).map_err(|error| to_py(py, &error))
    }

    #[getter]
    fn performative(&self) -> &'static str {
        self.inner.performative().as_str()
    }

    #[getter]
    fn sender(&self) -> Option<&str> {
        Some(self.inner.sender()).filter(|sender| !sender.is_empty())
    }

    /// The receiver, or a list where the message names several.
    #[getter]
    fn receiver<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let receivers: Vec<&str> = self.inner.receivers().collect();
        match receivers[..] {
            [] => Ok(py.None().into_bound(py)),
            [one] => Ok(PyString::new(py, one).into_any()),
            _ => receivers.into_pyobject(py),
        }
    }

    #[getter]
    fn reply_to(&self) -> Option<&str> {
        self.inner.reply_to()
    }

    /// The content, decoded. The same object each time: treat it as read-only.
    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let decoded = self.content.get_or_try_init(py, || {
            decode(py, self.inner.content().as_bytes()).map(Bound::unbind)
        })?;
        Ok(decoded.bind(py).clone())
    }

    #[getter]
    fn language(&self) -> Option<&str> {
        self.inner.language()
    }

    #[getter]
    fn encoding(&self) -> Option<&str> {
        self.inner.encoding()
    }

    #[getter]
    fn ontology(&self) -> Option<&str> {
        self.inner.ontology()
    }

    #[getter]
    fn protocol(&self) -> Option<&str> {
        self.inner.protocol()
    }

    #[getter]
    fn conversation_id(&self) -> Option<&str> {
        self.inner.conversation_id()
    }

    #[getter]
    fn reply_with(&self) -> Option<&str> {
        self.inner.reply_with()
    }

    #[getter]
    fn in_reply_to(&self) -> Option<&str> {
        self.inner.in_reply_to()
    }

    /// When the next message is due, in microseconds since the Unix epoch.
    #[getter]
    fn reply_by(&self) -> Option<u64> {
        self.inner.reply_by()
    }

    /// The runtime's id of this message; `None` in one that has not been sent.
    #[getter]
    fn message_id(&self) -> Option<&str> {
        Some(self.inner.message_id()).filter(|id| !id.is_empty())
    }

    /// When it was sent, in microseconds since the Unix epoch; `None` if it has not been.
    #[getter]
    fn sent_at(&self) -> Option<u64> {
        Some(self.inner.sent_at()).filter(|at| *at > 0)
    }

    /// The whole message as JSON.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.as_json())
    }

    /// An answer to this message, to be returned from a handler or sent.
    #[pyo3(signature = (content=None, performative="inform", **fields))]
    fn reply(
        &self,
        py: Python<'_>,
        content: Option<&Bound<'_, PyAny>>,
        performative: &str,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let content = match content {
            Some(content) => encode(content)?,
            None => b"null".to_vec(),
        };
        let fields = encode_fields(fields)?;
        Draft::compose_reply(&self.inner, performative, &content, fields.as_deref())
            .and_then(|draft| draft.to_message())
            .map(Self::new)
            .map_err(|error| to_py(py, &error))
    }

    /// The whole message as a dict, made anew at each call.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decode(py, self.inner.as_json())
    }

    fn __repr__(&self) -> String {
        self.inner.to_line()
    }

    fn _repr_html_(&self, py: Python<'_>) -> String {
        py.detach(|| self.inner.to_html())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Message>().is_ok_and(|other| other.get().json() == self.json())
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.json().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = slf.get_type().getattr("_read_back")?;
        Ok((read, (slf.get().raw(slf.py()),)))
    }
}
