//! An agent's log: a ring of lines, bounded in bytes.
//!
//! Lines of the runtime's, such as why a turn was dropped, have a share of the ring that no line of the guest's
//! takes. Of all logs together whoever has most drops its oldest lines ([`Logs`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::logs::{Listed, Logs};
use crate::account::{Account, Charge};
use crate::sandbox::Level;
use crate::shares::Owner;

/// What the ring holds at most, in bytes.
const RING_BYTES: usize = 1 << 20;
/// The part of it that the runtime's lines have for themselves.
const RUNTIME_BYTES: usize = 64 << 10;
/// The longest line of the runtime's; the rest of it is cut off.
const LONGEST_LINE: usize = 16 << 10;
/// Bytes that the host may remark on the calls of a turn that has written all it may.
const REMARK_BYTES: u64 = 4 << 10;
/// What a line costs beside its text.
const LINE_OVERHEAD: usize = 64;
/// The common table is told of a log when it has taken so many bytes more.
const STEP: usize = 1 << 10;

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

/// The writer of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// The guest. It has so much a turn.
    Guest,
    /// The host, on a call that the guest makes. It has a little more.
    Host,
    /// The runtime, on what has become of a turn or of the agent: such a line is kept.
    Runtime,
}

pub(super) struct LogRing {
    inner: Mutex<Inner>,
    logs: Arc<Logs>,
    /// What the turn has written so far.
    turn_bytes: AtomicU64,
    /// Bytes that the host has remarked beyond that.
    remark_bytes: AtomicU64,
    max_turn_bytes: u64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// What guest and host wrote, and what the runtime did: each line with its place among all.
    lines: Part,
    reports: Part,
    charge: Option<Charge>,
    /// Whose log it is, once its agent is gone.
    heir: Option<Owner>,
    listed: Option<Listed>,
    /// Bytes that were written since the common table was told.
    untold: usize,
}

#[derive(Default)]
struct Part {
    lines: VecDeque<(u64, LogLine)>,
    bytes: usize,
}

impl Part {
    fn push(&mut self, place: u64, line: LogLine) {
        self.bytes += weight(&line.text);
        if self.lines.capacity() == 0 {
            // Most agents write one line, if any.
            self.lines.reserve_exact(1);
        }
        self.lines.push_back((place, line));
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.lines.pop_front();
        self.bytes -= oldest.as_ref().map_or(0, |(_, line)| weight(&line.text));
        oldest.is_some()
    }

    fn oldest(&self) -> Option<u64> {
        self.lines.front().map(|(place, _)| *place)
    }
}

/// Bytes that a line counts for.
fn weight(text: &str) -> usize {
    text.len() + LINE_OVERHEAD
}

impl Inner {
    fn bytes(&self) -> usize {
        self.lines.bytes + self.reports.bytes
    }

    /// Drops a line that makes room: the oldest, but the runtime's only where they have more than their share.
    fn make_room(&mut self) -> bool {
        let of_reports = self.reports.bytes > RUNTIME_BYTES || self.lines.lines.is_empty();
        if of_reports { self.reports.drop_oldest() } else { self.lines.drop_oldest() }
    }

    /// Charges the account for all lines. Where it has no room for them they make some, but for those of the
    /// runtime, which are few.
    fn pay(&mut self, account: &Arc<Account>) {
        let mut charge = self.charge.take().unwrap_or_else(|| account.charge(0));
        while !charge.try_resize(self.bytes()) {
            if !self.lines.drop_oldest() {
                charge.resize(self.bytes());
                break;
            }
        }
        self.charge = Some(charge);
    }
}

impl LogRing {
    pub fn new(max_turn_bytes: u64, logs: &Arc<Logs>) -> Arc<Self> {
        Arc::new(LogRing {
            inner: Mutex::default(),
            logs: logs.clone(),
            turn_bytes: AtomicU64::new(0),
            remark_bytes: AtomicU64::new(0),
            max_turn_bytes,
            dropped: AtomicU64::new(0),
        })
    }

    pub fn begin_turn(&self) {
        self.turn_bytes.store(0, Ordering::Relaxed);
        self.remark_bytes.store(0, Ordering::Relaxed);
    }

