//! What the runtime remembers of one conversation: its messages, and how far each pair has come.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::machine::{Progress, Role, Settles, Stage};
use super::protocol::Protocol;
use super::view::{Conversation, ConversationState, Exchanged, Note, Participant};
use crate::message::{Message, Performative};

/// Messages that are kept from the beginning of a conversation, and from its end.
const HEAD: usize = 64;
const TAIL: usize = 192;
/// The most bytes of messages that one conversation keeps.
const MAX_BYTES: usize = 1 << 20;
/// A message above this size is kept without its content.
const MAX_MESSAGE: usize = 64 << 10;
/// The most pairs in one conversation; further ones are not followed.
const MAX_PAIRS: usize = 10_000;
/// The most `reply_with` by which answers are recognised that name no conversation.
const MAX_KEYS: usize = 256;
/// Up to so many pairs are looked through one by one.
const FEW: usize = 8;

/// One conversation.
pub(super) struct Record {
    pub id: Arc<str>,
    pub protocol: Protocol,
    pub initiator: Arc<str>,
    pub state: ConversationState,
    pub pairs: Vec<Pair>,
    /// Pairs by who was asked, where there are many.
    by_asked: HashMap<Arc<str>, Vec<usize>>,
    /// Pairs that have still something to say.
    pub unfinished: usize,
    head: Vec<Exchanged>,
    tail: VecDeque<Exchanged>,
    omitted: u64,
    /// What its messages are charged for.
    pub bytes: usize,
    /// The `reply_with` of its messages.
    pub keys: VecDeque<Box<str>>,
    pub began_at: u64,
    pub ended_at: Option<u64>,
    /// Its place among the open ones, by when they were last heard of.
    pub touched: u64,
    /// What was said to a topic: whoever heard it may answer.
    pub call: Option<Performative>,
}

/// Who asked, and who was asked.
#[derive(Clone)]
pub(super) struct Pair {
    pub asker: Arc<str>,
    /// Where answers go.
    pub answer_to: Arc<str>,
    pub asked: Arc<str>,
    pub progress: Progress,
    pub due_by: Option<u64>,
    late: bool,
    /// It counts among those that have still something to say.
    is_open: bool,
    /// Who said what last.
    last: Option<(Role, Performative)>,
    /// The `reply_with` of a `cancel` that waits for its answer.
    cancel_key: Option<Box<str>>,
    asked_at: u64,
    answered_at: Option<u64>,
}

/// What one receiver of a message makes of it.
pub(super) enum Move {
    /// The protocol allows it: the pair and where it goes.
    Step(usize, Role, Progress),
    /// It begins a pair.
    Begin(Progress),
    /// It answers what was said to a topic, which begins a pair too.
    Join(Progress),
    /// The protocol does not allow it; why, and what it would allow.
    No(Note, Vec<Performative>),
}

impl Record {
    pub fn new(id: Arc<str>, protocol: Protocol, initiator: Arc<str>, now: u64) -> Self {
        Record {
            id,
            protocol,
            initiator,
            state: ConversationState::Open,
            pairs: Vec::new(),
            by_asked: HashMap::new(),
            unfinished: 0,
            head: Vec::new(),
            tail: VecDeque::new(),
            omitted: 0,
            bytes: 0,
            keys: VecDeque::new(),
            began_at: now,
            ended_at: None,
            touched: 0,
            call: None,
        }
    }

    fn find(&self, asked: &str, is: impl Fn(&Pair) -> bool) -> Option<usize> {
        if self.pairs.len() <= FEW {
            return self.pairs.iter().position(|pair| *pair.asked == *asked && is(pair));
        }
        self.by_asked.get(asked)?.iter().copied().find(|at| is(&self.pairs[*at]))
    }

    /// Whether somebody takes part.
    fn is_party(&self, name: &str) -> bool {
        *self.initiator == *name || self.find(name, |_| true).is_some()
    }

