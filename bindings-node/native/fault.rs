//! Errors as data, from which the TypeScript layer makes its classes.

use caxton::{Error, ErrorKind};
use napi_derive::napi;

/// What went wrong. Told apart from every other result by its `code`.
#[napi(object, object_from_js = false)]
pub struct Fault {
    /// The text of [`ErrorKind::code`].
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What a module lacks, a line each.
    pub missing: Vec<String>,
    /// Which limit was reached.
    pub limit_kind: Option<String>,
    /// The limit, in the unit of its kind.
    pub limit: Option<f64>,
    /// What was asked for, or used.
    pub used: Option<f64>,
    /// The guest's frames, innermost first.
    pub backtrace: Option<String>,
    /// The message that said no, as JSON.
    pub reply: Option<crate::message::Text>,
}

impl Fault {
    /// An error that the binding itself finds.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Fault {
            code: kind.code().to_owned(),
            message: message.into(),
            missing: Vec::new(),
            limit_kind: None,
            limit: None,
            used: None,
            backtrace: None,
            reply: None,
        }
    }

    /// What is reported in place of a panic.
    pub fn of_panic() -> Self {
        Fault::new(ErrorKind::Internal, "the runtime itself failed; this is a defect of caxton")
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let limit = error.limit_and_used();
        Fault {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            missing: error.missing().to_vec(),
            limit_kind: error.limit_kind().map(str::to_owned),
            limit: limit.map(|(limit, _)| limit as f64),
            used: limit.map(|(_, used)| used as f64),
            backtrace: error.backtrace().map(str::to_owned),
            reply: error.reply().map(crate::message::text),
        }
    }
}

/// Every code that an error may have, so that a test can hold the classes to it.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}
