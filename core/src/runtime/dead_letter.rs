//! Messages that could not be delivered or handled: the last ones are kept for whoever wants to
//! know, to be sent again or dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::core::{Core, Party};
use super::events::EventKind;
use super::posting::{Outward, Post};
use crate::account::Charge;
use crate::agent::Letter;
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::message::{Message, name};
use crate::shares::{Owner, Shares, Weights};
use crate::store::{Change, DeadLetterRow, Serial};

/// The most that are kept.
const MAX_LETTERS: usize = 1024;
/// The most bytes that they may hold together.
const MAX_BYTES: usize = 16 << 20;

/// A message that reached nobody, or that made its receiver crash.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its number: see [`Runtime::replay_dead_letter`](super::Runtime::replay_dead_letter).
    pub id: u64,
    /// The time at which it was given up, in microseconds since the Unix epoch.
    pub at: u64,
    /// The message.
    pub message: Message,
    /// The reason, in a sentence.
    pub reason: String,
    /// The agent that crashed on it; absent if it reached nobody.
    pub agent: Option<Arc<str>>,
    /// The serial of whoever caused it, where that is not its sender. A store does not keep it.
    pub(crate) caused_by: Option<Serial>,
}

impl DeadLetter {
    /// What the store is told once it is here no longer.
    fn into_change(self) -> Change {
        Change::NoDeadLetter { row: self.id, message: self.message }
    }
}

/// The dead letters that are kept. Whoever caused most of them makes room, the oldest first.
#[derive(Default)]
pub(crate) struct DeadLetters(Mutex<Table>);

#[derive(Default)]
struct Table {
    letters: BTreeMap<u64, Kept>,
    shares: Shares<()>,
    weights: Weights,
}

struct Kept {
    letter: DeadLetter,
    owner: Owner,
    charge: Charge,
}

/// What a dead letter is charged for beside its message and the reason, in bytes.
const OWN_BYTES: usize = 512;

impl DeadLetters {
    /// Keeps a dead letter that this owner has caused; those that make room for it.
    pub fn push(&self, letter: DeadLetter, owner: Owner) -> Vec<DeadLetter> {
        let mut gone = Vec::new();
        let mut table = self.0.lock();
        let bytes = letter.message.charge() + letter.reason.len() + OWN_BYTES;
        let charge = owner.account().charge(bytes);
        let id = letter.id;
        table.shares.insert(&owner, id, ());
        table.weights.change(&owner, 0, bytes);
        table.letters.insert(id, Kept { letter, owner, charge });
        loop {
            let oldest = if table.shares.len() > MAX_LETTERS {
                table.shares.oldest_of_greatest(None).map(|(_, id, _)| id)
            } else if table.weights.total() > MAX_BYTES {
                let greatest = table.weights.greatest();
                greatest.and_then(|owner| table.shares.oldest_of(&owner)).map(|(id, _)| id)
            } else {
                None
            };
            let Some(oldest) = oldest else { return gone };
            gone.extend(table.remove(oldest));
        }
    }

    pub fn len(&self) -> usize {
        self.0.lock().letters.len()
    }

    /// Returns true if the next one takes the place of another.
    pub fn are_full(&self) -> bool {
        self.len() >= MAX_LETTERS
    }

    pub fn list(&self) -> Vec<DeadLetter> {
        self.0.lock().letters.values().map(|kept| kept.letter.clone()).collect()
    }

    fn find(&self, id: u64) -> Result<DeadLetter, Error> {
        let table = self.0.lock();
        table.letters.get(&id).map(|kept| kept.letter.clone()).ok_or_else(|| missing(id))
    }

    fn take(&self, id: u64) -> Result<DeadLetter, Error> {
        self.0.lock().remove(id).ok_or_else(|| missing(id))
    }

    /// What `from` has caused counts as `to`'s from now on.
    pub fn hand_over(&self, from: &Owner, to: &Owner) {
        let mut table = self.0.lock();
        while let Some((id, ())) = table.shares.oldest_of(from) {
            if !table.give(id, to) {
                return;
            }
        }
    }

    /// The same with one of them, if it is still kept.
    pub fn give(&self, id: u64, to: &Owner) {
        let _ = self.0.lock().give(id, to);
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        usize::try_from(self.charge.bytes()).unwrap_or(usize::MAX)
    }
}

impl Table {
    /// Counts a letter as `to`'s; whether it is still here.
    fn give(&mut self, id: u64, to: &Owner) -> bool {
        let Some(kept) = self.letters.get_mut(&id) else { return false };
        let bytes = kept.bytes();
        self.shares.remove(&kept.owner, id);
        self.shares.insert(to, id, ());
        self.weights.change(&kept.owner, bytes, 0);
        self.weights.change(to, 0, bytes);
        kept.owner = to.clone();
        kept.charge.move_to(to.account());
        true
    }

    fn remove(&mut self, id: u64) -> Option<DeadLetter> {
        let kept = self.letters.remove(&id)?;
        self.shares.remove(&kept.owner, id);
        self.weights.change(&kept.owner, kept.bytes(), 0);
        Some(kept.letter)
    }
}

fn missing(id: u64) -> Error {
    let text = format!(
        "there is no dead letter {id}; it was dropped or sent again, or made room: {MAX_LETTERS} are \
         kept"
    );
    Error::new(ErrorKind::InvalidArgument, text)
}

impl Core {
    /// Keeps a message that reached nobody.
    pub fn keep_dead(&self, message: Message, reason: impl Into<String>, post: Post<'_>) {
        self.keep_letter(message, reason.into(), None, None, Some(1), post);
    }