    /// Keeps a line, unless this turn has written too much; returns true if it does. The oldest lines make room,
    /// in the ring, on `account`, and among all logs.
    pub fn push(
        self: &Arc<Self>,
        at: u64,
        voice: Voice,
        level: Level,
        text: &str,
        account: &Arc<Account>,
    ) -> bool {
        if !self.may_write(voice, text) {
            self.count_dropped(1);
            return false;
        }
        let text = if voice == Voice::Runtime { cut(text) } else { text };
        let line = LogLine { at, level: level.into(), text: text.to_owned() };
        let mut inner = self.inner.lock();
        let place = self.logs.next_place();
        inner.untold += weight(text);
        match voice {
            Voice::Runtime => inner.reports.push(place, line),
            Voice::Guest | Voice::Host => inner.lines.push(place, line),
        }
        while inner.bytes() > RING_BYTES && inner.make_room() {}
        let account = inner.heir.as_ref().map_or(account, Owner::account).clone();
        inner.pay(&account);
        let has_grown = inner.listed.is_none() || inner.untold >= STEP;
        if has_grown {
            self.tell(&mut inner, &account);
        }
        drop(inner);
        if has_grown {
            self.logs.make_room();
        }
        true
    }

    fn may_write(&self, voice: Voice, text: &str) -> bool {
        let more = text.len() as u64 + 1;
        let fits = |written: &AtomicU64, most| {
            written.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= most
        };
        match voice {
            Voice::Runtime => true,
            Voice::Guest => fits(&self.turn_bytes, self.max_turn_bytes),
            Voice::Host => {
                fits(&self.turn_bytes, self.max_turn_bytes)
                    || fits(&self.remark_bytes, REMARK_BYTES)
            }
        }
    }

    /// Tells the common table what the log takes, with what it may take until it is told again.
    fn tell(self: &Arc<Self>, inner: &mut Inner, account: &Arc<Account>) {
        inner.untold = 0;
        let oldest = [inner.lines.oldest(), inner.reports.oldest()].into_iter().flatten().min();
        let bytes = inner.bytes() + STEP;
        let now = oldest.map(|place| (Listed { owner: Owner::of(account), place, bytes }, self));
        self.logs.list(&mut inner.listed, now);
    }

    /// Drops the oldest lines until `bytes` are free, or none is left.
    pub(super) fn shed(self: &Arc<Self>, bytes: usize) {
        let mut inner = self.inner.lock();
        let before = inner.bytes();
        while before - inner.bytes() < bytes
            && (inner.lines.drop_oldest() || inner.reports.drop_oldest())
        {}
        let bytes = inner.bytes();
        if let Some(charge) = &mut inner.charge {
            charge.resize(bytes);
        }
        if let Some(owner) = inner.listed.as_ref().map(|listed| listed.owner.clone()) {
            self.tell(&mut inner, owner.account());
        }
    }

    /// Hands the lines, which can still be read, to the account `heir`.
    pub fn leave_to(self: &Arc<Self>, heir: &Owner) {
        let mut inner = self.inner.lock();
        if let Some(charge) = &mut inner.charge {
            charge.move_to(heir.account());
        }
        if let Some(listed) = inner.listed.clone() {
            let listed = Listed { owner: heir.clone(), ..listed };
            self.logs.list(&mut inner.listed, Some((listed, self)));
        }
        inner.heir = Some(heir.clone());
    }

    pub fn count_dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
    }

    pub fn lines(&self) -> Vec<LogLine> {
        let inner = self.inner.lock();
        let (mut lines, mut reports) =
            (inner.lines.lines.iter().peekable(), inner.reports.lines.iter().peekable());
        let mut all = Vec::with_capacity(lines.len() + reports.len());
        while let Some(line) = match (lines.peek(), reports.peek()) {
            (Some((line, _)), Some((report, _))) if line > report => reports.next(),
            (None, _) => reports.next(),
            _ => lines.next(),
        } {
            all.push(line.1.clone());
        }
        all
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for LogRing {
    fn drop(&mut self) {
        self.logs.list(&mut self.inner.get_mut().listed, None);
    }
}

/// As much of a line as is kept of the runtime's.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_LINE)]
}

#[cfg(test)]
mod tests;
