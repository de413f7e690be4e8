//! Asks: messages whose answer somebody waits for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use dashmap::mapref::entry::Entry;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::call::Gathering;
use super::core::{Core, Party};
use super::following::has_proposals;
use super::posting::{Outward, Post};
use crate::by_name::ByName;
use crate::conversation::Protocol;
use crate::error::Error;
use crate::host_agent::{HostAgent, Within};
use crate::message::{Message, Performative};

/// An ask that has not been answered. Every message that it led to carries it along.
pub(crate) struct Ask {
    /// The `reply_with` that an answer names.
    key: Arc<str>,
    conversation_id: Option<Arc<str>>,
    /// The name that an answer is sent to.
    asker: Arc<str>,
    awaits: Awaits,
    /// The ask that the asking handler is itself a part of, and that handler.
    parent: Option<Arc<Ask>>,
    handler: Option<Within>,
    gathering: Option<Arc<Gathering>>,
    state: Mutex<State>,
}

/// Which answers are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// The first.
    First,
    /// The first that is no `agree`: the result of what was agreed to.
    Result,
    /// Every one, in a conversation of this protocol.
    Every(Protocol),
}

#[derive(Default)]
struct State {
    /// Serials of those whose answers count, beside the runtime's own; sorted.
    allowed: SmallVec<[u64; 4]>,
    /// Those of them that will not answer; sorted.
    lost: SmallVec<[u64; 1]>,
    answers: VecDeque<Result<Message, Error>>,
    bytes: usize,
    /// Answers that found no room.
    missed: u64,
    /// An `agree` has come.
    agreed: bool,
    /// Nobody waits any more, but answers are still taken.
    lingers: bool,
    done: bool,
    /// Who waits: one, unless several read the answers of one exchange.
    wakers: SmallVec<[Waker; 1]>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is none that this ask waits for.
    No,
    Yes,
    /// A proposal that came after its time: it has to be rejected.
    TooLate,
}

/// The most agents that one ask is passed on to; answers of further ones do not count.
const MAX_ALLOWED: usize = 16_384;
/// The most answers, and the most bytes of answers, that wait to be looked at.
const MAX_ANSWERS: usize = 32_768;
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// The most that read the answers of one exchange at once.
const MAX_READERS: usize = 64;
/// What stands behind the key of an ask in the `reply_with` of a message that is not its first.
const FURTHER: char = '#';

pub(crate) struct AskParts<'a> {
    pub key: &'a str,
    pub conversation_id: Option<&'a str>,
    pub asker: Arc<str>,
    pub awaits: Awaits,
    pub parent: Option<Arc<Ask>>,
    pub handler: Option<Within>,
    /// The many asks that it is one of.
    pub gathering: Option<Arc<Gathering>>,
}

impl Ask {
    pub fn new(parts: AskParts<'_>) -> Arc<Self> {
        Arc::new(Ask {
            key: parts.key.into(),
            conversation_id: parts.conversation_id.map(Into::into),
            asker: parts.asker,
            awaits: parts.awaits,
            parent: parts.parent,
            handler: parts.handler,
            gathering: parts.gathering,
            state: Mutex::default(),
        })
    }

    /// From now on an answer of the agent `serial` counts.
    pub fn allow(&self, serial: u64) {
        let mut state = self.state.lock();
        if !state.done
            && state.allowed.len() < MAX_ALLOWED
            && let Err(at) = state.allowed.binary_search(&serial)
        {
            state.allowed.insert(at, serial);
        }
    }

    /// `from` passed the message on to `to`: whose answer counted, makes that of the next count.
    pub fn pass_on(&self, from: u64, to: u64) {
        if self.counts(from) {
            self.allow(to);
        }
    }

    /// Returns true if an answer of the agent `serial` counts.
    pub fn counts(&self, serial: u64) -> bool {
        self.state.lock().allowed.binary_search(&serial).is_ok()
    }

