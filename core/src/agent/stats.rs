//! The figures of an agent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sandbox::FaultKind;

/// The behaviour of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Every figure once: its name in every language, its behaviour, and its meaning.
macro_rules! figures {
    ($($(#[doc = $text:literal])+ $name:ident: $kind:ident,)*) => {
        /// Figures of one agent since it was deployed, or since its store was opened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[doc = $text])+ pub $name: u64,)*
        }

        impl Stats {
            /// The names of all figures, with their behaviour and meaning.
            pub(crate) const FIGURES: &'static [(&'static str, Figure, &'static str)] =
                &[$((stringify!($name), Figure::$kind, concat!($($text),+))),*];

            /// The figures with their names, as in Python; JavaScript has the same names in camel
            /// case.
            pub fn fields(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }

            /// The sum of two agents' figures.
            #[must_use]
            pub(crate) fn plus(&self, other: &Stats) -> Stats {
                Stats { $($name: self.$name.saturating_add(other.$name)),* }
            }

            /// The figures of an agent that is gone: its gauges count no longer.
            #[must_use]
            pub(crate) fn of_the_past(&self) -> Stats {
                Stats {
                    $($name: if Figure::$kind == Figure::Counter { self.$name } else { 0 }),*
                }
            }
        }
    };
}

figures! {
    /// Turns that committed.
    turns: Counter,
    /// Turns that were dropped, for any reason.
    dropped_turns: Counter,
    /// Turns that were dropped because the memory could not grow.
    dropped_memory: Counter,
    /// Turns that were dropped because they took too long.
    dropped_time: Counter,
    /// Turns that were dropped because they made too many host calls.
    dropped_host_calls: Counter,
    /// Turns that were dropped because they made too many allocations.
    dropped_allocations: Counter,
    /// Turns that were dropped because the guest trapped.
    dropped_trap: Counter,
    /// Turns that were dropped because the guest called `proc_exit`.
    dropped_exit: Counter,
    /// Turns that were dropped because the stack overflowed.
    dropped_stack: Counter,
    /// Turns that committed and returned a code other than 0.
    error_codes: Counter,
    /// Times that the instance was replaced.
    restarts: Counter,
    /// Messages that were delivered to it.
    messages_in: Counter,
    /// Messages that its turns sent.
    messages_out: Counter,
    /// Timers that fired for it.
    timers: Counter,
    /// Calls of host functions, without those of WASI.
    host_calls: Counter,
    /// Work of the host for its turns, in units of about a microsecond.
    work: Counter,
    /// Calls that did nothing because `max_turn_work` or `max_host_bytes` was reached.
    refused_work: Counter,
    /// Copies of broadcasts and of subscribed messages that were skipped: their receiver had no room, or
    /// its content limits forbade them.
    skipped: Counter,
    /// Time for which its guest ran, and for which the host worked for its turns and for its requests to
    /// `ams` and `df` and its calls for files, in microseconds.
    cpu_micros: Counter,
    /// Time of its turns, in microseconds: running, host calls and sleeping, without waiting for a
    /// worker.
    wall_micros: Counter,
    /// Memory after its last turn, in bytes.
    memory_bytes: Gauge,
    /// The most memory that it had after a turn, in bytes.
    peak_memory_bytes: Gauge,
    /// Bytes that it has stored: keys, values, and 96 for each key.
    stored_bytes: Gauge,
    /// Bytes that the host keeps for it, without stored data and waiting messages. They include those of
    /// agents that it deployed.
    host_bytes: Gauge,
    /// Messages that wait in the mailbox.
    mailbox_messages: Gauge,
    /// Log lines that were dropped.
    log_lines_dropped: Counter,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub turns: Counter,
    pub dropped_turns: Counter,
    dropped: [Counter; 7],
    pub error_codes: Counter,
    pub restarts: Counter,
    pub messages_in: Counter,
    pub messages_out: Counter,
    pub timers: Counter,
    pub host_calls: Counter,
    pub work: Counter,
    pub refused_work: Counter,
    pub skipped: Counter,
    memory_bytes: Counter,
    peak_memory_bytes: Counter,
    cpu_nanos: Counter,
    served_nanos: Counter,
    wall_nanos: Counter,
}

/// The kinds of faults that are counted one by one.
const KINDS: [FaultKind; 7] = [
    FaultKind::Memory,
    FaultKind::Time,
    FaultKind::HostCalls,
    FaultKind::Allocations,
    FaultKind::Trap,
    FaultKind::Exit,
    FaultKind::Stack,
];

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The same without an atomic addition: for figures that only the holder of the run token changes.
    pub fn add_alone(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// The agent ran for so many nanoseconds: its guest, or what the host does for its turns.
    pub fn ran(&self, nanos: u64) {
        self.cpu_nanos.add_alone(nanos);
    }

    /// `ams`, `df` or a thread for files worked for the agent for so many nanoseconds, perhaps beside a turn.
    pub fn served(&self, nanos: u64) {
        self.served_nanos.add(nanos);
    }

    /// A turn took so long, committed or dropped.
    pub fn took(&self, time: Duration) {
        self.wall_nanos.add_alone(time.as_nanos() as u64);
    }

    /// The guest has so much memory now.
    pub fn has_memory(&self, bytes: u64) {
        self.memory_bytes.0.store(bytes, Ordering::Relaxed);
        if self.peak_memory_bytes.get() < bytes {
            self.peak_memory_bytes.0.store(bytes, Ordering::Relaxed);
        }
    }

    /// A turn was dropped.
    pub fn dropped(&self, kind: FaultKind) {
        self.dropped_turns.add(1);
        if let Some(at) = KINDS.iter().position(|counted| *counted == kind) {
            self.dropped[at].add(1);
        }
    }

    pub fn read(&self) -> Stats {
        let [memory, time, host_calls, allocations, trap, exit, stack] =
            std::array::from_fn(|at| self.dropped[at].get());
        Stats {
            turns: self.turns.get(),
            dropped_turns: self.dropped_turns.get(),
            dropped_memory: memory,
            dropped_time: time,
            dropped_host_calls: host_calls,
            dropped_allocations: allocations,
            dropped_trap: trap,
            dropped_exit: exit,
            dropped_stack: stack,
            error_codes: self.error_codes.get(),
            restarts: self.restarts.get(),
            messages_in: self.messages_in.get(),
            messages_out: self.messages_out.get(),
            timers: self.timers.get(),
            host_calls: self.host_calls.get(),
            work: self.work.get(),
            refused_work: self.refused_work.get(),
            skipped: self.skipped.get(),
            cpu_micros: (self.cpu_nanos.get() + self.served_nanos.get()) / 1000,
            wall_micros: self.wall_nanos.get() / 1000,
            memory_bytes: self.memory_bytes.get(),
            peak_memory_bytes: self.peak_memory_bytes.get(),
            ..Stats::default()
        }
    }
}
