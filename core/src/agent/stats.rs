//! What an agent has done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Figures of one agent since it was deployed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Turns that committed.
    pub turns: u64,
    /// Turns that were dropped.
    pub dropped_turns: u64,
    /// Times that the instance was replaced.
    pub restarts: u64,
    /// Messages that it was handed.
    pub messages_in: u64,
    /// Messages that its turns sent.
    pub messages_out: u64,
    /// Timers that it was told of.
    pub timers: u64,
    /// Bytes that it has stored, keys included.
    pub stored_bytes: u64,
    /// Copies of broadcasts and of subscribed messages that found no room with their receiver, or
    /// were above its content limits.
    pub skipped: u64,
    /// Time that the guest ran, in microseconds.
    pub cpu_micros: u64,
    /// Memory after its last turn, in bytes.
    pub memory_bytes: u64,
    /// Messages that wait in the mailbox.
    pub mailbox_messages: u64,
    /// Log lines that were dropped.
    pub log_lines_dropped: u64,
}

impl Stats {
    /// The figures with their names, as they are in Python; JavaScript has the same in camel case.
    pub fn fields(&self) -> [(&'static str, u64); 12] {
        [
            ("turns", self.turns),
            ("dropped_turns", self.dropped_turns),
            ("restarts", self.restarts),
            ("messages_in", self.messages_in),
            ("messages_out", self.messages_out),
            ("timers", self.timers),
            ("stored_bytes", self.stored_bytes),
            ("skipped", self.skipped),
            ("cpu_micros", self.cpu_micros),
            ("memory_bytes", self.memory_bytes),
            ("mailbox_messages", self.mailbox_messages),
            ("log_lines_dropped", self.log_lines_dropped),
        ]
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub turns: Counter,
    pub dropped_turns: Counter,
    pub restarts: Counter,
    pub messages_in: Counter,
    pub messages_out: Counter,
    pub timers: Counter,
    pub skipped: Counter,
    pub memory_bytes: Counter,
    cpu_nanos: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub fn ran(&self, time: Duration) {
        self.cpu_nanos.add(time.as_nanos() as u64);
    }

    pub fn read(&self) -> Stats {
        Stats {
            turns: self.turns.get(),
            dropped_turns: self.dropped_turns.get(),
            restarts: self.restarts.get(),
            messages_in: self.messages_in.get(),
            messages_out: self.messages_out.get(),
            timers: self.timers.get(),
            stored_bytes: 0,
            skipped: self.skipped.get(),
            cpu_micros: self.cpu_nanos.get() / 1000,
            memory_bytes: self.memory_bytes.get(),
            mailbox_messages: 0,
            log_lines_dropped: 0,
        }
    }
}
