//! The limits of an agent.

use crate::by_name::by_name;
use crate::error::{Error, ErrorKind};

/// The limits of one agent. `None` lifts a limit that is an `Option`. `0` means no limit for
/// `max_memory_bytes` only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory, in bytes. Growth above it fails inside the guest as a failed allocation.
    pub max_memory_bytes: u64,
    /// The longest time for which a turn runs without a pause while other turns wait for a worker, in
    /// microseconds; at least 1000. A long turn pauses sooner for short turns, and for agents that have
    /// had less time.
    pub max_cpu_micros: u64,
    /// Time of one turn, in microseconds: running, host calls and sleeping together. The time for which other
    /// agents or other programs have the processor does not count.
    pub max_execution_time_micros: Option<u64>,
    /// Calls of host functions in one turn, without those of WASI.
    pub max_host_calls: Option<u64>,
    /// Allocations of one turn: `memory.grow`, `table.grow`, and each entry into an allocator that
    /// the module exports, also from the module's own code.
    pub max_allocations: Option<u64>,
    /// Messages sent in a second, without the first reply to the sender of the message in hand.
    pub max_messages_per_second: Option<u32>,
    /// All effects of one turn together, in bytes.
    pub max_turn_bytes: u64,
    /// Work of the host for one turn, in units of about a microsecond: for its messages, stored data,
    /// timers, subscriptions and calls of WASI. A call that would go above it fails and does nothing.
    pub max_turn_work: Option<u64>,
    /// Memory that the host keeps for the agent, in bytes, without stored data and waiting messages.
    pub max_host_bytes: u64,
    /// The agent's weight when agents compete for the processor, from 1 to 10,000.
    pub cpu_share: u32,
    /// One message as JSON, in bytes.
    pub max_message_bytes: u64,
    /// Messages that wait in the mailbox.
    pub mailbox_capacity: u32,
    /// Bytes of the messages that wait in the mailbox.
    pub mailbox_bytes: u64,
    /// Stored data of the agent, in bytes: keys, values, and 96 for each key.
    pub max_storage_bytes: u64,
    /// Timers that the agent has set.
    pub max_timers: u32,
    /// Subscriptions of the agent.
    pub max_subscriptions: u32,
    /// Log output of one turn, in bytes; the rest is dropped and counted.
    pub max_log_bytes: u64,
    /// Elements of all tables of the module.
    pub max_table_elements: u64,
}

/// The largest message: offsets in it are 32 bits wide.
const LARGEST_MESSAGE: u64 = 1 << 30;

/// The default weight.
const CPU_SHARE: u32 = 100;
/// The largest weight.
const MOST_CPU_SHARE: u32 = 10_000;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_memory_bytes: 50 << 20,
            max_cpu_micros: 100_000,
            max_execution_time_micros: Some(1_000_000),
            max_host_calls: Some(1000),
            max_allocations: Some(10_000),
            max_messages_per_second: Some(100),
            max_turn_bytes: 16 << 20,
            max_turn_work: Some(100_000),
            max_host_bytes: 64 << 20,
            cpu_share: CPU_SHARE,
            max_message_bytes: 1 << 20,
            mailbox_capacity: 1024,
            mailbox_bytes: 16 << 20,
            max_storage_bytes: 64 << 20,
            max_timers: 1024,
            max_subscriptions: 64,
            max_log_bytes: 64 << 10,
            max_table_elements: 100_000,
        }
    }
}

by_name! { Limits {
    max_memory_bytes: zero,
    max_cpu_micros: (most u64::MAX),
    max_execution_time_micros: optional,
    max_host_calls: optional,
    max_allocations: optional,
    max_messages_per_second: optional,
    max_turn_bytes: (most u64::MAX),
    max_turn_work: optional,
    max_host_bytes: (most u64::MAX),
    cpu_share: (usual CPU_SHARE),
    max_message_bytes: (most LARGEST_MESSAGE),
    mailbox_capacity: (most u32::MAX),
    mailbox_bytes: (most u64::MAX),
    max_storage_bytes: (most u64::MAX),
    max_timers: (most u32::MAX),
    max_subscriptions: (most u32::MAX),
    max_log_bytes: (most u64::MAX),
    max_table_elements: (most u64::MAX),
}}

impl Limits {
    /// The most memory that a guest may have: the limit, or all of a 32-bit address space.
    pub(crate) fn memory_ceiling(&self) -> u64 {
        if self.max_memory_bytes == 0 { 1 << 32 } else { self.max_memory_bytes }
    }

    /// These limits, none of them above `most`.
    pub(crate) fn within(&self, most: &Limits) -> Limits {
        let mut limits = self.clone();
        for name in Self::NAMES {
            let bound = match (self.get(name), most.get(name)) {
                (Some(own), Some(most)) => Some(own.min(most)),
                (own, most) => own.or(most),
            };
            // A value that a limit had fits it.
            let _ = limits.set(name, bound);
        }
        limits
    }

    /// Checks that every limit can be kept.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::new(ErrorKind::InvalidArgument, text));
        if self.max_cpu_micros < 1000 {
            return wrong(format!(
                "max_cpu_micros is {}, and a quantum has at least 1000 microseconds",
                self.max_cpu_micros
            ));
        }
        if self.max_execution_time_micros == Some(0) {
            return wrong(
                "max_execution_time_micros is 0, expected 1 or more, or none for no limit"
                    .to_owned(),
            );
        }
        if self.cpu_share == 0 || self.cpu_share > MOST_CPU_SHARE {
            return wrong(format!(
                "cpu_share is {}, expected 1 to {MOST_CPU_SHARE}",
                self.cpu_share
            ));
        }
        if self.max_message_bytes == 0 || self.max_message_bytes > LARGEST_MESSAGE {
            return wrong(format!(
                "max_message_bytes is {}, expected 1 to {LARGEST_MESSAGE}",
                self.max_message_bytes
            ));
        }
        if self.mailbox_capacity == 0 || self.mailbox_bytes < self.max_message_bytes {
            return wrong(format!(
                "a mailbox of {} messages and {} bytes cannot take one message of {} bytes",
                self.mailbox_capacity, self.mailbox_bytes, self.max_message_bytes
            ));
        }
        Ok(())
    }
}
