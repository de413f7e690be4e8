//! A token bucket that holds one second's worth.

use std::time::Duration;

use parking_lot::Mutex;

pub(super) struct Bucket {
    per_second: Option<u32>,
    state: Mutex<State>,
}

struct State {
    tokens: f64,
    at: Duration,
}

impl Bucket {
    pub fn new(per_second: Option<u32>) -> Self {
        let tokens = f64::from(per_second.unwrap_or(0));
        Bucket { per_second, state: Mutex::new(State { tokens, at: Duration::ZERO }) }
    }

    /// Takes a token at the time `now`, if there is one.
    pub fn take(&self, now: impl FnOnce() -> Duration) -> bool {
        let Some(rate) = self.per_second else {
            return true;
        };
        let now = now();
        let mut state = self.state.lock();
        let gained = now.saturating_sub(state.at).as_secs_f64() * f64::from(rate);
        state.tokens = (state.tokens + gained).min(f64::from(rate));
        state.at = state.at.max(now);
        let has_one = state.tokens >= 1.0;
        if has_one {
            state.tokens -= 1.0;
        }
        has_one
    }
}

/// Lets one event a second through, with the count of those since the last.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Mutex<(Option<Duration>, u64)>);

impl Quiet {
    /// Counts one event at the time `now`; the number of those that are told now, if they are.
    pub fn count(&self, now: Duration) -> Option<u64> {
        let mut state = self.0.lock();
        let (last, count) = &mut *state;
        *count += 1;
        if last.is_some_and(|last| now.saturating_sub(last) < Duration::from_secs(1)) {
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_second_carries_the_count() {
        let quiet = Quiet::default();
        let told = |at: u64| quiet.count(Duration::from_millis(at));
        assert_eq!(told(0), Some(1));
        assert_eq!((told(1), told(999)), (None, None));
        assert_eq!(told(1000), Some(3));
        assert_eq!(told(1500), None);
        assert_eq!(told(5000), Some(2));
    }

    #[test]
    fn holds_one_second_and_refills() {
        let bucket = Bucket::new(Some(10));
        let taken = |at: u64| (0..20).filter(|_| bucket.take(|| Duration::from_millis(at))).count();
        assert_eq!(taken(0), 10);
        assert_eq!(taken(500), 5);
        assert_eq!(taken(10_000), 10);
        assert!(Bucket::new(None).take(|| Duration::ZERO));
        assert!(!Bucket::new(Some(0)).take(|| Duration::from_secs(9)));
    }
}