    /// The asks of this chain, this one first, that wait in a handler of this host agent. A handler that has come
    /// to its end waits for nothing, whatever it has left behind goes on asking.
    pub fn waiting_in<'a>(
        self: &'a Arc<Self>,
        host: &'a HostAgent,
    ) -> impl Iterator<Item = &'a Arc<Self>> {
        let chain = std::iter::successors(Some(self), |ask| ask.parent.as_ref());
        chain.filter(|ask| {
            ask.handler.is_some_and(|handler| host.handles(handler)) && !ask.state.lock().done
        })
    }

    /// What an answer names.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What an answer to a message names that is not the first of this ask.
    pub fn key_of(&self, message: impl std::fmt::Display) -> String {
        format!("{}{FURTHER}{message}", self.key)
    }

    /// The name that an answer is sent to.
    pub fn asker(&self) -> &str {
        &self.asker
    }

    /// Whether who answers `message` may answer this ask with it: it keeps the `reply_with` or the
    /// conversation.
    pub fn is_kept_by(&self, message: &Message) -> bool {
        message.reply_with().is_some_and(|key| key == &*self.key || stem(key) == &*self.key)
            || (message.conversation_id().is_some()
                && message.conversation_id() == self.conversation_id.as_deref())
    }

    fn is_answer(&self, message: &Message, to: &str) -> bool {
        if to != &*self.asker {
            return false;
        }
        match message.in_reply_to() {
            Some(key) if key == &*self.key || stem(key) == &*self.key => true,
            Some(_) if !matches!(self.awaits, Awaits::Every(_)) => false,
            _ => {
                message.conversation_id().is_some()
                    && message.conversation_id() == self.conversation_id.as_deref()
            }
        }
    }

    /// Takes an answer of `from`, if it counts and is waited for.
    pub fn answer(&self, from: u64, message: &Message) -> Taken {
        let mut state = self.state.lock();
        if !state.takes(from) {
            return Taken::No;
        }
        let act = message.performative();
        if state.lingers {
            let is_late = act == Performative::Propose
                && matches!(self.awaits, Awaits::Every(protocol) if has_proposals(protocol));
            return if is_late { Taken::TooLate } else { Taken::Yes };
        }
        if act == Performative::Agree && self.awaits == Awaits::Result {
            state.agreed = true;
            return Taken::Yes;
        }
        if let Awaits::Every(_) = self.awaits {
            if state.answers.len() >= MAX_ANSWERS
                || state.bytes + message.charge() > MAX_ANSWER_BYTES
            {
                state.missed += 1;
                return Taken::Yes;
            }
            state.bytes += message.charge();
        } else {
            state.done = true;
        }
        state.answers.push_back(Ok(message.clone()));
        self.tell(state);
        Taken::Yes
    }

    /// Wakes who waits, for what has just come.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        if let Some(gathering) = &self.gathering {
            gathering.answered();
        }
    }

    /// Whether [`Ask::answer`] would take an answer of `from` now.
    fn would_take(&self, from: u64) -> bool {
        self.state.lock().takes(from)
    }

    /// Returns the answers that are waited for.
    pub fn awaits(&self) -> Awaits {
        self.awaits
    }

    /// Returns true if somebody waits for an answer of `from`.
    pub fn waits_for(&self, from: u64) -> bool {
        let state = self.state.lock();
        !state.lingers && state.takes(from)
    }

    /// Notes that `from` will not answer any more. Returns true if nobody else can.
    pub fn lose(&self, from: u64) -> bool {
        let mut state = self.state.lock();
        if state.done || state.lingers {
            return false;
        }
        if let Err(at) = state.lost.binary_search(&from) {
            state.lost.insert(at, from);
        }
        // Both are sorted, and nobody is lost who could not answer.
        state.lost.len() >= state.allowed.len()
    }

    /// Whether an `agree` has come.
    pub fn has_agreed(&self) -> bool {
        self.state.lock().agreed
    }

    /// Whether it is over, and still takes what comes.
    pub fn lingers(&self) -> bool {
        self.state.lock().lingers
    }

    /// Answers that found no room.
    pub fn missed(&self) -> u64 {
        self.state.lock().missed
    }

    /// Nobody waits any more, but what still comes is no dead letter.
    pub fn linger(&self) {
        let mut state = self.state.lock();
        state.lingers = true;
        state.done = false;
        state.answers = VecDeque::new();
        state.bytes = 0;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends the ask with an error.
    pub fn fail(&self, error: Error) {
        let mut state = self.state.lock();
        if state.done {
            return;
        }
        state.done = true;
        state.answers.push_back(Err(error));
        self.tell(state);
    }

    /// Nobody waits any more; whether there was no answer.
    pub fn give_up(&self) -> bool {
        let mut state = self.state.lock();
        !std::mem::replace(&mut state.done, true)
    }

    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        let mut state = self.state.lock();
        match state.answers.pop_front() {
            Some(answer) => {
                if let (Ok(message), Awaits::Every(_)) = (&answer, self.awaits) {
                    state.bytes -= message.charge();
                }
                Poll::Ready(answer)
            }
            None if state.done && matches!(self.awaits, Awaits::Every(_)) => {
                Poll::Ready(Err(Error::closed()))
            }
            None => {
                let mut oldest = None;
                if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    if state.wakers.len() == MAX_READERS {
                        oldest = Some(state.wakers.remove(0));
                    }
                    state.wakers.push(context.waker().clone());
                }
                // Waking may drop a task, and what that holds: not under the lock.
                drop(state);
                if let Some(oldest) = oldest {
                    oldest.wake();
                }
                Poll::Pending
            }
        }
    }
}

impl State {
    fn takes(&self, from: u64) -> bool {
        !self.done && (from == Party::RUNTIME.0 || self.allowed.binary_search(&from).is_ok())
    }
}

/// The key of an ask in the `reply_with` of a message that is not its first.
fn stem(key: &str) -> &str {
    key.rsplit_once(FURTHER).map_or(key, |(stem, _)| stem)
}

/// What has been negotiated lately: answers that come late are taken, and late proposals rejected.
#[derive(Default)]
pub(crate) struct Lingering(Mutex<VecDeque<Arc<Ask>>>);

