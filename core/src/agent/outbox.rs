//! The outbox: the work that a turn which ended well still has to do for others.
//!
//! Such a turn is sealed: from then on only the store, or the end of `close`, can fail it. Its data, timers
//! and subscriptions have changed already. The holder of the run token works off the outbox in pieces, and
//! looks at the clock between them. The agent's next turn begins when nothing is left.

use std::sync::Arc;
use std::vec;

use smallvec::SmallVec;

use super::queue::Refusal;
use super::{Activity, Agent, Letter, OnStarted};
use crate::account::Charge;
use crate::directory::Note;
use crate::error::Error;
use crate::message::Message;
use crate::runtime::{Ask, Party, Post, Posting, Sending, Terms, To};
use crate::sandbox::{Effect, Fault, FaultKind, Sent};
use crate::store::Serial;

/// Number of entries that are worked off between two looks at the clock.
pub(super) const PIECE: usize = 32;

type Effects = <SmallVec<[Effect; 1]> as IntoIterator>::IntoIter;

/// The work that a sealed turn still has to do.
pub(crate) struct Outbox {
    effects: Effects,
    sending: Option<Sending>,
    /// The charge for what the turn's record held.
    _charge: Option<Charge>,
    cause: Cause,
    /// Letters that the agent does not take any more.
    refused: vec::IntoIter<Letter>,
    /// The work that comes last.
    pub(super) last: Last,
}

/// The effects that the message handled by a turn has on messages that the turn sends.
struct Cause {
    /// The ask that it is part of; the messages are then part of it too.
    ask: Option<Arc<Ask>>,
    /// True if it was a failure: then failures of the messages are not reported to the agent.
    is_quiet: bool,
    /// The message, and the serial of its sender, if the sender wants answers to go to another member.
    answers_to: Option<(Message, Serial)>,
}

impl Cause {
    fn of(handled: Option<&Letter>) -> Self {
        let is_quiet = handled.is_some_and(|letter| letter.kind == super::Kind::Failure);
        let answers_to = handled.and_then(|letter| {
            let wanted_by = letter.wants_for(letter.message.reply_to()?)?;
            Some((letter.message.clone(), wanted_by))
        });
        Cause { ask: handled.and_then(|letter| letter.ask.clone()), is_quiet, answers_to }
    }

    /// Returns the terms of a message that the turn sends.
    fn terms(&self, sent: &Sent) -> Terms {
        let wanted_by = self.answers_to.as_ref().and_then(|(handled, wanted_by)| {
            (handled.reply_to() == sent.message.receivers().next()).then_some(*wanted_by)
        });
        Terms { is_free: sent.is_free, is_quiet: self.is_quiet, wanted_by }
    }
}

/// The work that comes after all messages of a turn.
#[derive(Default)]
pub(super) enum Last {
    #[default]
    Nothing,
    /// The handler ended with this code, and its turn has not answered this letter.
    NoReply(Letter, i32),
    /// An init has ended: the directory and the caller that ordered it are told.
    Started(Option<OnStarted>, SmallVec<[Note; 2]>),
    /// An agent could not be started: the caller that ordered it is told.
    NotStarted(OnStarted, Error),
    /// It was the agent's last turn.
    Shutdown,
}

/// A turn that is sealed and not committed yet, in a runtime with a store.
pub(crate) struct OpenTurn {
    pub posting: Posting,
    /// The message that it handled.
    pub consumed: Option<Letter>,
}

impl Outbox {
    pub fn new(
        effects: SmallVec<[Effect; 1]>,
        charge: Option<Charge>,
        handled: Option<&Letter>,
    ) -> Self {
        Outbox {
            effects: effects.into_iter(),
            sending: None,
            _charge: charge,
            cause: Cause::of(handled),
            refused: Vec::new().into_iter(),
            last: Last::Nothing,
        }
    }

    /// Returns the outbox of a turn that has these effects and handled this letter; `None` if no work is
    /// left. Most turns send one message to one receiver that concerns no other member: such a message is
    /// delivered at once.
    pub(super) fn of_turn(
        agent: &Arc<Agent>,
        mut effects: SmallVec<[Effect; 1]>,
        charge: Option<Charge>,
        handled: Option<&Letter>,
        post: Post<'_>,
    ) -> Option<Box<Self>> {
        let core = &agent.core;
        let has_unused = agent.face.has_unused();
        let goes_at_once = match &effects[..] {
            _ if has_unused => false,
            [] => return None,
            [Effect::Send(sent, receivers)] => {
                receivers.len() == 1
                    && sent.message.receivers().nth(1).is_none()
                    && core.goes_straight(&sent.message)
            }
            _ => false,
        };
        if goes_at_once
            && let Some(Effect::Send(sent, mut receivers)) = effects.pop()
            && let Some(receiver) = receivers.pop()
        {
            agent.face.counters.messages_out.add_alone(1);
            let cause = Cause::of(handled);
            let terms = cause.terms(&sent);
            let letter = Letter::direct(sent.message, cause.ask).sent_by(agent.face.serial);
            core.deliver_to(0, receiver.who, Letter { terms, ..letter }, false, post);
            return None;
        }
        Some(Box::new(Outbox::new(effects, charge, handled)))
    }

