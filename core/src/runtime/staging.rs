//! Commits that are too large for one batch: they are written in pieces.
//!
//! First the pieces are staged, which has no effect yet. With the last of them the commit is sealed, and from
//! then on it is certain to take effect. Then each piece is moved into place. Other queues are written
//! between two pieces, so that no agent waits long for another's bytes.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::journal::Entry;
use super::posting::{Commit, Parts};
use crate::store::{Change, Serial, Write};

/// The most changes and bytes of one piece. A larger change shares its piece with others of at most
/// [`FEW_BYTES`].
const PIECE_CHANGES: usize = 1000;
const PIECE_BYTES: usize = 1 << 20;
const FEW_BYTES: usize = 256 << 10;

/// The next number of a staged change. Being unique in this process is enough, since a store that was opened
/// has no staged changes.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A part of a commit's changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    changes: Range<usize>,
    pub bytes: usize,
}

/// The time that the store takes for a change, small as it may be, as the bytes that it writes in that time.
const CHANGE_BYTES: usize = 512;

/// Returns the weight of what is written together: its bytes, or what its changes come to if that is more.
pub(super) fn weight(bytes: usize, changes: usize) -> usize {
    bytes.max(changes * CHANGE_BYTES)
}

impl Piece {
    pub fn weight(&self) -> usize {
        weight(self.bytes, self.changes.len())
    }
}

/// Cuts the changes of a commit into pieces. Returns none if one piece is enough.
pub(super) fn cut(changes: &[Change], bytes: usize) -> Vec<Piece> {
    if bytes <= PIECE_BYTES && changes.len() <= PIECE_CHANGES {
        return Vec::new();
    }
    let (mut pieces, mut messages) = (Vec::new(), HashSet::new());
    let (mut piece, mut largest) = (Piece { changes: 0..0, bytes: 0 }, 0);
    for (at, change) in changes.iter().enumerate() {
        let mut bytes = change.bytes();
        // A message is written with the first change that names it.
        if let Some(message) = change.names()
            && messages.insert(message.kept().row())
        {
            bytes += message.as_json().len();
        }
        let grown = piece.bytes + bytes;
        let others = grown - bytes.max(largest);
        let fits =
            piece.changes.len() < PIECE_CHANGES && (grown <= PIECE_BYTES || others <= FEW_BYTES);
        if !fits && !piece.changes.is_empty() {
            pieces.push(std::mem::replace(&mut piece, Piece { changes: at..at, bytes: 0 }));
            largest = 0;
        }
        piece.changes.end = at + 1;
        piece.bytes += bytes;
        largest = largest.max(bytes);
    }
    pieces.push(piece);
    if pieces.len() > 1 { pieces } else { Vec::new() }
}

/// A commit of which some pieces are written.
pub(super) struct Staged {
    queue: Serial,
    commit: Arc<Commit>,
    /// All but the changes.
    parts: Parts,
    changes: Vec<Change>,
    bytes: usize,
    pieces: Vec<Piece>,
    /// The number of the first change, which is also that of the commit.
    first: u64,
    phase: Phase,
    /// The piece that comes next.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its pieces are being staged, which has no effect.
    Staging,
    /// It is sealed, and its pieces are being moved into place.
    Moving,
    /// It has failed: the pieces that were staged are to be deleted.
    Void,
}

/// The state of a staged commit after its next part was written.
pub(super) enum Advanced {
    GoesOn(Box<Staged>),
    /// All of it is on disk.
    Done(Box<Entry>),
    /// It had failed, and its pieces are deleted.
    Gone,
}

impl Staged {
    /// Begins a commit that takes several pieces. If it takes only one, the error has the entry.
    pub fn begin(queue: Serial, entry: Box<Entry>) -> Result<Box<Self>, Box<Entry>> {
        if entry.pieces.is_empty() {
            return Err(entry);
        }
        let Entry { commit, mut parts, bytes, pieces } = *entry;
        let changes = std::mem::take(&mut parts.changes);
        let first = NUMBERS.fetch_add(changes.len() as u64, Ordering::Relaxed);
        let (phase, next) = (Phase::Staging, 0);
        Ok(Box::new(Staged { queue, commit, parts, changes, bytes, pieces, first, phase, next }))
    }

    pub fn queue(&self) -> Serial {
        self.queue
    }

    /// Returns the weight of the next piece.
    pub fn next_weight(&self) -> usize {
        match self.phase {
            Phase::Void => 0,
            Phase::Staging | Phase::Moving => self.pieces.get(self.next).map_or(0, Piece::weight),
        }
    }

    /// Returns true if it is sealed: it will be in the store, whatever happens.
    pub fn is_for_sure(&self) -> bool {
        self.phase == Phase::Moving
    }

    /// Returns true if it has failed and only its pieces are left.
    pub fn is_void(&self) -> bool {
        self.phase == Phase::Void
    }

    /// Adds the writes of the next piece to `writes`.
    pub fn writes<'a>(&'a self, writes: &mut Vec<Write<'a>>) {
        let commit = self.first;
        let is_last = self.next + 1 == self.pieces.len();
        let Some((first, changes)) = self.piece(self.next) else {
            if self.phase == Phase::Void {
                self.void(writes);
            }
            return;
        };
        match self.phase {
            Phase::Staging => {
                writes.push(Write::Stage { commit, first, changes });
                if is_last {
                    writes.push(Write::Seal { commit, changes: &self.changes });
                }
            }
            Phase::Moving => {
                writes.push(Write::Move { first, changes });
                if is_last {
                    writes.push(Write::Moved { commit });
                }
            }
            Phase::Void => self.void(writes),
        }
    }

    fn void<'a>(&'a self, writes: &mut Vec<Write<'a>>) {
        for at in 0..self.next {
            if let Some((first, changes)) = self.piece(at) {
                writes.push(Write::Void { first, changes });
            }
        }
    }

    /// Returns a piece, and the number of its first change.
    fn piece(&self, at: usize) -> Option<(u64, &[Change])> {
        let range = self.pieces.get(at)?.changes.clone();
        Some((self.first + range.start as u64, self.changes.get(range)?))
    }

    /// Goes on after the next part was written.
    pub fn advance(mut self: Box<Self>) -> Advanced {
        if self.phase == Phase::Void {
            return Advanced::Gone;
        }
        self.next += 1;
        if self.next < self.pieces.len() {
            return Advanced::GoesOn(self);
        }
        if self.phase == Phase::Staging {
            (self.phase, self.next) = (Phase::Moving, 0);
            return Advanced::GoesOn(self);
        }
        Advanced::Done(Box::new(self.into_entry()))
    }

    /// Fails a commit that is not sealed. Returns the entry to fail and, if pieces were staged, the commit
    /// with which they are deleted. The caller keeps the end of a member, see [`Entry::removal`].
    pub fn fail(mut self: Box<Self>) -> (Entry, Option<Box<Self>>) {
        let parts = std::mem::take(&mut self.parts);
        let entry = Entry::of(self.commit.clone(), parts, std::mem::take(&mut self.bytes));
        self.phase = Phase::Void;
        (entry, (self.next > 0).then_some(self))
    }

    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns the commit without its changes.
    pub fn into_entry(self: Box<Self>) -> Entry {
        Entry::of(self.commit, self.parts, self.bytes)
    }
}

#[cfg(test)]
mod tests;
