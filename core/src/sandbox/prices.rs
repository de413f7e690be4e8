//! Prices: the host's work for a call of a guest, charged before the call does anything.
//!
//! A unit is about a microsecond of the host's time, on whatever machine, so that a turn is refused alike
//! everywhere. Prices with a store include its part.

use std::ops::{Add, Mul};

/// Work of the host, in quarters of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Work(u64);

impl Work {
    pub const NONE: Work = Work(0);
    const QUARTER: Work = Work(1);
    const HALF: Work = Work(2);

    pub const fn units(units: u64) -> Self {
        Work(units.saturating_mul(4))
    }

    /// Whole units, rounded up.
    pub const fn to_units(self) -> u64 {
        self.0.div_ceil(4)
    }
}

impl Add for Work {
    type Output = Work;

    fn add(self, other: Work) -> Work {
        Work(self.0.saturating_add(other.0))
    }
}

impl Mul<usize> for Work {
    type Output = Work;

    fn mul(self, times: usize) -> Work {
        Work(self.0.saturating_mul(times as u64))
    }
}

/// The price list.
#[derive(Debug)]
pub(crate) struct Prices {
    /// A message, and each started KiB of it.
    message: Work,
    message_kib: Work,
    /// A receiver whom the message reaches.
    pub receiver: Work,
    /// A name that nobody has, above the price of a receiver: the sender is told.
    pub stranger: Work,
    /// Each receiver of a message under a protocol, or with `reply_by`: its conversation is followed.
    pub followed: Work,
    /// A member that a broadcast looks at, times the capabilities and services of its filter, and one that it
    /// reaches.
    pub looked_at: Work,
    pub reached: Work,
    /// A topic of a message, each subscriber of it, and each filter without a topic that is tried.
    topic: Work,
    subscriber: Work,
    filter: Work,
    /// A topic of a subscription that begins or ends: a turn enters and takes out all that it lists at once.
    pub listed: Work,
    /// A key that is written or deleted, a timer, a subscription; and each started KiB of a value.
    kept: Work,
    kept_kib: Work,
    /// A value that is read, and each started KiB of it.
    loaded: Work,
    loaded_kib: Work,
    /// A line of the log, and each started KiB of it.
    line: Work,
    line_kib: Work,
    /// A call of WASI for a file, and each started KiB that it reads or writes.
    pub file: Work,
    file_read_kib: Work,
    file_written_kib: Work,
    /// What a call of WASI waits for, or finds in a folder that it lists.
    pub polled: Work,
    /// Each started KiB of random bytes.
    random_kib: Work,
    /// A message to `df` or `ams`: each member, times one and the KiB of its content.
    searched: Work,
    /// A change of a registration: each standing search.
    told: Work,
}

/// Prices where all is in memory.
pub(crate) static IN_MEMORY: Prices = Prices {
    message: Work::units(2),
    message_kib: Work::units(1),
    receiver: Work::units(1),
    stranger: Work::units(3),
    followed: Work::units(2),
    looked_at: Work::HALF,
    reached: Work::units(1),
    topic: Work::units(1),
    subscriber: Work::units(1),
    filter: Work::HALF,
    listed: Work::units(8),
    kept: Work::units(2),
    kept_kib: Work::units(1),
    loaded: Work::HALF,
    loaded_kib: Work::QUARTER,
    line: Work::HALF,
    line_kib: Work::HALF,
    file: Work::units(2),
    file_read_kib: Work::QUARTER,
    file_written_kib: Work::HALF,
    polled: Work::HALF,
    random_kib: Work::units(6),
    searched: Work::HALF,
    told: Work::units(4),
};

/// Prices where turns are kept in a store.
pub(crate) static WITH_STORE: Prices = Prices {
    message: Work::units(4),
    message_kib: Work::units(8),
    receiver: Work::units(4),
    stranger: Work::units(8),
    followed: Work::units(2),
    looked_at: Work::HALF,
    reached: Work::units(4),
    topic: Work::units(1),
    subscriber: Work::units(4),
    filter: Work::HALF,
    listed: Work::units(8),
    kept: Work::units(4),
    kept_kib: Work::units(4),
    loaded: Work::HALF,
    loaded_kib: Work::QUARTER,
    line: Work::HALF,
    line_kib: Work::HALF,
    file: Work::units(2),
    file_read_kib: Work::QUARTER,
    file_written_kib: Work::HALF,
    polled: Work::HALF,
    random_kib: Work::units(6),
    searched: Work::HALF,
    told: Work::units(8),
};

