//! Why a command did not do what it was asked, and the exit code for that.

use std::fmt;
use std::io;
use std::path::Path;

use caxton::ErrorKind;

pub const AGENT: u8 = 1;
pub const WRONG_USE: u8 = 2;
pub const MODULE: u8 = 3;
pub const STORE: u8 = 4;
pub const OTHER: u8 = 5;
pub const INTERRUPTED: u8 = 130;
pub const NOBODY_READS: u8 = 141;

/// A failure: what is said, and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub exit: u8,
    /// The text that programs go by: the `code` of Caxton's errors, or one of the command's own.
    pub code: &'static str,
    pub text: String,
}

impl Failure {
    pub fn new(exit: u8, code: &'static str, text: impl Into<String>) -> Self {
        Failure { exit, code, text: text.into() }
    }

    pub fn wrong_use(text: impl Into<String>) -> Self {
        Failure::new(WRONG_USE, "invalid_argument", text)
    }

    pub fn other(text: impl Into<String>) -> Self {
        Failure::new(OTHER, "io", text)
    }

    /// What went wrong with a file.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Failure::other(format!("{}: {error}", path.display()))
    }

    pub fn interrupted() -> Self {
        Failure::new(INTERRUPTED, "interrupted", "interrupted")
    }

    /// Nobody reads what is printed: there is nothing to say, and nobody to say it to.
    pub fn nobody_reads() -> Self {
        Failure::new(NOBODY_READS, "closed_pipe", "")
    }
}

impl From<caxton::Error> for Failure {
    fn from(error: caxton::Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::InvalidModule => MODULE,
            ErrorKind::Store => STORE,
            ErrorKind::InvalidMessage | ErrorKind::InvalidArgument | ErrorKind::NameTaken => {
                WRONG_USE
            }
            ErrorKind::Internal | ErrorKind::Closed => OTHER,
            _ => AGENT,
        };
        Failure::new(exit, error.kind().code(), error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::nobody_reads();
        }
        Failure::other(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