/// The most asks that linger.
const MAX_LINGERING: usize = 1024;

impl Lingering {
    /// Lets an ask linger; the one that does so no longer.
    pub fn push(&self, ask: &Arc<Ask>) -> Option<Arc<Ask>> {
        ask.linger();
        let mut asks = self.0.lock();
        asks.push_back(ask.clone());
        if asks.len() > MAX_LINGERING { asks.pop_front() } else { None }
    }
}

/// Every ask that waits, by what an answer names.
#[derive(Default)]
pub(crate) struct Asks {
    by_key: ByName<Waiting>,
    by_conversation: ByName<Waiting>,
    count: AtomicUsize,
}

/// The asks with one key, or in one conversation: hardly ever more than one.
type Waiting = SmallVec<[Arc<Ask>; 1]>;

impl Asks {
    pub fn enter(&self, ask: &Arc<Ask>) {
        self.count.fetch_add(1, Ordering::Release);
        self.by_key.entry(ask.key.clone()).or_default().push(ask.clone());
        if let Some(conversation) = &ask.conversation_id {
            self.by_conversation.entry(conversation.clone()).or_default().push(ask.clone());
        }
    }

    pub fn remove(&self, ask: &Arc<Ask>) {
        if remove_from(&self.by_key, &ask.key, ask) {
            self.count.fetch_sub(1, Ordering::Release);
        }
        if let Some(conversation) = &ask.conversation_id {
            remove_from(&self.by_conversation, conversation, ask);
        }
    }

    /// The ask that `message` of `from` answers, if it answers one, and `take` wants it. `ask` is the
    /// one that the message is part of, which spares a look into the table.
    fn answered(
        &self,
        to: &str,
        message: &Message,
        ask: Option<&Arc<Ask>>,
        mut take: impl FnMut(&Arc<Ask>) -> bool,
    ) -> bool {
        if let Some(ask) = ask
            && ask.is_answer(message, to)
            && take(ask)
        {
            return true;
        }
        let by_key = message.in_reply_to().and_then(|key| self.with_key(key));
        let asks = match (by_key, message.conversation_id()) {
            (Some(asks), _) => Some(asks),
            (None, Some(id)) => self.by_conversation.get(id).map(|asks| asks.clone()),
            (None, None) => None,
        };
        asks.into_iter().flatten().any(|ask| ask.is_answer(message, to) && take(&ask))
    }

    /// The ask that a message passes on by keeping its `reply_with` or its conversation.
    pub fn passed_on(&self, message: &Message) -> Option<Arc<Ask>> {
        if let Some(key) = message.reply_with()
            && let Some(asks) = self.with_key(key)
        {
            return asks.first().cloned();
        }
        self.by_conversation.get(message.conversation_id()?)?.first().cloned()
    }

    /// The asks with this key: as it stands, or as that of a message that is not their first.
    fn with_key(&self, key: &str) -> Option<Waiting> {
        let asks = self.by_key.get(key).or_else(|| match stem(key) {
            stem if stem.len() < key.len() => self.by_key.get(stem),
            _ => None,
        });
        asks.map(|asks| asks.clone())
    }

    /// Ends every ask.
    pub fn fail_all(&self, error: &Error) {
        let asks: Vec<Arc<Ask>> =
            self.by_key.iter().flat_map(|entry| entry.value().clone()).collect();
        for ask in asks {
            ask.fail(error.clone());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

/// Takes an ask out; whether it was there.
fn remove_from(table: &ByName<Waiting>, key: &Arc<str>, ask: &Arc<Ask>) -> bool {
    let Entry::Occupied(mut entry) = table.entry(key.clone()) else { return false };
    let asks = entry.get_mut();
    let before = asks.len();
    asks.retain(|other| !Arc::ptr_eq(other, ask));
    let was_there = asks.len() < before;
    if asks.is_empty() {
        entry.remove();
    }
    was_there
}

impl Core {
    /// Gives `message` of `from` to the ask that it answers, if it answers one: at once, or when its
    /// posting is on disk.
    pub fn answer(
        &self,
        from: u64,
        to: &str,
        message: &Message,
        ask: Option<&Arc<Ask>>,
        post: Post<'_>,
    ) -> bool {
        self.asks.answered(to, message, ask, |ask| match post.posting {
            None => self.hand_answer(ask, from, message, post),
            Some(_) => {
                let takes = ask.would_take(from);
                if takes {
                    post.hold(Outward::Answer(ask.clone(), from, message.clone()));
                }
                takes
            }
        })
    }

    /// Gives an answer to the ask that waits for it; whether it was taken. A proposal that comes when
    /// all has been decided is rejected.
    pub fn hand_answer(&self, ask: &Ask, from: u64, message: &Message, post: Post<'_>) -> bool {
        match ask.answer(from, message) {
            Taken::No => false,
            Taken::Yes => true,
            Taken::TooLate => {
                self.reject_late(ask, message, post);
                true
            }
        }
    }
}