    /// Keeps a letter that reached nobody. Those that an agent sends while it handles failures are told as
    /// one event a second, so that a storm of them is none for who watches.
    pub fn keep_dead_letter(&self, letter: &Letter, reason: impl Into<String>, post: Post<'_>) {
        let count = match letter.terms.is_quiet {
            true => match self.directory.find(letter.message.sender()) {
                Some(Member::Agent(agent)) => agent.face.quiet.count(self.source.elapsed()),
                _ => None,
            },
            false => Some(1),
        };
        let (message, caused_by) = (letter.message.clone(), letter.terms.wanted_by);
        self.keep_letter(message, reason.into(), None, caused_by, count, post);
    }

    /// Keeps a message that crashed the agent that handled it.
    pub fn keep_crashing(
        &self,
        message: Message,
        reason: impl Into<String>,
        agent: &Arc<str>,
        post: Post<'_>,
    ) {
        self.keep_letter(message, reason.into(), Some(agent.clone()), None, Some(1), post);
    }

    /// Keeps a message, and tells of so many at once, if it does.
    fn keep_letter(
        &self,
        message: Message,
        reason: String,
        agent: Option<Arc<str>>,
        caused_by: Option<Serial>,
        told: Option<u64>,
        post: Post<'_>,
    ) {
        let (id, at) = (self.next_row(), self.source.now_micros());
        self.alone(post, |post| {
            post.keep(self, &message);
            post.change(|| {
                Change::DeadLetter(Arc::new(DeadLetterRow {
                    row: id,
                    at,
                    agent: agent.clone(),
                    reason: reason.clone(),
                    message: message.clone(),
                }))
            });
            let letter = DeadLetter { id, at, message, reason, agent, caused_by };
            if let Some(count) = told {
                self.tell(EventKind::DeadLetter, letter.agent.as_ref(), post, || {
                    let message_id = letter.message.message_id().into();
                    let reason = letter.reason.as_str().into();
                    let count = ("count", count.into());
                    [("id", id.into()), ("message_id", message_id), ("reason", reason), count]
                });
            }
            if let Some(Outward::DeadLetter(letter)) = post.hold(Outward::DeadLetter(letter)) {
                drop(self.show_dead(letter));
            }
        });
    }

    /// Puts a dead letter where scripts can read it. Returns those that make room for it.
    pub fn show_dead(&self, letter: DeadLetter) -> Vec<DeadLetter> {
        let (id, sender) = (letter.id, Arc::<str>::from(letter.message.sender()));
        let caused_by = letter.caused_by;
        let owner_now = || match caused_by.map(|serial| (serial, self.directory.member(serial))) {
            None => self.owner_named(&sender),
            Some((_, Some(Member::Agent(agent)))) => Owner::of(&agent.face.account),
            Some((_, Some(Member::Host(_)))) => Owner::of(&self.account),
            Some((serial, None)) if serial == Party::SCRIPT.0 => Owner::of(&self.account),
            Some((_, None)) => Owner::gone(&self.account),
        };
        let owner = owner_now();
        let gone = self.dead_letters.push(letter, owner.clone());
        // Whoever left between the two has handed over what it had before, and not this one.
        if owner_now() != owner {
            self.dead_letters.give(id, &Owner::gone(&self.account));
        }
        gone
    }

    /// Deletes dead letters that have made room from the store, in the queue of whoever has caused that: the
    /// next of these commits come after it.
    pub fn delete_dead(&self, gone: Vec<DeadLetter>, queue: Serial) {
        if !gone.is_empty() {
            self.alone_of(queue, Post::outside(), |post| {
                for letter in gone {
                    post.change(|| letter.into_change());
                }
            });
        }
    }

    /// Whoever has caused what was sent under this name.
    pub fn owner_named(&self, name: &str) -> Owner {
        match self.directory.find(name) {
            Some(member) if member.is_service() => Owner::services(&self.account),
            Some(Member::Agent(agent)) => Owner::of(&agent.face.account),
            Some(Member::Host(_)) => Owner::of(&self.account),
            None if self.is_speaker(name) => Owner::of(&self.account),
            None => Owner::gone(&self.account),
        }
    }

    /// Hands a dead letter to its receivers again, as it was: to the agent that crashed on it, or
    /// to everybody whom it names. It is a dead letter no longer once one of them has taken it.
    pub fn replay_dead_letter(&self, id: u64) -> Result<(), Error> {
        self.check_open()?;
        let letter = self.dead_letters.find(id)?;
        let names: Vec<&str> = match &letter.agent {
            Some(agent) => vec![agent],
            None => {
                let receivers = letter.message.receivers();
                receivers.filter(|to| name::topic_of(to).is_none()).collect()
            }
        };
        let mut members = Vec::new();
        for to in names {
            members.push(self.member(to)?);
        }
        let mut taken = false;
        for member in members {
            let copy = Letter::direct(letter.message.clone(), None);
            match self.deliver(&member, copy, Post::outside()) {
                Ok(()) => taken = true,
                Err(_) if taken => {}
                Err((refusal, _)) => return Err(refusal.to_error(member.name())),
            }
        }
        // Somebody else may have sent it again meanwhile.
        drop(self.drop_dead_letter(id));
        Ok(())
    }

    /// Drops a dead letter.
    pub fn drop_dead_letter(&self, id: u64) -> Result<(), Error> {
        self.check_open()?;
        let letter = self.dead_letters.take(id)?;
        self.alone(Post::outside(), |post| post.change(|| letter.into_change()));
        Ok(())
    }
}
