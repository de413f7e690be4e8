//! One transaction: what it writes, and what that does to the messages that are named.
//!
//! The bytes of a message are one row. How many letters and dead letters name it is counted in memory,
//! by the one who writes: it is written with the first, and deleted with the last. The counts change
//! when the transaction is on disk.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, params};

use super::apply::{apply, number};
use super::change::{Change, MessageRow, Row, Serial};
use super::staged;
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
    touched: HashMap<Row, Touched>,
    /// Above every row that was written.
    pub rows: Row,
    /// Above every serial that was written.
    pub serials: Serial,
}

struct Touched {
    message: Message,
    names: u32,
}

impl<'a> Batch<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Batch { connection, touched: HashMap::new(), rows: 0, serials: 0 }
    }

    /// Writes; `each` is called after every change.
    pub fn write(
        &mut self,
        write: &Write<'_>,
        mut each: impl FnMut() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match *write {
            Write::Whole(changes) => {
                for change in changes {
                    self.begin_names(change);
                    self.end_names(change);
                    self.mark(change);
                    apply(self.connection, change)?;
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
                    apply(self.connection, change)?;
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

    /// Writes messages that are named now, and deletes those that are no more.
    pub fn write_messages(&self) -> rusqlite::Result<()> {
        for (row, touched) in &self.touched {
            let (_, is_written) = touched.message.kept().written();
            match (touched.names > 0, is_written) {
                (true, false) => {
                    let mut insert = self
                        .connection
                        .prepare_cached("INSERT INTO messages (row, json) VALUES (?, ?)")?;
                    insert.execute(params![number(*row), touched.message.as_json()])?;
                }
                (false, true) => {
                    let mut delete =
                        self.connection.prepare_cached("DELETE FROM messages WHERE row = ?")?;
                    delete.execute(params![number(*row)])?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// It is on disk.
    pub fn committed(self) {
        for touched in self.touched.into_values() {
            touched.message.kept().write(touched.names, touched.names > 0);
        }
    }

    fn begin_names(&mut self, change: &Change) {
        if let Some(message) = change.names() {
            self.touch(message).names += 1;
        }
    }

    fn end_names(&mut self, change: &Change) {
        if let Some(message) = change.ends_name_of() {
            let touched = self.touch(message);
            touched.names = touched.names.saturating_sub(1);
        }
    }

    fn touch(&mut self, message: &Message) -> &mut Touched {
        match self.touched.entry(message.row()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let (names, _) = message.kept().written();
                entry.insert(Touched { message: message.clone(), names })
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
