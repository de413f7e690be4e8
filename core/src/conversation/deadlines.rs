//! Answers that are due: messages whose `reply_by` says until when somebody waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::waits::Circle;
use crate::message::Message;
use crate::scheduler::Calendar;

/// The most answers that are waited for in one name; later ones have no deadline.
const MAX_EACH: u32 = 16_384;

/// What comes due.
pub(crate) enum Due {
    /// The answer of `asked` to this message.
    Answer { message: Message, asked: Arc<str> },
    /// A look at agents that waited for each other in a circle, which was looked at so often.
    Circle { circle: Circle, looks: u32 },
}

/// The answers that are due.
#[derive(Default)]
pub(crate) struct Deadlines {
    pub calendar: Calendar<u64, Due>,
    next: AtomicU64,
    pending: Mutex<Pending>,
    count: AtomicUsize,
}

/// By who waits. Nobody's waiting slows another's down.
type Pending = HashMap<Box<str>, Waiter>;

/// The answers that one waits for.
#[derive(Default)]
struct Waiter {
    /// By who has to answer.
    by_asked: HashMap<Arc<str>, Vec<Entry>>,
    count: u32,
}

struct Entry {
    message: Message,
    due: u64,
    key: u64,
}

impl Deadlines {
    /// Whether nothing is due.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Waits for the answer of `asked` to `message`, if the message says until when; false where too
    /// many are waited for already.
    pub fn begin(&self, message: &Message, asked: &Arc<str>) -> bool {
        let Some(due) = message.reply_by() else { return true };
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        {
            let mut pending = self.pending.lock();
            let waiter = pending.entry(message.answer_to().into()).or_default();
            if waiter.count >= MAX_EACH {
                return false;
            }
            waiter.count += 1;
            let entry = Entry { message: message.clone(), due, key };
            waiter.by_asked.entry(asked.clone()).or_default().push(entry);
        }
        self.count.fetch_add(1, Ordering::AcqRel);
        self.calendar.set(due, key, Due::Answer { message: message.clone(), asked: asked.clone() });
        true
    }

    /// `from` has said something to `to`: what that answers is due no more.
    pub fn answered(&self, from: &str, to: &str, message: &Message) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        self.remove(to, from, |entry| message.answers(&entry.message));
        if message.reply_with().is_some() {
            self.passed_on(from, to, message);
        }
    }

    /// Who was asked has passed on what it was asked: the answer is due from the next.
    fn passed_on(&self, from: &str, to: &str, message: &Message) {
        let mut pending = self.pending.lock();
        let Some(waiter) = pending.get_mut(message.answer_to()) else { return };
        let Some(entries) = waiter.by_asked.get_mut(from) else { return };
        let is_it = |entry: &Entry| entry.message.reply_with() == message.reply_with();
        let Some(at) = entries.iter().position(is_it) else { return };
        let entry = entries.swap_remove(at);
        if entries.is_empty() {
            waiter.by_asked.remove(from);
        }
        let asked: Arc<str> = to.into();
        let due = Due::Answer { message: entry.message.clone(), asked: asked.clone() };
        self.calendar.cancel(entry.due, entry.key);
        self.calendar.set(entry.due, entry.key, due);
        waiter.by_asked.entry(asked).or_default().push(entry);
    }

    /// The message never happened, or the time of its answer is over; whether it was waited for.
    pub fn end(&self, message: &Message, asked: &str) -> bool {
        let is_it = |entry: &Entry| entry.message.message_id() == message.message_id();
        self.remove(message.answer_to(), asked, is_it)
    }

    fn remove(&self, waiter: &str, asked: &str, is_it: impl Fn(&Entry) -> bool) -> bool {
        let mut taken = Vec::new();
        {
            let mut pending = self.pending.lock();
            let Some(waiting) = pending.get_mut(waiter) else { return false };
            let Some(entries) = waiting.by_asked.get_mut(asked) else { return false };
            entries.retain(|entry| {
                let is_it = is_it(entry);
                if is_it {
                    taken.push((entry.due, entry.key));
                }
                !is_it
            });
            if entries.is_empty() {
                waiting.by_asked.remove(asked);
            }
            waiting.count -= taken.len() as u32;
            if waiting.count == 0 {
                pending.remove(waiter);
            }
        }
        self.count.fetch_sub(taken.len(), Ordering::AcqRel);
        for (due, key) in &taken {
            self.calendar.cancel(*due, *key);
        }
        !taken.is_empty()
    }

    /// Looks at a circle of waiting at `due`.
    pub fn look(&self, due: u64, circle: Circle, looks: u32) {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        self.calendar.set(due, key, Due::Circle { circle, looks });
    }
}
