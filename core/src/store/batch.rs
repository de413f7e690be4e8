//! One transaction: what it writes, and what that does to the messages that are named.
//!
//! The bytes of a message are one row. How many letters and dead letters name it is counted in memory,
//! by the one who writes: it is written with the first, and deleted with the last. The counts change
//! when the transaction is on disk. Letters and messages are written last, all of a kind together, in the order of
//! their rows, so that a table is gone through once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use rusqlite::{CachedStatement, Connection};

use super::apply::{apply, number};
use super::change::{Change, MessageRow, Row, Serial};
use super::{rows, staged};
use crate::message::Message;

/// What is written in one transaction, of one commit.
pub(crate) enum Write<'a> {
    /// All of it.
    Whole(&'a [Change]),
    /// A piece, which means nothing before [`Write::Seal`]; `first` is the number of its first change
    /// among all that are staged.
    Stage { commit: u64, first: u64, changes: &'a [Change] },
    /// All of these have been staged: from now on they are kept, whatever happens.
    Seal { commit: u64, changes: &'a [Change] },
    /// A piece takes effect.
    Move { first: u64, changes: &'a [Change] },
    /// All pieces have taken effect.
    Moved { commit: u64 },
    /// The pieces that were staged mean nothing, and are deleted.
    Void { first: u64, changes: &'a [Change] },
}

pub(super) struct Batch<'a> {
    connection: &'a Connection,
    touched: HashMap<Row, Touched<'a>, RandomState>,
    letters: Vec<LetterOf<'a>>,
    /// The rows of letters that are deleted.
    ended: Vec<Row>,
    /// The statement that stores a value, once there is one.
    put: Option<CachedStatement<'a>>,
    /// Above every row that was written.
    pub rows: Row,
    /// Above every serial that was written.
    pub serials: Serial,
}

struct Touched<'a> {
    message: &'a Message,
    names: u32,
}

/// A letter that is written.
struct LetterOf<'a> {
    row: Row,
    to: Serial,
    kind: &'a str,
    message: Row,
}

impl<'a> Batch<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Batch {
            connection,
            touched: HashMap::default(),
            letters: Vec::new(),
            ended: Vec::new(),
            put: None,
            rows: 0,
            serials: 0,
        }
    }

    /// Writes, or takes down what [`Batch::finish`] writes; `each` is called after every change.
    pub fn write(
        &mut self,
        write: &Write<'a>,
        mut each: impl FnMut() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match *write {
            Write::Whole(changes) => {
                for change in changes {
                    self.begin_names(change);
                    self.end_names(change);
                    self.mark(change);
                    self.apply(change)?;
                    each()?;
                }
            }
            Write::Stage { commit, first, changes } => {
                for (number, change) in (first..).zip(changes) {
                    self.begin_names(change);
                    self.mark(change);
                    staged::stage(self.connection, commit, number, change)?;
                    each()?;
                }
            }
            Write::Seal { commit, changes } => {
                changes.iter().for_each(|change| self.end_names(change));
                staged::seal(self.connection, commit)?;
                each()?;
            }
            Write::Move { first, changes } => {
                for change in changes {
                    self.apply(change)?;
                    each()?;
                }
                staged::delete(self.connection, first, changes.len() as u64)?;
            }
            Write::Moved { commit } => staged::unseal(self.connection, commit)?,
            Write::Void { first, changes } => {
                for message in changes.iter().filter_map(Change::names) {
                    let touched = self.touch(message);
                    touched.names = touched.names.saturating_sub(1);
                }
                staged::delete(self.connection, first, changes.len() as u64)?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, change: &'a Change) -> rusqlite::Result<()> {
        match change {
            Change::Letter { row, to, kind, message } => {
                self.letters.push(LetterOf { row: *row, to: *to, kind, message: message.row() });
                Ok(())
            }
            Change::NoLetter { row, .. } => {
                self.ended.push(*row);
                Ok(())
            }
            Change::Data { agent, datum } if let Some(value) = datum.value() => {
                let put = match &mut self.put {
                    Some(put) => put,
                    None => self.put.insert(self.connection.prepare_cached(rows::PUT)?),
                };
                put.execute((number(*agent), datum.key(), value)).map(drop)
            }
            _ => apply(self.connection, change),
        }
    }

    /// Writes letters, and messages that are named now; deletes those that are no more.
    pub fn finish(&mut self) -> rusqlite::Result<()> {
        let (mut named, mut unnamed) = (Vec::with_capacity(self.touched.len()), Vec::new());
        for (row, touched) in &self.touched {
            let (_, is_written) = touched.message.kept().written();
            match (touched.names > 0, is_written) {
                (true, false) => named.push((*row, touched.message)),
                (false, true) => unnamed.push(*row),
                _ => {}
            }
        }
        named.sort_unstable_by_key(|(row, _)| *row);
        unnamed.sort_unstable();
        self.sort_letters();
        // What is deleted first leaves pages to what is written.
        let connection = self.connection;
        for (table, ended) in [(&rows::NO_LETTERS, &self.ended), (&rows::NO_MESSAGES, &unnamed)] {
            table.write(connection, ended, |statement, at, row| {
                statement.raw_bind_parameter(at, number(*row))
            })?;
        }
        rows::LETTERS.write(connection, &self.letters, |statement, at, letter| {
            statement.raw_bind_parameter(at, number(letter.row))?;
            statement.raw_bind_parameter(at + 1, number(letter.to))?;
            statement.raw_bind_parameter(at + 2, letter.kind)?;
            statement.raw_bind_parameter(at + 3, number(letter.message))
        })?;
        rows::MESSAGES.write(connection, &named, |statement, at, (row, message)| {
            statement.raw_bind_parameter(at, number(*row))?;
            statement.raw_bind_parameter(at + 1, message.as_json())
        })
    }

    /// Brings letters in the order of their rows, without those that have come and gone.
    fn sort_letters(&mut self) {
        self.letters.sort_unstable_by_key(|letter| letter.row);
        self.ended.sort_unstable();
        let mut gone = Vec::new();
        self.ended.retain(|row| {
            let is_new = self.letters.binary_search_by_key(row, |letter| letter.row).is_ok();
            if is_new {
                gone.push(*row);
            }
            !is_new
        });
        if !gone.is_empty() {
            self.letters.retain(|letter| gone.binary_search(&letter.row).is_err());
        }
    }

    /// It is on disk.
    pub fn committed(self) {
        for touched in self.touched.into_values() {
            touched.message.kept().write(touched.names, touched.names > 0);
        }
    }

    fn begin_names(&mut self, change: &'a Change) {
        if let Some(message) = change.names() {
            self.touch(message).names += 1;
        }
    }

    fn end_names(&mut self, change: &'a Change) {
        if let Some(message) = change.ends_name_of() {
            let touched = self.touch(message);
            touched.names = touched.names.saturating_sub(1);
        }
    }

    fn touch(&mut self, message: &'a Message) -> &mut Touched<'a> {
        match self.touched.entry(message.row()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let (names, _) = message.kept().written();
                entry.insert(Touched { message, names })
            }
        }
    }

    fn mark(&mut self, change: &Change) {
        match change {
            Change::Letter { row, message, .. } => {
                self.rows = self.rows.max(row + 1).max(message.row() + 1);
            }
            Change::DeadLetter(letter) => {
                self.rows = self.rows.max(letter.row + 1).max(letter.message.row() + 1);
            }
            Change::Agent(agent) => self.serials = self.serials.max(agent.serial + 1),
            Change::Host(host) => self.serials = self.serials.max(host.serial + 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
