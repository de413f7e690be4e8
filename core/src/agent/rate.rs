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

#[cfg(test)]
mod tests {
    use super::*;

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