    /// Returns the outbox of an agent that does not take these letters any more.
    pub(super) fn refusing(refused: Vec<Letter>, last: Last) -> Box<Self> {
        let outbox = Outbox::new(SmallVec::new(), None, None);
        Box::new(Outbox { refused: refused.into_iter(), last, ..outbox })
    }

    /// Works off about `most` entries. Returns true if only [`Outbox::end`] is left.
    pub fn advance(&mut self, agent: &Arc<Agent>, most: usize, post: Post<'_>) -> bool {
        let core = &agent.core;
        let mut left = most;
        loop {
            if let Some(sending) = &mut self.sending {
                left = left.saturating_sub(sending.advance(core, left, post));
                if !sending.is_done() {
                    return false;
                }
                if sending.is_to_service() {
                    // A service answers at once, which may take as long as the rest of a piece.
                    left = 0;
                }
                self.sending = None;
            }
            if left == 0 {
                return self.is_empty(agent);
            }
            if let Some(effect) = self.effects.next() {
                agent.face.counters.messages_out.add_alone(1);
                self.sending = Some(self.sending_of(agent, effect));
            } else if let Some(letter) = self.refused.next() {
                core.report_refusal(&letter, agent.name(), Refusal::Failed, post);
                left -= 1;
            } else if agent.face.has_unused() {
                left = left.saturating_sub(agent.face.unused(left).len());
            } else {
                return true;
            }
        }
    }

    /// Returns true if it delivers at most one letter, which is too little to look at the clock for.
    pub fn is_small(&self) -> bool {
        let refused = self.refused.as_slice().len();
        match self.effects.as_slice() {
            [] => refused <= 1,
            [Effect::Send(sent, receivers)] => {
                refused == 0 && receivers.len() == 1 && sent.message.receivers().nth(1).is_none()
            }
            [Effect::Deliver(_, places)] => refused == 0 && places.as_slice().len() <= 1,
            _ => false,
        }
    }

    /// Does the work that comes last.
    pub fn end(self, agent: &Arc<Agent>, activity: &mut Activity, post: Post<'_>) {
        let core = &agent.core;
        match self.last {
            Last::Nothing => {}
            Last::NoReply(letter, code) => {
                let text = format!("{} ended with code {code} and sent no reply", agent.name());
                let fault = Fault::new(FaultKind::Code, text);
                core.report_failure(&letter, agent.name(), &fault, post);
            }
            Last::Started(done, notes) => {
                for note in notes {
                    core.note(note, post);
                }
                if let Some(done) = done {
                    post.tell(done, Ok(()));
                }
            }
            Last::NotStarted(done, error) => done(Err(error)),
            Last::Shutdown => super::conclude::ended(agent, activity, post),
        }
    }

    /// Gives up the remaining work because the runtime is closed. Messages that were not delivered become
    /// dead letters.
    pub fn give_up(mut self, agent: &Arc<Agent>) {
        const REASON: &str = "the runtime was closed before it was delivered";
        let core = &agent.core;
        let sending = self.sending.take().map(|sending| sending.message().clone());
        let unsent = self.effects.by_ref().map(|effect| effect.message().clone());
        let refused = self.refused.by_ref().map(|letter| letter.message);
        for message in sending.into_iter().chain(unsent).chain(refused) {
            core.keep_dead(message, REASON, Post::outside());
        }
        self.void(&Error::closed());
    }

    /// Tells the caller that ordered the turn that it has failed.
    pub fn void(self, error: &Error) {
        match self.last {
            Last::Started(Some(done), _) | Last::NotStarted(done, _) => done(Err(error.clone())),
            Last::Nothing | Last::NoReply(..) | Last::Started(None, _) | Last::Shutdown => {}
        }
    }

    /// Returns true if it was the agent's last turn.
    pub fn is_of_shutdown(&self) -> bool {
        matches!(self.last, Last::Shutdown)
    }

    fn is_empty(&self, agent: &Agent) -> bool {
        self.sending.is_none()
            && self.effects.as_slice().is_empty()
            && self.refused.as_slice().is_empty()
            && !agent.face.has_unused()
    }

    fn sending_of(&self, agent: &Agent, effect: Effect) -> Sending {
        let (sent, to) = match effect {
            Effect::Send(sent, receivers) => (sent, To::Named(receivers)),
            Effect::Deliver(sent, places) => (sent, To::Reserved(places)),
        };
        let terms = self.cause.terms(&sent);
        Sending::new(Party(agent.face.serial), sent.message, to, self.cause.ask.clone(), terms)
    }
}
