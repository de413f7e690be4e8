//! The turn record: what a turn does to the world, collected until it commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::vec;

use smallvec::SmallVec;

use crate::account::Charge;
use crate::datum::Datum;
use crate::message::{Filter, Message};

use super::host::{Addressee, Place, World};

/// A message that the turn sends, in the order in which the guest sent them.
pub(crate) enum Effect {
    /// A message to the receivers that it names.
    Send(Sent, Receivers),
    /// A message to places that were reserved when it was sent.
    Deliver(Sent, Places),
}

impl Effect {
    /// The message.
    pub fn message(&self) -> &Message {
        match self {
            Effect::Send(sent, _) | Effect::Deliver(sent, _) => &sent.message,
        }
    }
}

/// A message that was sent.
pub(crate) struct Sent {
    pub message: Message,
    /// It is a reply that does not count as a message of its sender's: who was asked does not pay.
    pub is_free: bool,
    /// It answers the message that the turn handles.
    pub is_reply: bool,
}

/// A receiver that a message names, and whom that name meant when it was sent.
pub(crate) struct Receiver {
    /// Its place among the receivers of the message.
    pub at: u32,
    pub who: Addressee,
}

/// The receivers of a message, each name once, topics aside.
pub(crate) type Receivers = SmallVec<[Receiver; 1]>;

/// Places that a message fills when its turn commits. Those that are left go back to the world, which
/// frees them piece by piece.
pub(crate) struct Places {
    places: vec::IntoIter<Place>,
    /// Whoever frees what is left; without one it is freed at once.
    world: Option<Arc<dyn World>>,
}

impl Places {
    pub fn new(places: Vec<Place>, world: Arc<dyn World>) -> Self {
        Places { places: places.into_iter(), world: Some(world) }
    }

    /// Places of the program's.
    pub fn of_program(places: Vec<Place>) -> Self {
        Places { places: places.into_iter(), world: None }
    }

    /// The places that are left.
    pub fn as_slice(&self) -> &[Place] {
        self.places.as_slice()
    }

    /// Takes the next place.
    pub fn next(&mut self) -> Option<Place> {
        self.places.next()
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if let Some(world) = self.world.as_ref().filter(|_| !self.places.as_slice().is_empty()) {
            world.give_back(self.places.by_ref().collect());
        }
    }
}

/// When an agent set a timer or began a subscription: those of its init end when that runs again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Made {
    InInit,
    #[default]
    InTurn,
}

/// Every effect of one turn. They take effect together, or not at all.
#[derive(Default)]
pub(crate) struct TurnRecord {
    pub effects: SmallVec<[Effect; 1]>,
    /// Nothing in most turns: they only send.
    pub changes: Option<Box<Kept>>,
    /// Bytes held on the turn's behalf.
    pub bytes: u64,
    /// The charge for them, until all that the turn sends is with its receivers.
    pub charge: Option<Charge>,
    /// Broadcast copies for which the receiver had no room.
    pub skipped: u64,
    /// One of the messages answers the one that the turn handles.
    pub has_reply: bool,
}

/// What a turn changes of that which its agent keeps.
#[derive(Default)]
pub(crate) struct Kept {
    /// What the turn stored, by key; without a value where it deleted.
    pub data: BTreeSet<Datum>,
    /// Timers that the turn set, with when they are due, in microseconds since the Unix epoch;
    /// `None` for those that it cancelled.
    pub timers: BTreeMap<u32, Option<u64>>,
    /// Subscriptions that the turn began; `None` for those that it ended.
    pub subscriptions: BTreeMap<u32, Option<Filter>>,
}

static UNCHANGED: Kept =
    Kept { data: BTreeSet::new(), timers: BTreeMap::new(), subscriptions: BTreeMap::new() };

impl TurnRecord {
    /// What the turn has changed of that which its agent keeps.
    pub fn kept(&self) -> &Kept {
        self.changes.as_deref().unwrap_or(&UNCHANGED)
    }

    /// The same, to change more.
    pub fn kept_mut(&mut self) -> &mut Kept {
        self.changes.get_or_insert_default()
    }

    /// The messages of the record.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.effects.iter().map(Effect::message)
    }
}
