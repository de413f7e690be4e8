//! What an agent keeps between turns: stored data, timers, subscriptions. It outlives every
//! instance, and only changes when a turn commits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::data::Data;
use crate::account::{Account, Charge};
use crate::datum::Datum;
use crate::sandbox::{KEY_BYTES, Made};

/// Bytes of a timer, with its place in the calendar.
const TIMER_BYTES: usize = 128;

#[derive(Default)]
pub(crate) struct Holdings {
    inner: Mutex<Inner>,
    timer_ids: Ids,
    subscription_ids: Ids,
}

#[derive(Default)]
struct Inner {
    data: Data,
    data_bytes: u64,
    timers: HashMap<u32, Timer>,
    timer_charge: Option<Charge>,
    /// Timers that inits have set.
    timers_of_init: usize,
    /// The one that is being handled.
    ringing: Option<(u32, Timer)>,
    subscriptions: HashMap<u32, Made>,
    /// Subscriptions that inits have begun.
    subscriptions_of_init: usize,
}

/// One timer that is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timer {
    /// Microseconds since the Unix epoch.
    pub due: u64,
    pub made: Made,
}

/// Numbers that are never given twice.
#[derive(Default)]
struct Ids(AtomicU32);

impl Ids {
    fn next(&self) -> Option<u32> {
        let id = self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        // Guests see ids as positive i32.
        (id <= i32::MAX as u32).then_some(id)
    }
}

impl Holdings {
    /// The value under `key`.
    pub fn load(&self, key: &[u8]) -> Option<Datum> {
        self.inner.lock().data.get(key).cloned()
    }

    /// All that is stored.
    pub fn data(&self) -> Vec<Datum> {
        self.inner.lock().data.iter().cloned().collect()
    }

    /// Bytes of all values and their keys, and [`KEY_BYTES`] for each key.
    pub fn data_bytes(&self) -> u64 {
        self.inner.lock().data_bytes
    }

    /// Takes out all that is stored: the agent is gone, and a handle to it keeps nothing.
    pub fn take_data(&self) -> Data {
        let mut inner = self.inner.lock();
        inner.data_bytes = 0;
        std::mem::take(&mut inner.data)
    }

    /// Puts a value under its key, or deletes what is under a key that comes without one; what was there.
    pub fn put(&self, datum: Datum) -> Option<Datum> {
        let size = |datum: &Datum| datum.len() as u64 + KEY_BYTES;
        let mut inner = self.inner.lock();
        if datum.value().is_some() {
            inner.data_bytes += size(&datum);
        }
        let old = inner.data.put(datum);
        inner.data_bytes -= old.as_ref().map_or(0, size);
        old
    }

    /// A number for a new timer, where the agent may have `extra` and one more, at most `most`.
    pub fn new_timer(&self, extra: usize, fewer: usize, made: Made, most: u32) -> Option<u32> {
        let held = {
            let inner = self.inner.lock();
            counting(inner.timers.len(), inner.timers_of_init, made)
        };
        has_room(held.saturating_sub(fewer) + extra, most).then(|| self.timer_ids.next())?
    }

    /// Whether this timer is set.
    pub fn has_timer(&self, id: u32) -> bool {
        self.inner.lock().timers.contains_key(&id)
    }

    /// How many timers are set.
    pub fn timers(&self) -> usize {
        self.inner.lock().timers.len()
    }

    /// Sets a timer, which is charged to `account`.
    pub fn set_timer(&self, id: u32, timer: Timer, account: &Arc<Account>) {
        let mut inner = self.inner.lock();
        inner.timers_of_init += usize::from(timer.made == Made::InInit);
        if let Some(old) = inner.timers.insert(id, timer) {
            inner.timers_of_init -= usize::from(old.made == Made::InInit);
        }
        let bytes = inner.timers.len() * TIMER_BYTES;
        inner.timer_charge.get_or_insert_with(|| account.charge(0)).resize(bytes);
    }