    /// What a message of `from` to `to` would do.
    pub fn plan(&self, from: &str, to: &str, message: &Message) -> Move {
        let act = message.performative();
        let as_asker = self.find(to, |pair| *pair.asker == *from);
        let as_asked = self.find(from, |pair| *pair.answer_to == *to || *pair.asker == *to);
        let sides = [(as_asker, Role::Initiator), (as_asked, Role::Participant)];
        let mut known = None;
        for (at, role) in sides {
            let Some(at) = at else { continue };
            let pair = &self.pairs[at];
            if let Some(next) = pair.step(self.protocol, role, message) {
                return Move::Step(at, role, next);
            }
            known = known.or(Some((pair, role)));
        }
        let begins = Progress::START.step(self.protocol, Role::Initiator, act, Settles::Other);
        if let Some(progress) = begins
            && as_asker.is_none()
            && self.is_party(from)
            && self.pairs.len() < MAX_PAIRS
        {
            return Move::Begin(progress);
        }
        if let Some(call) = self.call
            && known.is_none()
            && *self.initiator == *to
            && self.pairs.len() < MAX_PAIRS
            && let Some(called) =
                Progress::START.step(self.protocol, Role::Initiator, call, Settles::Other)
            && let Some(joined) = called.step(self.protocol, Role::Participant, act, Settles::Other)
        {
            return Move::Join(joined);
        }
        match known {
            Some((pair, role)) => {
                let note = match pair.last == Some((role, act)) {
                    true => Note::Repeated,
                    false => Note::OutOfSequence,
                };
                Move::No(note, pair.progress.allowed(self.protocol, role))
            }
            // Those that a recruiter found answer the initiator directly.
            None if self.protocol == Protocol::Recruiting
                && *self.initiator == *to
                && super::protocol::FORWARDED.contains(&act) =>
            {
                Move::No(Note::Forwarded, Vec::new())
            }
            None => Move::No(Note::OutOfSequence, Vec::new()),
        }
    }

    /// Takes a step that [`Record::plan`] has allowed; the pair, and what is remarkable.
    pub fn take(
        &mut self,
        planned: Move,
        from: &Arc<str>,
        to: &Arc<str>,
        message: &Message,
        now: u64,
    ) -> (Option<usize>, Option<Note>) {
        let (at, role, next) = match planned {
            Move::No(note, _) => return (None, Some(note)),
            Move::Step(at, role, next) => (at, role, next),
            Move::Begin(next) => {
                let answer_to = message.reply_to().map_or_else(|| from.clone(), Into::into);
                (self.begin(from, to, answer_to, now), Role::Initiator, next)
            }
            Move::Join(next) => (self.begin(to, from, to.clone(), now), Role::Participant, next),
        };
        let protocol = self.protocol;
        let pair = &mut self.pairs[at];
        let mut note = None;
        if role == Role::Participant {
            if pair.late || pair.due_by.is_some_and(|due| due < now) {
                pair.late = true;
                note = Some(Note::Late);
            }
            pair.answered_at.get_or_insert(now);
        }
        if !next.cancelling {
            pair.cancel_key = None;
        } else if !pair.progress.cancelling {
            pair.cancel_key = message.reply_with().map(Into::into);
        }
        pair.progress = next;
        pair.last = Some((role, message.performative()));
        pair.due_by = message.reply_by().filter(|_| next.due(protocol) == Some(role.other()));
        if role == Role::Initiator && message.performative() != Performative::Cancel {
            pair.late = false;
        }
        self.count(at);
        (Some(at), note)
    }

    fn begin(
        &mut self,
        asker: &Arc<str>,
        asked: &Arc<str>,
        answer_to: Arc<str>,
        now: u64,
    ) -> usize {
        let at = self.pairs.len();
        self.pairs.push(Pair {
            asker: asker.clone(),
            answer_to,
            asked: asked.clone(),
            progress: Progress::START,
            due_by: None,
            late: false,
            is_open: false,
            last: None,
            cancel_key: None,
            asked_at: now,
            answered_at: None,
        });
        if at == FEW {
            for (index, pair) in self.pairs.iter().enumerate() {
                self.by_asked.entry(pair.asked.clone()).or_default().push(index);
            }
        } else if at > FEW {
            self.by_asked.entry(asked.clone()).or_default().push(at);
        }
        at
    }

    /// Whoever passed something on is answered for by whom it was passed on to: the move of that pair.
    pub fn answered_for(&self, at: usize, message: &Message) -> Option<Move> {
        let pair = &self.pairs[at];
        if pair.answer_to == pair.asker {
            return None;
        }
        let before = self.find(&pair.asker, |other| other.answer_to == pair.answer_to)?;
        let next = self.pairs[before].step(self.protocol, Role::Participant, message)?;
        Some(Move::Step(before, Role::Participant, next))
    }

    /// The pair of `asker` and `asked`.
    pub fn pair_of(&self, asker: &str, asked: &str) -> Option<usize> {
        self.find(asked, |pair| *pair.asker == *asker)
    }

    /// The runtime reports that `asked` will not answer: with `deadline` it is only late.
    pub fn fault(&mut self, at: usize, deadline: bool) {
        let protocol = self.protocol;
        let pair = &mut self.pairs[at];
        if deadline {
            pair.late = true;
            pair.due_by = None;
        } else if !pair.progress.is_end(protocol) {
            pair.progress = Progress { stage: Stage::Failed, cancelling: false };
            pair.due_by = None;
        }
        self.count(at);
    }