/// The most standing searches that a change of a registration is charged for: no sender pays for more that
/// others have begun, and the rest is told in slices.
const MOST_TOLD: usize = 1024;

/// The most subscribers of a topic, and the most filters without a topic, that a message is charged for: others
/// have subscribed, and the rest is looked at in slices too.
const MOST_SUBSCRIBED: usize = 4096;

impl Prices {
    /// A message of `bytes`, without its receivers.
    pub fn message(&self, bytes: usize) -> Work {
        self.message + self.message_kib * bytes.div_ceil(1024)
    }

    /// Something that is kept, of `bytes`.
    pub fn kept(&self, bytes: usize) -> Work {
        self.kept + self.kept_kib * bytes.div_ceil(1024)
    }

    /// A value of `bytes` that is read.
    pub fn loaded(&self, bytes: usize) -> Work {
        self.loaded + self.loaded_kib * bytes.div_ceil(1024)
    }

    /// A line of the log of `bytes`.
    pub fn line(&self, bytes: usize) -> Work {
        self.line + self.line_kib * bytes.div_ceil(1024)
    }

    /// A call of WASI that reads into a buffer of `bytes`.
    pub fn file_read(&self, bytes: usize) -> Work {
        self.file + self.file_read_kib * bytes.div_ceil(1024)
    }

    /// A call of WASI that writes `bytes`, be it to a file or to standard output.
    pub fn file_write(&self, bytes: usize) -> Work {
        self.file + self.file_written_kib * bytes.div_ceil(1024)
    }

    /// So many random bytes.
    pub fn random(&self, bytes: usize) -> Work {
        self.random_kib * bytes.div_ceil(1024)
    }

    /// A topic with so many subscribers.
    pub fn topic(&self, subscribers: usize) -> Work {
        self.topic + self.subscriber * subscribers.min(MOST_SUBSCRIBED)
    }

    /// So many filters without a topic that are tried.
    pub fn filters(&self, tried: usize) -> Work {
        self.filter * tried.min(MOST_SUBSCRIBED)
    }

    /// A message with `content` bytes to `df` or `ams`, with so many members and standing searches.
    pub fn service(&self, members: usize, content: usize, searches: usize) -> Work {
        let times = content.div_ceil(1024).saturating_add(1);
        self.searched * members.saturating_mul(times) + self.told * searches.min(MOST_TOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn started_kib_count_and_parts_of_a_unit_are_rounded_up_once() {
        assert_eq!(IN_MEMORY.message(0).to_units(), 2);
        assert_eq!(IN_MEMORY.message(1).to_units(), 3);
        assert_eq!(IN_MEMORY.message(1024).to_units(), 3);
        assert_eq!(IN_MEMORY.message(1025).to_units(), 4);
        assert_eq!(WITH_STORE.message(1 << 20).to_units(), 4 + 8 * 1024);
        assert_eq!((IN_MEMORY.looked_at * 3).to_units(), 2);
        assert_eq!(IN_MEMORY.loaded(5 << 10).to_units(), 2);
        assert_eq!(IN_MEMORY.service(10_000, 100, 0).to_units(), 10_000);
        assert_eq!(IN_MEMORY.service(0, 0, usize::MAX).to_units(), 4 * 1024);
    }

    #[test]
    fn whoever_subscribes_does_not_make_the_messages_of_others_dear() {
        assert_eq!(IN_MEMORY.topic(0).to_units(), 1);
        assert_eq!(IN_MEMORY.topic(100).to_units(), 101);
        assert_eq!(WITH_STORE.topic(usize::MAX).to_units(), 1 + 4 * 4096);
        assert_eq!(IN_MEMORY.filters(3).to_units(), 2);
        assert_eq!(WITH_STORE.filters(usize::MAX).to_units(), 2048);
    }

    #[test]
    fn no_sum_goes_round() {
        assert_eq!(Work::units(u64::MAX) + Work::units(1), Work(u64::MAX));
        assert_eq!(WITH_STORE.receiver * usize::MAX, Work(u64::MAX));
    }
}
