//! The letters that wait in a mailbox, in the order of their places.
//!
//! Taking the next one out costs the same however many wait, and so does everything else that happens
//! to a long line: a letter that is taken out of the middle leaves a gap, and what letters are looked up
//! by is indexed, but only from when it is first asked for.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::letter::Letter;

/// Letters among which one is looked for by looking at each.
const FEW: usize = 64;

#[derive(Default)]
pub(super) struct Line {
    /// Begins with a letter, if there is one.
    slots: VecDeque<Slot>,
    letters: usize,
    bytes: usize,
    next_place: u64,
    /// Made for a line of more than [`FEW`], and kept until that is empty.
    index: Option<Box<Index>>,
}

enum Slot {
    Letter(Letter),
    /// A letter was taken out that stood at this place.
    Gap(u64),
}

impl Slot {
    fn place(&self) -> u64 {
        match self {
            Slot::Letter(letter) => letter.place,
            Slot::Gap(place) => *place,
        }
    }
}

impl Line {
    /// Letters that wait.
    pub fn len(&self) -> usize {
        self.letters
    }

    pub fn is_empty(&self) -> bool {
        self.letters == 0
    }

    /// What all letters are charged for, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives a letter its place, after all that came before.
    pub fn place(&mut self, letter: Letter) -> Letter {
        self.next_place += 1;
        Letter { place: self.next_place, ..letter }
    }

    /// Puts a letter at the end.
    pub fn push(&mut self, letter: Letter) {
        let letter = self.place(letter);
        self.add(&letter);
        self.slots.push_back(Slot::Letter(letter));
    }

    /// Puts a letter back where it stood.
    pub fn put_back(&mut self, letter: Letter) {
        self.add(&letter);
        let at = self.slots.partition_point(|slot| slot.place() < letter.place);
        match self.slots.get_mut(at) {
            Some(slot @ Slot::Gap(_)) if slot.place() == letter.place => {
                *slot = Slot::Letter(letter);
            }
            _ => self.slots.insert(at, Slot::Letter(letter)),
        }
    }

    /// Takes the next letter out.
    pub fn pop(&mut self) -> Option<Letter> {
        let Some(Slot::Letter(letter)) = self.slots.pop_front() else {
            return None;
        };
        self.subtract(&letter);
        self.trim();
        Some(letter)
    }

    /// Takes the letter of this message out.
    pub fn withdraw(&mut self, message_id: &str) -> Option<Letter> {
        let is_meant = |slot: &Slot| match slot {
            Slot::Letter(letter) => letter.message.message_id() == message_id,
            Slot::Gap(_) => false,
        };
        let at = match self.index() {
            None => self.slots.iter().position(is_meant)?,
            Some(index) => {
                let place = index.place_of(message_id)?;
                let at = self.slots.partition_point(|slot| slot.place() < place);
                self.slots.get(at).is_some_and(is_meant).then_some(at)?
            }
        };
        let slot = self.slots.get_mut(at)?;
        let gap = Slot::Gap(slot.place());
        let Slot::Letter(letter) = std::mem::replace(slot, gap) else {
            return None;
        };
        self.subtract(&letter);
        self.trim();
        Some(letter)
    }

    /// Letters of the sender with this name.
    pub fn count_of(&mut self, sender: &str) -> usize {
        if let Some(index) = self.index() {
            return index.count_of(sender);
        }
        let letters = self.letters();
        letters.filter(|letter| letter.message.sender() == sender).count()
    }

    /// Takes all letters out, and keeps no room for others.
    pub fn drain(&mut self) -> Vec<Letter> {
        let mut letters = Vec::with_capacity(self.letters);
        while let Some(letter) = self.pop() {
            letters.push(letter);
        }
        self.slots = VecDeque::new();
        letters
    }

    fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Letter(letter) => Some(letter),
            Slot::Gap(_) => None,
        })
    }

    /// The index, where the line is so long that it needs one.
    fn index(&mut self) -> Option<&Index> {
        if self.index.is_none() && self.slots.len() > FEW {
            let mut index = Box::<Index>::default();
            self.letters().for_each(|letter| index.add(letter));
            self.index = Some(index);
        }
        self.index.as_deref()
    }

    fn add(&mut self, letter: &Letter) {
        self.letters += 1;
        self.bytes += letter.message.charge();
        if let Some(index) = &mut self.index {
            index.add(letter);
        }
    }

    fn subtract(&mut self, letter: &Letter) {
        self.letters -= 1;
        self.bytes -= letter.message.charge();
        if let Some(index) = &mut self.index {
            index.subtract(letter);
        }
    }

    /// Ends gaps at the front, and all of them where they are more than the letters.
    fn trim(&mut self) {
        if self.letters == 0 {
            // The room of a line that was long is not kept as long as its agent lives.
            match self.slots.capacity() > FEW {
                true => self.slots = VecDeque::new(),
                false => self.slots.clear(),
            }
            self.index = None;
            return;
        }
        while let Some(Slot::Gap(_)) = self.slots.front() {
            self.slots.pop_front();
        }
        if self.slots.len() > 2 * self.letters + FEW {
            self.slots.retain(|slot| matches!(slot, Slot::Letter(_)));
        }
    }
}

/// What letters are looked up by. Names and ids are kept as hashes, which no sender can foresee.
#[derive(Default)]
struct Index {
    hasher: RandomState,
    /// Places by the id of the message: the first, where one message is there twice.
    places: HashMap<u64, u64, RandomState>,
    /// Numbers of letters by the name of the sender.
    counts: HashMap<u64, usize, RandomState>,
}

impl Index {
    fn add(&mut self, letter: &Letter) {
        let message = &letter.message;
        let first = self.places.entry(self.hasher.hash_one(message.message_id()));
        let place = first.or_insert(letter.place);
        *place = (*place).min(letter.place);
        *self.counts.entry(self.hasher.hash_one(message.sender())).or_default() += 1;
    }

    fn subtract(&mut self, letter: &Letter) {
        let id = self.hasher.hash_one(letter.message.message_id());
        if self.places.get(&id) == Some(&letter.place) {
            self.places.remove(&id);
        }
        let sender = self.hasher.hash_one(letter.message.sender());
        if let Some(count) = self.counts.get_mut(&sender) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&sender);
            }
        }
    }

    fn place_of(&self, message_id: &str) -> Option<u64> {
        self.places.get(&self.hasher.hash_one(message_id)).copied()
    }

    fn count_of(&self, sender: &str) -> usize {
        self.counts.get(&self.hasher.hash_one(sender)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
