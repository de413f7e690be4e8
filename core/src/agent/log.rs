//! An agent's log: a ring of lines, bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::account::{Account, Charge};
use crate::sandbox::Level;

/// What the ring holds at most, in bytes.
const RING_BYTES: usize = 1 << 20;
/// What a line costs beside its text.
const LINE_OVERHEAD: usize = 48;

/// How much a log line matters, as in the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// An error.
    Error,
    /// A warning; the host's own remarks on what an agent did wrong are warnings.
    Warn,
    /// What `console_log` writes.
    Info,
    /// For who debugs.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    /// The level as text: `error`, `warn`, `info`, `debug` or `trace`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace => LogLevel::Trace,
        }
    }
}

/// One line of an agent's log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogLine {
    /// Microseconds since the Unix epoch.
    pub at: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// What the agent, or the host about it, wrote. Nothing in it is escaped.
    pub text: String,
}

pub(super) struct LogRing {
    inner: Mutex<Inner>,
    /// What the turn has written so far.
    turn_bytes: AtomicU64,
    max_turn_bytes: u64,
}

#[derive(Default)]
struct Inner {
    lines: VecDeque<LogLine>,
    bytes: usize,
    charge: Option<Charge>,
    dropped: u64,
}

impl Inner {
    /// Charges the account for all lines; false if it has no room for them.
    fn is_paid(&mut self, account: &Arc<Account>) -> bool {
        let bytes = self.bytes;
        match &mut self.charge {
            Some(charge) => charge.try_resize(bytes),
            None => {
                self.charge = account.try_charge(bytes);
                self.charge.is_some() || bytes == 0
            }
        }
    }
}

impl LogRing {
    pub fn new(max_turn_bytes: u64) -> Self {
        LogRing { inner: Mutex::default(), turn_bytes: AtomicU64::new(0), max_turn_bytes }
    }

    pub fn begin_turn(&self) {
        self.turn_bytes.store(0, Ordering::Relaxed);
    }

    /// Keeps a line, unless this turn has written too much; the oldest lines make room, in the ring and on
    /// `account`.
    pub fn push(&self, at: u64, level: Level, text: &str, account: &Arc<Account>) {
        let mut inner = self.inner.lock();
        let more = text.len() as u64 + 1;
        let before = self.turn_bytes.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.max_turn_bytes {
            inner.dropped += 1;
            return;
        }
        inner.bytes += text.len() + LINE_OVERHEAD;
        inner.lines.push_back(LogLine { at, level: level.into(), text: text.to_owned() });
        while inner.bytes > RING_BYTES || !inner.is_paid(account) {
            let Some(oldest) = inner.lines.pop_front() else {
                break;
            };
            inner.bytes -= oldest.text.len() + LINE_OVERHEAD;
        }
    }

    /// Hands the charge for the lines that are left to another account.
    pub fn move_to(&self, account: &Arc<Account>) {
        if let Some(charge) = &mut self.inner.lock().charge {
            charge.move_to(account);
        }
    }

    pub fn count_dropped(&self) {
        self.inner.lock().dropped += 1;
    }

    pub fn lines(&self) -> Vec<LogLine> {
        self.inner.lock().lines.iter().cloned().collect()
    }

    pub fn dropped(&self) -> u64 {
        self.inner.lock().dropped
    }
}
