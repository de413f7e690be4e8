//! Lines for the agent's log, at the guide's five levels.

use core::fmt;

use crate::host::log;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Something failed.
    Error = 1,
    /// Something is odd.
    Warn = 2,
    /// What an operator wants to know.
    Info = 3,
    /// What the author wants to know.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        })
    }
}

/// A logger that leaves out what matters less than its level, so that it costs no host call.
///
/// ```
/// # let host = caxton_sdk::testing::MockHost::new();
/// use caxton_sdk::{DebugLogger, LogLevel};
///
/// let logger = DebugLogger::with_level(LogLevel::Info);
/// logger.info("ready");
/// logger.debug("not written");
/// assert_eq!(host.logs(), [(LogLevel::Info, "ready".to_string())]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugLogger {
    enabled: bool,
    log_level: LogLevel,
}

impl DebugLogger {
    /// As in the guide: enabled in builds with debug assertions, down to `info`.
    pub const fn new() -> Self {
        DebugLogger { enabled: cfg!(debug_assertions), log_level: LogLevel::Info }
    }

    /// Enabled, down to this level.
    pub const fn with_level(log_level: LogLevel) -> Self {
        DebugLogger { enabled: true, log_level }
    }

    /// Whether a line of this level is written.
    pub fn is_enabled(&self, level: LogLevel) -> bool {
        self.enabled && self.log_level >= level
    }

    /// Writes a line, if it matters enough.
    pub fn log(&self, level: LogLevel, line: &str) {
        if self.is_enabled(level) {
            log(level, line);
        }
    }

    /// Something failed.
    pub fn error(&self, line: &str) {
        self.log(LogLevel::Error, line);
    }

    /// Something is odd.
    pub fn warn(&self, line: &str) {
        self.log(LogLevel::Warn, line);
    }

    /// What an operator wants to know.
    pub fn info(&self, line: &str) {
        self.log(LogLevel::Info, line);
    }

    /// What the author wants to know.
    pub fn debug(&self, line: &str) {
        self.log(LogLevel::Debug, line);
    }

    /// Everything.
    pub fn trace(&self, line: &str) {
        self.log(LogLevel::Trace, line);
    }
}

impl Default for DebugLogger {
    fn default() -> Self {
        DebugLogger::new()
    }
}
