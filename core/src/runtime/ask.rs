//! Asks: messages whose answer somebody waits for.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dashmap::DashMap;
use parking_lot::Mutex;

use super::core::Core;
use super::posting::{Outward, Post};
use crate::error::Error;
use crate::message::{Message, Performative, name};

/// An ask that has not been answered. Every message that it led to carries it along.
pub(crate) struct Ask {
    /// The `reply_with` that an answer names.
    key: Box<str>,
    conversation_id: Option<Box<str>>,
    /// The name that an answer is sent to.
    asker: Box<str>,
    /// `agree` is no answer yet: the result of a FIPA request follows it.
    waits_through_agree: bool,
    /// The ask that the asking handler is itself a part of, and that handler.
    parent: Option<Arc<Ask>>,
    handler: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose answer counts, beside that of `ams`.
    allowed: Vec<u64>,
    answer: Option<Result<Message, Error>>,
    done: bool,
    waker: Option<Waker>,
}

/// The most agents that one ask is passed on to; answers of further ones do not count.
const MAX_ALLOWED: usize = 4096;

pub(crate) struct AskParts<'a> {
    pub key: &'a str,
    pub conversation_id: Option<&'a str>,
    pub asker: &'a str,
    pub waits_through_agree: bool,
    pub parent: Option<Arc<Ask>>,
    pub handler: Option<u64>,
}

impl Ask {
    pub fn new(parts: AskParts<'_>) -> Arc<Self> {
        Arc::new(Ask {
            key: parts.key.into(),
            conversation_id: parts.conversation_id.map(Into::into),
            asker: parts.asker.into(),
            waits_through_agree: parts.waits_through_agree,
            parent: parts.parent,
            handler: parts.handler,
            state: Mutex::default(),
        })
    }

    /// From now on an answer of the agent `serial` counts.
    pub fn allow(&self, serial: u64) {
        let mut state = self.state.lock();
        if !state.done && state.allowed.len() < MAX_ALLOWED && !state.allowed.contains(&serial) {
            state.allowed.push(serial);
        }
    }

    /// `from` passed the message on to `to`: whose answer counted, makes that of the next count.
    pub fn pass_on(&self, from: u64, to: u64) {
        let mut state = self.state.lock();
        let counts = state.allowed.contains(&from);
        if !state.done
            && counts
            && state.allowed.len() < MAX_ALLOWED
            && !state.allowed.contains(&to)
        {
            state.allowed.push(to);
        }
    }

    /// How many asks in this chain wait in handlers of the host agent `serial`.
    pub fn waits_in(&self, serial: u64) -> usize {
        let mut count = 0;
        let mut next = Some(self);
        while let Some(ask) = next {
            if ask.handler == Some(serial) && !ask.state.lock().done {
                count += 1;
            }
            next = ask.parent.as_deref();
        }
        count
    }

    /// The ask of this chain, this one or the nearest that led to it, that waits in a handler of the
    /// host agent `serial`.
    pub fn waiting_in(self: &Arc<Self>, serial: u64) -> Option<Arc<Self>> {
        let mut next = Some(self);
        while let Some(ask) = next {
            if ask.handler == Some(serial) && !ask.state.lock().done {
                return Some(ask.clone());
            }
            next = ask.parent.as_ref();
        }
        None
    }

    /// What an answer names.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name that an answer is sent to.
    pub fn asker(&self) -> &str {
        &self.asker
    }

    /// Whether who answers `message` may answer this ask with it: it keeps the `reply_with` or the
    /// conversation.
    pub fn is_kept_by(&self, message: &Message) -> bool {
        message.reply_with() == Some(&*self.key)
            || (message.conversation_id().is_some()
                && message.conversation_id() == self.conversation_id.as_deref())
    }

    fn is_answer(&self, message: &Message, to: &str) -> bool {
        if to != &*self.asker {
            return false;
        }
        match message.in_reply_to() {
            Some(key) => key == &*self.key,
            None => {
                message.conversation_id().is_some()
                    && message.conversation_id() == self.conversation_id.as_deref()
            }
        }
    }

    /// Takes the answer of `from`, if it counts and there is none yet.
    pub fn answer(&self, from: u64, message: &Message) -> bool {
        let mut state = self.state.lock();
        if state.done || !(message.sender() == name::AMS || state.allowed.contains(&from)) {
            return false;
        }
        if self.waits_through_agree && message.performative() == Performative::Agree {
            return true;
        }
        state.done = true;
        state.answer = Some(Ok(message.clone()));
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Whether [`Ask::answer`] would take an answer of `from` now.
    fn would_take(&self, from: u64, sender: &str) -> bool {
        let state = self.state.lock();
        !state.done && (sender == name::AMS || state.allowed.contains(&from))
    }

    /// Ends the ask with an error.
    pub fn fail(&self, error: Error) {
        let mut state = self.state.lock();
        if state.done {
            return;
        }
        state.done = true;
        state.answer = Some(Err(error));
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nobody waits any more; whether there was no answer.
    pub fn give_up(&self) -> bool {
        let mut state = self.state.lock();
        !std::mem::replace(&mut state.done, true)
    }

    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        let mut state = self.state.lock();
        match state.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                    state.waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

/// Every ask that waits, by what an answer names.
#[derive(Default)]
pub(crate) struct Asks {
    by_key: DashMap<Box<str>, Vec<Arc<Ask>>>,
    by_conversation: DashMap<Box<str>, Vec<Arc<Ask>>>,
}

impl Asks {
    pub fn enter(&self, ask: &Arc<Ask>) {
        self.by_key.entry(ask.key.clone()).or_default().push(ask.clone());
        if let Some(conversation) = &ask.conversation_id {
            self.by_conversation.entry(conversation.clone()).or_default().push(ask.clone());
        }
    }

    pub fn remove(&self, ask: &Arc<Ask>) {
        remove_from(&self.by_key, &ask.key, ask);
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
        let asks = match (message.in_reply_to(), message.conversation_id()) {
            (Some(key), _) => self.by_key.get(key).map(|asks| asks.clone()),
            (None, Some(id)) => self.by_conversation.get(id).map(|asks| asks.clone()),
            (None, None) => None,
        };
        asks.into_iter().flatten().any(|ask| ask.is_answer(message, to) && take(&ask))
    }

    /// The ask that a message passes on by keeping its `reply_with` or its conversation.
    pub fn passed_on(&self, message: &Message) -> Option<Arc<Ask>> {
        if let Some(key) = message.reply_with()
            && let Some(asks) = self.by_key.get(key)
        {
            return asks.first().cloned();
        }
        self.by_conversation.get(message.conversation_id()?)?.first().cloned()
    }

    /// Ends every ask.
    pub fn fail_all(&self, error: &Error) {
        let asks: Vec<_> = self.by_key.iter().flat_map(|entry| entry.value().clone()).collect();
        for ask in asks {
            ask.fail(error.clone());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

fn remove_from(table: &DashMap<Box<str>, Vec<Arc<Ask>>>, key: &str, ask: &Arc<Ask>) {
    if let Some(mut asks) = table.get_mut(key) {
        asks.retain(|other| !Arc::ptr_eq(other, ask));
    }
    table.remove_if(key, |_, asks| asks.is_empty());
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
            None => ask.answer(from, message),
            Some(_) => {
                let takes = ask.would_take(from, message.sender());
                if takes {
                    post.hold(Outward::Answer(ask.clone(), from, message.clone()));
                }
                takes
            }
        })
    }
}
