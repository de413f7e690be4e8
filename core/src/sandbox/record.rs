//! The turn record: what a turn does to the world, collected until it commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::message::{Filter, Message};

use super::host::Place;

/// One effect, in the order in which the guest made it.
pub(crate) enum Effect {
    /// A message to the receivers that it names.
    Send(Message),
    /// A message to places that were reserved when it was sent.
    Deliver(Message, Vec<Place>),
    /// A subscription that begins; boxed, since every turn carries the largest effect about.
    Subscribe(u32, Box<Filter>),
    /// A subscription that ends.
    Unsubscribe(u32),
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
    /// Broadcast copies for which the receiver had no room.
    pub skipped: u64,
}

/// What a turn changes of that which its agent keeps.
#[derive(Default)]
pub(crate) struct Kept {
    /// What the turn stored, by key; `None` where it deleted.
    pub data: BTreeMap<Arc<[u8]>, Option<Arc<[u8]>>>,
    /// Timers that the turn set, with when they are due, in microseconds since the Unix epoch;
    /// `None` for those that it cancelled.
    pub timers: BTreeMap<u32, Option<u64>>,
}

static UNCHANGED: Kept = Kept { data: BTreeMap::new(), timers: BTreeMap::new() };

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
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Send(message) | Effect::Deliver(message, _) => Some(message),
            Effect::Subscribe(..) | Effect::Unsubscribe(_) => None,
        })
    }
}
