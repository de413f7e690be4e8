//! The one source of time, randomness and ids, so that a run can be replayed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::message::Traceparent;

/// Where a runtime takes time, randomness and ids from.
pub(crate) struct Source {
    /// The offset of wall time from `origin`, taken once: wall time never jumps within a run.
    origin: Instant,
    origin_micros: u64,
    random: Mutex<StdRng>,
    /// For spans, so that who watches does not change what is seen.
    spans: Mutex<StdRng>,
    id_prefix: u64,
    next_id: AtomicU64,
}

impl Source {
    /// A source that is seeded by the operating system, or by `seed` for a run to replay.
    pub fn new(seed: Option<u64>) -> Self {
        let mut random = match seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_rng(&mut rand::rng()),
        };
        let id_prefix = random.next_u64();
        Source {
            origin: monotonic(),
            origin_micros: wall_micros(),
            spans: Mutex::new(StdRng::seed_from_u64(random.next_u64())),
            random: Mutex::new(random),
            id_prefix,
            next_id: AtomicU64::new(0),
        }
    }

    /// Microseconds since the Unix epoch; never goes backwards.
    pub fn now_micros(&self) -> u64 {
        self.origin_micros.saturating_add(self.origin.elapsed().as_micros() as u64)
    }

    /// Time since the runtime began.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// 32 random bits.
    pub fn random_u32(&self) -> u32 {
        self.random.lock().next_u32()
    }

    /// A generator of its own, for a guest's WASI.
    pub fn fork_random(&self) -> StdRng {
        StdRng::seed_from_u64(self.random.lock().next_u64())
    }

    /// A new span: a child of `parent`, or the first of its trace.
    pub fn new_span(&self, parent: Option<Traceparent>) -> Traceparent {
        let mut random = self.spans.lock();
        // Neither may be 0.
        let span_id = random.next_u64().max(1);
        match parent {
            Some(parent) => Traceparent { span_id, ..parent },
            None => {
                let trace_id = u128::from(random.next_u64()) << 64 | u128::from(span_id);
                Traceparent { trace_id, span_id: random.next_u64().max(1), flags: 1 }
            }
        }
    }

    /// A UUID of version 7: it sorts by time, and by order within this runtime.
    pub fn next_id(&self, at_micros: u64) -> Id {
        let count = self.next_id.fetch_add(1, Ordering::Relaxed);
        // After the version and the variant, a counter: ids of one millisecond keep their order.
        let mut bytes = [0u8; 16];
        bytes[..6].copy_from_slice(&(at_micros / 1000).to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | (count >> 14 & 0x0fff) as u16).to_be_bytes());
        bytes[8..10].copy_from_slice(&(0x8000 | (count & 0x3fff) as u16).to_be_bytes());
        bytes[10..].copy_from_slice(&(self.id_prefix ^ (count >> 26)).to_be_bytes()[2..]);
        Id::new(uuid::Uuid::from_bytes(bytes), at_micros)
    }
}

/// A UUID as text, without an allocation.
pub(crate) struct Id {
    text: [u8; uuid::fmt::Hyphenated::LENGTH],
    /// Microseconds since the Unix epoch.
    pub made_at: u64,
}

impl Id {
    fn new(uuid: uuid::Uuid, made_at: u64) -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        uuid.hyphenated().encode_lower(&mut text);
        Id { text, made_at }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }
}

/// The clock that limits and deadlines are measured by.
#[allow(clippy::disallowed_methods, reason = "this is the source that the rest is held to")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// The same clock in nanoseconds since the process first asked.
pub(crate) fn nanos() -> u64 {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(monotonic);
    ORIGIN.elapsed().as_nanos() as u64
}

/// The time of day, as files have it.
#[allow(clippy::disallowed_methods, reason = "this is the source that the rest is held to")]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

fn wall_micros() -> u64 {
    wall_clock().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
