//! Answers that a member owes to asks: it has taken their messages, and its turns have ended without an answer.
//!
//! When the member goes away, or loses its instance, whoever asked is told at once instead of when its time is
//! over.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::ask::{Ask, Awaits};
use super::core::Core;
use super::posting::Post;
use crate::agent::{Kind, Letter};
use crate::message::Message;
use crate::sandbox::{Fault, FaultKind};
use crate::store::Serial;

/// The answers that one member owes.
#[derive(Default)]
pub(crate) struct Owed(Mutex<State>);

#[derive(Default)]
struct State {
    answers: Vec<Due>,
    /// The length at which answers that nobody waits for any more are looked for.
    tidy_at: usize,
    /// The member is gone.
    is_gone: bool,
}

struct Due {
    /// Weak: whoever waits may have given up.
    ask: Weak<Ask>,
    /// The parts of the message that a failure needs.
    message: Message,
}

/// Answers that will not be given.
#[derive(Default)]
#[must_use = "who waits for them is to be told"]
pub(crate) struct Lost(Vec<Due>);

/// The length at which a list is tidied for the first time.
const FIRST_TIDY: usize = 16;

/// Why a member will not give the answers that it owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is not here any more.
    Removed,
    /// It takes no messages any more.
    Failed,
    /// It begins anew.
    Restarted,
}

impl Loss {
    fn fault(self, name: &str) -> Fault {
        let (kind, what) = match self {
            Loss::Removed => (FaultKind::Unknown, "was removed"),
            Loss::Failed => (FaultKind::Trap, "has failed"),
            Loss::Restarted => (FaultKind::Trap, "was restarted"),
        };
        Fault::new(
            kind,
            format!("{name:?} {what} after it had taken the message, before it answered"),
        )
    }
}

impl Owed {
    /// Notes that the turn of `letter` has ended, if its ask still waits for an answer of the member `serial`.
    /// If the member is gone already, the answer is given back as lost.
    pub fn note(&self, letter: &Letter, serial: Serial) -> Lost {
        let Some(ask) = letter.ask.as_ref().filter(|_| letter.kind == Kind::Direct) else {
            return Lost::default();
        };
        if !ask.waits_for(serial) || !ask.is_kept_by(&letter.message) {
            return Lost::default();
        }
        let due = Due { ask: Arc::downgrade(ask), message: letter.message.for_answers() };
        let mut state = self.0.lock();
        if state.is_gone {
            return Lost(vec![due]);
        }
        if state.answers.len() >= state.tidy_at.max(FIRST_TIDY) {
            // What an ask has said last stands for all that it has said.
            let still_waits = |due: &Due| {
                let other = due.ask.upgrade();
                other.is_some_and(|other| other.waits_for(serial) && !Arc::ptr_eq(&other, ask))
            };
            state.answers.retain(still_waits);
            state.tidy_at = state.answers.len() * 2;
        }
        state.answers.push(due);
        Lost::default()
    }

    /// Takes all of them, for a member that begins anew.
    pub fn take(&self) -> Lost {
        Lost(std::mem::take(&mut self.0.lock().answers))
    }

    /// Takes all of them, for a member that is gone.
    pub fn end(&self) -> Lost {
        let mut state = self.0.lock();
        state.is_gone = true;
        Lost(std::mem::take(&mut state.answers))
    }
}

impl Core {
    /// Tells whoever waits for these answers of the member `name` that they will not come, once all is on disk
    /// that the member has sent.
    pub fn tell_lost(
        self: &Arc<Self>,
        lost: Lost,
        (name, serial): (&Arc<str>, Serial),
        loss: Loss,
        post: Post<'_>,
    ) {
        if lost.0.is_empty() {
            return;
        }
        let (core, name) = (self.clone(), name.clone());
        let tell = move |_| {
            // Closing ends every ask.
            if core.check_open().is_ok() {
                let fault = loss.fault(&name);
                lost.0.into_iter().for_each(|due| core.tell_one_lost(due, &name, serial, &fault));
            }
        };
        post.tell(Box::new(tell), Ok(()));
    }

    fn tell_one_lost(&self, due: Due, name: &str, serial: Serial, fault: &Fault) {
        let Due { ask, message } = due;
        let Some(ask) = ask.upgrade() else { return };
        let is_first = message.sender() == ask.asker();
        let is_meant = match ask.awaits() {
            Awaits::Every(_) => {
                let conversation = message.conversation_id().unwrap_or_default();
                is_first && self.book.is_waited_for(conversation, message.sender(), name)
            }
            Awaits::First | Awaits::Result => ask.lose(serial),
        };
        if is_meant && is_first {
            self.tell_sender(&Letter::direct(message, Some(ask)), name, fault, Post::outside());
        } else if is_meant {
            self.tell_asker(&ask, name, fault, Post::outside());
        }
    }
}
