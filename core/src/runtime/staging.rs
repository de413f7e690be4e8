//! Commits that are too large for one batch: they are written in pieces.
//!
//! First each piece is staged, which means nothing yet; with the last of them the commit itself is
//! written, and from then on it is for sure. Then each piece is moved into place. Between two pieces
//! others are written, so that nobody waits long for somebody else's bytes.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::journal::Entry;
use super::posting::{Commit, Parts};
use crate::store::{Change, Serial, Write};

/// The most changes and bytes of one piece. A change that is larger itself is in a piece with few
/// others.
const PIECE_CHANGES: usize = 1000;
const PIECE_BYTES: usize = 1 << 20;
const FEW_BYTES: usize = 256 << 10;

/// Numbers of staged changes, which are unique in this process: a store that is opened has none.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A part of a commit's changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    changes: Range<usize>,
    pub bytes: usize,
}

/// Cuts the changes of a commit into pieces; none where one piece is enough.
pub(super) fn cut(changes: &[Change], bytes: usize) -> Vec<Piece> {
    if bytes <= PIECE_BYTES && changes.len() <= PIECE_CHANGES {
        return Vec::new();
    }
    let (mut pieces, mut messages) = (Vec::new(), HashSet::new());
    let (mut piece, mut largest) = (Piece { changes: 0..0, bytes: 0 }, 0);
    for (at, change) in changes.iter().enumerate() {
        let mut bytes = change.bytes();
        // The first that names a message has it written.
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
    /// The number of the first change, and of the commit.
    first: u64,
    phase: Phase,
    /// The piece that comes next.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It means nothing yet.
    Staging,
    /// It is for sure.
    Moving,
    /// It has failed: the pieces before the next one are to be deleted.
    Void,
}

/// What becomes of a staged commit once its next part is written.
pub(super) enum Advanced {
    GoesOn(Box<Staged>),
    /// It is on disk, all of it.
    Done(Box<Entry>),
    /// Nothing is left of it.
    Gone,
}

impl Staged {
    /// Begins with a commit that takes several pieces; gives back one that does not.
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

    /// Bytes of what is written next.
    pub fn next_bytes(&self) -> usize {
        match self.phase {
            Phase::Void => 0,
            Phase::Staging | Phase::Moving => {
                self.pieces.get(self.next).map_or(0, |piece| piece.bytes)
            }
        }
    }

    /// Whether it will be in the store, whatever happens.
    pub fn is_for_sure(&self) -> bool {
        self.phase == Phase::Moving
    }

    /// Whether it has failed, and only its pieces are left.
    pub fn is_void(&self) -> bool {
        self.phase == Phase::Void
    }

    /// What is written next.
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

    /// A piece, and the number of its first change.
    fn piece(&self, at: usize) -> Option<(u64, &[Change])> {
        let range = self.pieces.get(at)?.changes.clone();
        Some((self.first + range.start as u64, self.changes.get(range)?))
    }

    /// What was to be written has been.
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

    /// It could not be written, and is not for sure: what has to be told, and what is left to be deleted.
    /// The end of a member is kept, as [`Entry::removal`] says.
    pub fn fail(mut self: Box<Self>) -> (Entry, Option<Box<Self>>) {
        let parts = std::mem::take(&mut self.parts);
        let entry = Entry::of(self.commit.clone(), parts, std::mem::take(&mut self.bytes));
        self.phase = Phase::Void;
        (entry, (self.next > 0).then_some(self))
    }

    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The commit without its changes.
    pub fn into_entry(self: Box<Self>) -> Entry {
        Entry::of(self.commit, self.parts, self.bytes)
    }
}

#[cfg(test)]
mod tests;