    /// Counts a pair anew that has changed.
    fn count(&mut self, at: usize) {
        let pair = &mut self.pairs[at];
        let is_open = pair.has_more(self.protocol);
        let was_open = std::mem::replace(&mut pair.is_open, is_open);
        self.unfinished = self.unfinished + usize::from(is_open) - usize::from(was_open);
    }

    /// Puts a pair back where it was, or takes it away again.
    pub fn put_back(&mut self, at: usize, before: Option<Pair>) {
        let Some(pair) = self.pairs.get_mut(at) else { return };
        let is_open = pair.is_open;
        match before {
            Some(before) => *pair = Pair { is_open, ..before },
            // It stays as one that may begin: others may have come after it.
            None => pair.progress = Progress::START,
        }
        self.count(at);
    }

    /// Keeps a message. Of long conversations the middle is dropped.
    pub fn keep(&mut self, message: &Message, note: Option<Note>) {
        if let Some(last) = self.tail.back_mut().or(self.head.last_mut())
            && last.message.message_id() == message.message_id()
        {
            last.note = last.note.or(note);
            return;
        }
        let message = match message.charge() > MAX_MESSAGE {
            true => message.without_content(),
            false => message.clone(),
        };
        self.bytes += message.charge();
        let said = Exchanged { message, note };
        if self.head.len() < HEAD && self.tail.is_empty() {
            self.head.push(said);
        } else {
            self.tail.push_back(said);
        }
        while self.tail.len() > TAIL || (self.bytes > MAX_BYTES && self.tail.len() > 1) {
            let Some(dropped) = self.tail.pop_front() else { break };
            self.bytes -= dropped.message.charge();
            self.omitted += 1;
        }
    }

    /// Takes a message out that was never sent.
    pub fn unkeep(&mut self, message_id: &str) {
        let is_it = |said: &Exchanged| said.message.message_id() == message_id;
        let dropped = match self.tail.iter().position(is_it) {
            Some(at) => self.tail.remove(at),
            None => self.head.iter().position(is_it).map(|at| self.head.remove(at)),
        };
        self.bytes -= dropped.map_or(0, |said| said.message.charge());
    }

    /// Remembers the key of a message; the one that is forgotten for it.
    pub fn keep_key(&mut self, key: &str) -> Option<Box<str>> {
        self.keys.push_back(key.into());
        if self.keys.len() > MAX_KEYS { self.keys.pop_front() } else { None }
    }

    /// The conversation as a program sees it.
    pub fn view(&self, now: u64) -> Conversation {
        let participants = self.pairs.iter().map(|pair| pair.view(self.protocol, now));
        Conversation {
            id: self.id.to_string(),
            protocol: self.protocol,
            state: self.state,
            initiator: self.initiator.to_string(),
            participants: participants.collect(),
            messages: self.head.iter().chain(&self.tail).cloned().collect(),
            omitted: self.omitted,
            began_at: self.began_at,
            ended_at: self.ended_at,
        }
    }
}

#[cfg(test)]
impl Record {
    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        let open = self.pairs.iter().filter(|pair| pair.has_more(self.protocol)).count();
        assert_eq!(self.unfinished, open, "{:?}", self.view(0));
        let said = self.head.iter().chain(&self.tail);
        assert_eq!(self.bytes, said.map(|said| said.message.charge()).sum::<usize>());
    }
}

impl Pair {
    fn step(&self, protocol: Protocol, role: Role, message: &Message) -> Option<Progress> {
        let settles = match (&self.cancel_key, message.in_reply_to()) {
            _ if !self.progress.cancelling => Settles::Other,
            (Some(key), Some(named)) if **key != *named => Settles::Other,
            _ => Settles::Cancel,
        };
        self.progress.step(protocol, role, message.performative(), settles)
    }

    /// Whether something has still to be said, by somebody who is not past its time.
    fn has_more(&self, protocol: Protocol) -> bool {
        let is_silent = self.late && self.progress.due(protocol) == Some(Role::Participant);
        !(self.progress == Progress::START || self.progress.is_end(protocol) || is_silent)
    }

    /// Who has asked whom, while the answer is due and not past its time.
    pub fn wait(&self, protocol: Protocol) -> Option<(&Arc<str>, &Arc<str>)> {
        let waits =
            self.has_more(protocol) && self.progress.due(protocol) == Some(Role::Participant);
        waits.then_some((&self.asker, &self.asked))
    }

    fn view(&self, protocol: Protocol, now: u64) -> Participant {
        let due = self.progress.due(protocol);
        let is_over = self.due_by.is_some_and(|by| by < now) && due == Some(Role::Participant);
        Participant {
            name: self.asked.to_string(),
            asked_by: self.asker.to_string(),
            stage: self.progress.stage,
            due: due.map(Into::into),
            due_by: self.due_by,
            late: self.late || is_over,
            asked_at: self.asked_at,
            answered_at: self.answered_at,
        }
    }
}
