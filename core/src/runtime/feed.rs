//! What a script subscribed to, and has not read yet.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::core::Core;
use crate::error::{Error, ErrorKind};
use crate::message::Message;

/// Messages that wait for a script's subscription.
const CAPACITY: usize = 1024;
/// Bytes of the messages that wait.
const CAPACITY_BYTES: usize = 16 << 20;

/// Copies of the messages, or the events, that match a filter. A slow reader misses some and is told how many; the
/// runtime never waits for it. Dropping it ends the subscription.
pub struct Subscription {
    feed: Arc<Feed>,
    core: Arc<Core>,
}

impl Subscription {
    pub(super) fn new(feed: Arc<Feed>, core: Arc<Core>) -> Self {
        Subscription { feed, core }
    }
}

/// What waits for one subscription.
#[derive(Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    missed: u64,
    closed: bool,
    /// Who waits for a message, by a number of its own.
    wakers: Vec<(u64, Waker)>,
    next_reader: u64,
}

/// Who calls `poll_next`: one reader, however often its task changes.
const POLLING: u64 = 0;

impl Subscription {
    /// The next message; `None` once the subscription or the runtime is closed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is only taken when it is returned.
    pub async fn next(&self) -> Option<Message> {
        let reader = Reader::new(&self.feed);
        poll_fn(|context| self.feed.poll(reader.number, context)).await
    }

    /// The same for at most `timeout`; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] if no message came.
    ///
    /// # Cancel safety
    ///
    /// As [`Subscription::next`].
    pub async fn next_within(&self, timeout: Option<Duration>) -> Result<Option<Message>, Error> {
        self.core.within_time(timeout, self.next()).await.ok_or_else(|| {
            let waited = timeout.unwrap_or_default();
            Error::new(ErrorKind::Timeout, format!("no message came within {waited:?}"))
        })
    }

    /// The same as a poll, for one task: only who polled last is woken.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.feed.poll(POLLING, context)
    }

    /// Returns the next message if one waits.
    pub fn try_next(&self) -> Option<Message> {
        let mut state = self.feed.state.lock();
        let message = state.waiting.pop_front()?;
        state.bytes -= message.charge();
        Some(message)
    }

    /// The number of messages that found no room since the subscription began.
    pub fn missed(&self) -> u64 {
        self.feed.state.lock().missed
    }

    /// Ends the subscription. Messages that wait can still be read.
    pub fn close(&self) {
        self.core.subscriptions.remove(&self.feed);
        self.core.events.remove(&self.feed);
        self.feed.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}

/// One call of [`Subscription::next`]; leaves nothing behind when it is given up.
struct Reader<'a> {
    feed: &'a Feed,
    number: u64,
}

impl<'a> Reader<'a> {
    fn new(feed: &'a Feed) -> Self {
        let mut state = feed.state.lock();
        state.next_reader += 1;
        Reader { feed, number: state.next_reader }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // Dropping a waker may drop a task, and what that holds, which may be a reader of this feed.
        let own = {
            let mut state = self.feed.state.lock();
            let own = state.wakers.iter().position(|(number, _)| *number == self.number);
            own.map(|at| state.wakers.swap_remove(at))
        };
        drop(own);
    }
}

impl Feed {
    fn poll(&self, reader: u64, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state.lock();
        if let Some(message) = state.waiting.pop_front() {
            state.bytes -= message.charge();
            return Poll::Ready(Some(message));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        let waker = context.waker().clone();
        let old = match state.wakers.iter_mut().find(|(number, _)| *number == reader) {
            Some((_, old)) => Some(std::mem::replace(old, waker)),
            None => {
                state.wakers.push((reader, waker));
                None
            }
        };
        // As for a reader that is dropped.
        drop(state);
        drop(old);
        Poll::Pending
    }

    pub(super) fn push(&self, message: &Message) {
        let mut state = self.state.lock();
        let full = state.waiting.len() >= CAPACITY
            || (state.bytes + message.charge() > CAPACITY_BYTES && !state.waiting.is_empty());
        if full {
            state.missed += 1;
            return;
        }
        state.bytes += message.charge();
        state.waiting.push_back(message.clone());
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for (_, waker) in wakers {
            waker.wake();
        }
    }
}

/// The feeds of scripts, and what each of them wants.
pub(crate) struct Feeds<F> {
    feeds: ArcSwap<Vec<(Arc<F>, Arc<Feed>)>>,
    count: AtomicUsize,
}

impl<F> Default for Feeds<F> {
    fn default() -> Self {
        Feeds { feeds: ArcSwap::default(), count: AtomicUsize::new(0) }
    }
}

impl<F> Feeds<F> {
    pub fn add(&self, wanted: F, feed: &Arc<Feed>) {
        let wanted = Arc::new(wanted);
        self.change(|feeds| feeds.push((wanted.clone(), feed.clone())));
    }

    fn remove(&self, feed: &Arc<Feed>) {
        if !self.is_empty() {
            self.change(|feeds| feeds.retain(|(_, other)| !Arc::ptr_eq(other, feed)));
        }
    }

    fn change(&self, change: impl Fn(&mut Vec<(Arc<F>, Arc<Feed>)>)) {
        self.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            change(&mut feeds);
            feeds
        });
        self.count.store(self.feeds.load().len(), Ordering::Release);
    }

    /// Whether nobody reads any.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether one of them wants something.
    pub fn any(&self, wants: impl Fn(&F) -> bool) -> bool {
        self.feeds.load().iter().any(|(wanted, _)| wants(wanted))
    }

    /// Gives a message to those that want it; whether there was one.
    pub fn push(&self, message: &Message, wants: impl Fn(&F) -> bool) -> bool {
        let mut seen = false;
        for (wanted, feed) in self.feeds.load().iter() {
            if wants(wanted) {
                feed.push(message);
                seen = true;
            }
        }
        seen
    }

    pub fn close_all(&self) {
        for (_, feed) in self.feeds.load().iter() {
            feed.close();
        }
    }
}
