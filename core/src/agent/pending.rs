//! Letters whose commit is not on disk yet. They take room in their mailbox, and hold up nobody: those
//! of one queue of the journal wait for each other, and for nothing else.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::letter::Letter;
use crate::runtime::Standing;
use crate::store::Serial;

#[derive(Default)]
pub(super) struct Pending {
    /// By whose queue their commits stand in.
    queues: HashMap<Serial, Queue, RandomState>,
    letters: usize,
    bytes: usize,
    /// Letters that no store keeps, and that wait behind others of the same sender.
    unkept: usize,
    /// The empty queue of whoever was settled last, for whoever comes next.
    spare: VecDeque<Letter>,
}

/// Letters that the spare queue has room for at most.
const SPARE_LETTERS: usize = 4;

#[derive(Default)]
struct Queue {
    letters: VecDeque<Letter>,
    unkept: usize,
}

/// Whether a store keeps the letter.
fn is_kept(letter: &Letter) -> bool {
    letter.commit.is_some()
}

impl Pending {
    pub fn len(&self) -> usize {
        self.letters
    }

    /// What all letters are charged for, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a letter has to wait here: for its own commit, or behind those of the same queue.
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

    /// Hands out the letters of one queue that wait no longer, in order. Those that the store could not
    /// keep are dropped: whoever sent them has been told.
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

    /// Takes the letter of this message out, of those that no store keeps.
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

    /// Takes out what no store keeps.
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

    /// One letter is here no longer; `unkept` is the count of its queue.
    fn subtract(&mut self, unkept: &mut usize, letter: &Letter) {
        self.letters -= 1;
        self.bytes -= letter.message.charge();
        if !is_kept(letter) {
            self.unkept -= 1;
            *unkept -= 1;
        }
    }
}
