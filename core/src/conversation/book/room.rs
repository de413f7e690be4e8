//! Which conversations and keys make room for others: of whoever has most, the oldest.

use std::sync::Arc;

use super::{Saying, Table};
use crate::conversation::record::Stands;
use crate::conversation::view::ConversationState;
use crate::shares::Owner;
use crate::spare::shrink;

/// Conversations that are handed over under one hold of the lock.
const BATCH: usize = 64;
/// The most ids of conversations that wait for a message that tells of them.
const MAX_UNTOLD: usize = 256;

impl Table {
    pub(super) fn keep_key(&mut self, number: u64, saying: &Saying<'_>) {
        let message = saying.message;
        let Some(key) = message.reply_with() else { return };
        let is_own = message.reply_to().is_none_or(|to| to == &**saying.from);
        let to: Arc<str> = match message.reply_to() {
            Some(to) if !is_own => to.into(),
            _ => saying.from.clone(),
        };
        let old = self.keys.get(&to, key);
        let old_is_open = old
            .and_then(|old| self.records.get(&old.record))
            .is_some_and(|record| record.state == ConversationState::Open);
        if old.is_some_and(|old| old.record == number || (old.is_own && !is_own))
            || (old_is_open && old.is_some_and(|old| old.is_own == is_own))
        {
            return;
        }
        self.next_place += 1;
        let place = self.next_place;
        let Some(record) = self.records.get_mut(&number) else { return };
        self.keys.insert(&to, key, number, is_own);
        self.key_places.insert(&record.owner, place, number);
        let owner = record.owner.clone();
        if let Some(forgotten) = record.keep_key(place, &to, key) {
            self.forget(&owner, number, forgotten);
        }
        while self.key_places.len() > self.room.keys {
            let Some((_, _, oldest)) = self.key_places.oldest_of_greatest(None) else { return };
            let oldest = *oldest;
            let Some(record) = self.records.get_mut(&oldest) else { return };
            let owner = record.owner.clone();
            let Some(forgotten) = record.forget_key() else { return };
            self.forget(&owner, oldest, forgotten);
            self.weigh(oldest);
        }
    }

    fn forget(&mut self, owner: &Owner, number: u64, (place, to, key): (u64, Arc<str>, Box<str>)) {
        self.key_places.remove(owner, place);
        self.keys.remove(&to, &key, number);
    }

    /// Counts what a conversation takes now.
    pub(super) fn weigh(&mut self, number: u64) {
        let Some(record) = self.records.get_mut(&number) else { return };
        let before = record.recharge();
        self.weights.change(&record.owner, before, record.bytes);
    }

    /// A conversation has changed: where it belongs now.
    pub(super) fn touch(&mut self, number: u64, now: u64) {
        let Some(record) = self.records.get_mut(&number) else { return };
        if record.unfinished > 0 {
            record.state = ConversationState::Open;
            record.ended_at = None;
            self.put(number, Stands::Open);
        } else if record.state == ConversationState::Open {
            record.state = ConversationState::Ended;
            record.ended_at = Some(now);
            self.put(number, Stands::Ended);
        }
    }

    /// Puts a conversation behind all others that stand there.
    fn put(&mut self, number: u64, stands: Stands) {
        let Some(record) = self.records.get_mut(&number) else { return };
        match record.stands {
            Stands::Nowhere => {}
            Stands::Open => drop(self.open.remove(&record.owner, record.touched)),
            Stands::Ended => drop(self.ended.remove(&record.owner, record.touched)),
        }
        self.next_place += 1;
        (record.touched, record.stands) = (self.next_place, stands);
        match stands {
            Stands::Nowhere => {}
            Stands::Open => self.open.insert(&record.owner, record.touched, number),
            Stands::Ended => self.ended.insert(&record.owner, record.touched, number),
        }
    }

    /// Lets go where there are too many, or too much: of whoever has most, the oldest. Those in `but`
    /// have just been heard of.
    pub(super) fn make_room(&mut self, but: &[u64], abandoned: &mut Vec<Arc<str>>) {
        let spared = match but {
            [only] => self.records.get(only).map(|record| record.touched),
            _ => None,
        };
        while self.open.len() > self.room.open {
            let Some((_, _, number)) = self.open.oldest_of_greatest(spared) else { break };
            self.abandon(*number, abandoned);
        }
        while self.ended.len() > self.room.ended {
            let Some((_, _, number)) = self.ended.oldest_of_greatest(None) else { break };
            self.drop_record(*number);
        }
        while self.weights.total() > self.room.bytes {
            let Some(owner) = self.weights.greatest() else { break };
            if !self.drop_oldest_of(&owner, abandoned) {
                break;
            }
        }
        while let Some((gone, bytes)) = self.weights.of_gone()
            && bytes > self.room.gone
            && self.drop_oldest_of(&gone, abandoned)
        {}
    }

    /// Drops the oldest conversation of an owner, those that have ended before all others; returns false
    /// if there is none.
    /// Makes room where nobody can be told of what is given up: the next message tells of it, but not of an
    /// agent's thousands of conversations at once.
    pub(super) fn make_room_untold(&mut self, but: &[u64]) {
        let mut untold = std::mem::take(&mut self.untold);
        self.make_room(but, &mut untold);
        untold.truncate(MAX_UNTOLD);
        self.untold = untold;
    }

    fn drop_oldest_of(&mut self, owner: &Owner, abandoned: &mut Vec<Arc<str>>) -> bool {
        if let Some(number) = self.ended.oldest_of(owner).map(|(_, number)| *number) {
            self.drop_record(number);
        } else if let Some(number) = self.open.oldest_of(owner).map(|(_, number)| *number) {
            self.abandon(number, abandoned);
        } else {
            return false;
        }
        true
    }

    /// Gives an open conversation up; it stands among those that have ended.
    fn abandon(&mut self, number: u64, abandoned: &mut Vec<Arc<str>>) {
        let Some(record) = self.records.get_mut(&number) else { return };
        abandoned.push(record.id.clone());
        record.state = ConversationState::Abandoned;
        record.count_waits(&mut self.waits, 0);
        self.put(number, Stands::Ended);
    }

    pub(super) fn drop_record(&mut self, number: u64) {
        self.put(number, Stands::Nowhere);
        let Some(mut record) = self.records.remove(&number) else { return };
        shrink(&mut self.records);
        let owner = record.owner.clone();
        self.weights.change(&owner, record.weighed(), 0);
        record.state = ConversationState::Abandoned;
        record.count_waits(&mut self.waits, 0);
        while let Some(key) = record.forget_key() {
            self.forget(&owner, number, key);
        }
        self.ids.remove(number, &record);
    }

    /// Hands some of what an owner has over to another; returns false if nothing was left.
    pub(super) fn hand_over(&mut self, from: &Owner, to: &Owner) -> bool {
        for _ in 0..BATCH {
            let oldest = self.open.oldest_of(from).or_else(|| self.ended.oldest_of(from));
            let Some(number) = oldest.map(|(_, number)| *number) else { return false };
            let Some(record) = self.records.get_mut(&number) else { return false };
            let place = record.touched;
            if self.open.remove(from, place).is_some() {
                self.open.insert(to, place, number);
            } else if self.ended.remove(from, place).is_some() {
                self.ended.insert(to, place, number);
            }
            for (place, _, _) in &record.keys {
                if self.key_places.remove(from, *place).is_some() {
                    self.key_places.insert(to, *place, number);
                }
            }
            self.weights.change(from, record.weighed(), 0);
            self.weights.change(to, 0, record.weighed());
            record.hand_over(to);
        }
        self.make_room_untold(&[]);
        true
    }
}
