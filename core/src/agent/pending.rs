//! Letters whose commit is not on disk yet. They take room in their mailbox, but hold up no other letters:
//! only those of the same queue of the journal wait for each other.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::letter::Letter;
use crate::runtime::Standing;
use crate::store::Serial;

#[derive(Default)]
pub(super) struct Pending {
    /// The letters by the queue of the journal in which their commits stand.
    queues: HashMap<Serial, Queue, RandomState>,
    letters: usize,
    bytes: usize,
    /// Number of letters that no store keeps, and that wait behind others of the same sender.
    unkept: usize,
    /// An empty queue that is kept for the next sender.
    spare: VecDeque<Letter>,
}

/// The most letters that the spare queue has room for.
const SPARE_LETTERS: usize = 4;

#[derive(Default)]
struct Queue {
    letters: VecDeque<Letter>,
    unkept: usize,
}

/// Returns true if a store keeps the letter.
fn is_kept(letter: &Letter) -> bool {
    letter.commit.is_some()
}

impl Pending {
    pub fn len(&self) -> usize {
        self.letters
    }

    /// Returns the bytes that all letters are charged for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns true if a letter has to wait here, for its own commit or behind letters of the same queue.
    pub fn holds_back(&self, letter: &Letter) -> bool {
        letter.standing() == Standing::Pending
            || (self.letters > 0
                && letter.queue().is_some_and(|queue| self.queues.contains_key(&queue)))
    }

    pub fn push(&mut self, letter: Letter) {
        let unkept = usize::from(!is_kept(&letter));
        self.letters += 1;
        self.bytes += letter.message.charge();
        self.unkept += unkept;
        let spare = &mut self.spare;
        let new = || Queue { letters: std::mem::take(spare), unkept: 0 };
        let queue = self.queues.entry(letter.queue().unwrap_or_default()).or_insert_with(new);
        queue.unkept += unkept;
        queue.letters.push_back(letter);
    }

    /// Hands out the letters of one queue that do not have to wait any more, in order. Letters that the store
    /// could not keep are dropped: their senders have been told.
    pub fn settle(&mut self, of: Serial, mut each: impl FnMut(Letter)) {
        let Some(mut queue) = self.queues.remove(&of) else {
            return;
        };
        while let Some(letter) =
            queue.letters.pop_front_if(|letter| letter.standing() != Standing::Pending)
        {
            self.subtract(&mut queue.unkept, &letter);
            if letter.standing() == Standing::Done {
                each(letter);
            }
        }
        if !queue.letters.is_empty() {
            self.queues.insert(of, queue);
        } else if queue.letters.capacity() <= SPARE_LETTERS {
            self.spare = queue.letters;
        }
    }

    /// Removes the letter of this message, if it is one that no store keeps.
    pub fn withdraw(&mut self, message_id: &str) -> Option<Letter> {
        if self.unkept == 0 {
            return None;
        }
        let is_meant =
            |letter: &Letter| !is_kept(letter) && letter.message.message_id() == message_id;
        let queues = self.queues.iter_mut().filter(|(_, queue)| queue.unkept > 0);
        let (of, letter) = queues
            .filter_map(|(of, queue)| {
                let at = queue.letters.iter().position(is_meant)?;
                let letter = queue.letters.remove(at)?;
                queue.unkept -= 1;
                Some(((*of, queue.letters.is_empty()), letter))
            })
            .next()?;
        if let (of, true) = of {
            self.queues.remove(&of);
        }
        self.subtract(&mut 1, &letter);
        Some(letter)
    }

    /// Removes the letters that no store keeps, and returns them.
    pub fn drain_unkept(&mut self) -> Vec<Letter> {
        if self.unkept == 0 {
            return Vec::new();
        }
        let mut drained = Vec::new();
        for queue in self.queues.values_mut().filter(|queue| queue.unkept > 0) {
            let (kept, unkept) = queue.letters.drain(..).partition::<VecDeque<_>, _>(is_kept);
            (queue.letters, queue.unkept) = (kept, 0);
            drained.extend(unkept);
        }
        self.queues.retain(|_, queue| !queue.letters.is_empty());
        for letter in &drained {
            self.subtract(&mut 1, letter);
        }
        drained
    }

    /// Subtracts a letter that was removed; `unkept` is the count of its queue.
    fn subtract(&mut self, unkept: &mut usize, letter: &Letter) {
        self.letters -= 1;
        self.bytes -= letter.message.charge();
        if !is_kept(letter) {
            self.unkept -= 1;
            *unkept -= 1;
        }
    }
}
