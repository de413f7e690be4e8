//! Prices: the host's work for a call of a guest, charged before the call does anything.
//!
//! A unit is about a microsecond of the host's time. Prices are the same on every machine, so that a turn is
//! refused alike everywhere. Prices with a store include the store's work.

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

    /// Returns the rest of this after `other`, or none if `other` is more.
    pub const fn less(self, other: Work) -> Self {
        Work(self.0.saturating_sub(other.0))
    }

    /// Returns the number of things of the price `each` that this pays for.
    pub fn pays_for(self, each: Work) -> usize {
        usize::try_from(self.0 / each.0.max(1)).unwrap_or(usize::MAX)
    }

    /// Returns whole units, rounded up.
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
    /// Price of a message, and of each started KiB of it.
    message: Work,
    message_kib: Work,
    /// Price of each receiver that a message reaches.
    pub receiver: Work,
    /// Price of a receiver's name that no member has, beyond that of a receiver: the sender gets a failure.
    pub stranger: Work,
    /// Price of each receiver of a message with a protocol or `reply_by`, whose conversation is followed.
    pub followed: Work,
    /// Price of each member that a broadcast looks at, times the capabilities and services of its filter; and
    /// of each member that it reaches.
    pub looked_at: Work,
    pub reached: Work,
    /// Price of each topic of a message, of each subscriber of the topic, and of each filter without a topic
    /// that is tried.
    topic: Work,
    subscriber: Work,
    filter: Work,
    /// Price of each topic of a subscription that begins or ends, since a turn enters or removes all of them
    /// at once.
    pub listed: Work,
    /// Price of a key that is written or deleted, a timer or a subscription, and of each started KiB of a
    /// value.
    kept: Work,
    kept_kib: Work,
    /// Price of a value that is read, and of each started KiB of it.
    loaded: Work,
    loaded_kib: Work,
    /// Price of a line of the log, and of each started KiB of it.
    line: Work,
    line_kib: Work,
    /// Price of a WASI call on a file, of each started 64 bytes of its paths, and of each started KiB that it
    /// reads or writes.
    pub file: Work,
    path_piece: Work,
    file_read_kib: Work,
    file_written_kib: Work,
    /// Price of each thing that a WASI call waits for, and of each entry of a folder that it lists.
    pub polled: Work,
    /// Price of each started KiB of random bytes.
    random_kib: Work,
    /// Price of each member for a message to `df` or `ams`, times one plus the started KiB of its content.
    searched: Work,
    /// Price of each standing search for a message to `df`, which may change a registration.
    told: Work,
}

/// Prices without a store.
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
    path_piece: Work::units(1),
    file_read_kib: Work::QUARTER,
    file_written_kib: Work::HALF,
    polled: Work::HALF,
    random_kib: Work::units(6),
    searched: Work::HALF,
    told: Work::units(4),
};

/// Prices with a store.
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
    path_piece: Work::units(1),
    file_read_kib: Work::QUARTER,
    file_written_kib: Work::HALF,
    polled: Work::HALF,
    random_kib: Work::units(6),
    searched: Work::HALF,
    told: Work::units(8),
};

/// The most standing searches that a message to `df` is charged for, so that searches of other agents cannot
/// make it too dear. The others are informed in slices.
const MOST_TOLD: usize = 1024;

/// The most subscribers of a topic, and the most filters without a topic, that a message is charged for, so
/// that subscriptions of other agents cannot make it too dear. The others are worked off in slices too.
const MOST_SUBSCRIBED: usize = 4096;

/// The piece of a path that has a price, in bytes.
const PATH_PIECE: usize = 64;

impl Prices {
    /// Returns the price of a message of `bytes`, without its receivers.
    pub fn message(&self, bytes: usize) -> Work {
        self.message + self.message_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of keeping `bytes`: a key and its value, a timer or a subscription.
    pub fn kept(&self, bytes: usize) -> Work {
        self.kept + self.kept_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of reading a value of `bytes`.
    pub fn loaded(&self, bytes: usize) -> Work {
        self.loaded + self.loaded_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of a log line of `bytes`.
    pub fn line(&self, bytes: usize) -> Work {
        self.line + self.line_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of a path of `bytes` in a WASI call, beside that of the call.
    pub fn path(&self, bytes: usize) -> Work {
        self.path_piece * bytes.div_ceil(PATH_PIECE)
    }

    /// Returns the price of a WASI call that reads into a buffer of `bytes`.
    pub fn file_read(&self, bytes: usize) -> Work {
        self.file + self.file_read_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of a WASI call that writes `bytes` to a file or to standard output.
    pub fn file_write(&self, bytes: usize) -> Work {
        self.file + self.file_written_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of `bytes` random bytes.
    pub fn random(&self, bytes: usize) -> Work {
        self.random_kib * bytes.div_ceil(1024)
    }

    /// Returns the price of a topic with `subscribers` subscribers.
    pub fn topic(&self, subscribers: usize) -> Work {
        self.topic + self.subscriber * subscribers.min(MOST_SUBSCRIBED)
    }

    /// Returns the price of trying `tried` filters without a topic.
    pub fn filters(&self, tried: usize) -> Work {
        self.filter * tried.min(MOST_SUBSCRIBED)
    }

    /// Returns the price of a message to `df` or `ams` with `content` bytes of content, beside so many
    /// members and standing searches.
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
        assert_eq!(IN_MEMORY.path(0).to_units(), 0);
        assert_eq!(IN_MEMORY.path(64).to_units(), 1);
        assert_eq!(WITH_STORE.path(65).to_units(), 2);
        assert_eq!(Work::units(100).less(Work::units(1)).pays_for(IN_MEMORY.file), 49);
        assert_eq!(Work::units(1).less(Work::units(2)).pays_for(Work::NONE), 0);
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