    /// Takes a timer out; what it was. One that is being handled is not set again either, if that
    /// turn never happened.
    pub fn end_timer(&self, id: u32) -> Option<Timer> {
        let mut inner = self.inner.lock();
        let ringing = inner.ringing.take_if(|(other, _)| *other == id);
        inner.take_timer(id).or(ringing.map(|(_, timer)| timer))
    }

    /// Takes a timer out for the turn that handles it; whether it was still set.
    pub fn ring(&self, id: u32) -> bool {
        let mut inner = self.inner.lock();
        inner.ringing = inner.take_timer(id).map(|timer| (id, timer));
        inner.ringing.is_some()
    }

    /// The turn that handles this timer has come to its end; what the timer was, unless it was taken
    /// out meanwhile.
    pub fn rung(&self, id: u32) -> Option<Timer> {
        let ringing = self.inner.lock().ringing.take_if(|(other, _)| *other == id);
        ringing.map(|(_, timer)| timer)
    }

    /// The timers that were set then, or all.
    pub fn timers_made(&self, made: Option<Made>) -> Vec<u32> {
        let inner = self.inner.lock();
        let timers = inner.timers.iter();
        timers.filter(|(_, t)| made.is_none_or(|made| t.made == made)).map(|(id, _)| *id).collect()
    }

    /// A number for a new subscription, where the agent may have `extra` and one more, at most
    /// `most`.
    pub fn new_subscription(&self, extra: usize, made: Made, most: u32) -> Option<u32> {
        let held = {
            let inner = self.inner.lock();
            counting(inner.subscriptions.len(), inner.subscriptions_of_init, made)
        };
        has_room(held + extra, most).then(|| self.subscription_ids.next())?
    }

    pub fn has_subscription(&self, id: u32) -> bool {
        self.inner.lock().subscriptions.contains_key(&id)
    }

    pub fn begin_subscription(&self, id: u32, made: Made) {
        let mut inner = self.inner.lock();
        inner.subscriptions_of_init += usize::from(made == Made::InInit);
        if let Some(old) = inner.subscriptions.insert(id, made) {
            inner.subscriptions_of_init -= usize::from(old == Made::InInit);
        }
    }

    /// Takes a subscription out; when it was made.
    pub fn end_subscription(&self, id: u32) -> Option<Made> {
        let mut inner = self.inner.lock();
        let made = inner.subscriptions.remove(&id)?;
        inner.subscriptions_of_init -= usize::from(made == Made::InInit);
        Some(made)
    }

    /// The subscriptions that were made then, or all.
    pub fn subscriptions_made(&self, made: Option<Made>) -> Vec<u32> {
        let inner = self.inner.lock();
        let held = inner.subscriptions.iter();
        held.filter(|(_, m)| made.is_none_or(|made| **m == made)).map(|(id, _)| *id).collect()
    }

    /// Goes on counting where an earlier run of the runtime has ended.
    pub fn count_from(&self, next_timer: u32, next_subscription: u32) {
        self.timer_ids.0.fetch_max(next_timer.saturating_sub(1), Ordering::Relaxed);
        self.subscription_ids.0.fetch_max(next_subscription.saturating_sub(1), Ordering::Relaxed);
    }
}

impl Inner {
    fn take_timer(&mut self, id: u32) -> Option<Timer> {
        let timer = self.timers.remove(&id)?;
        let bytes = self.timers.len() * TIMER_BYTES;
        if let Some(charge) = &mut self.timer_charge {
            charge.resize(bytes);
        }
        self.timers_of_init -= usize::from(timer.made == Made::InInit);
        Some(timer)
    }
}

/// Number of those among `all` that take a place from what is made at `now`: an init takes the places of what
/// an earlier one made.
fn counting(all: usize, of_init: usize, now: Made) -> usize {
    if now == Made::InTurn { all } else { all - of_init }
}

fn has_room(held: usize, most: u32) -> bool {
    held < most as usize
}
