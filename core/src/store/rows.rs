//! Rows of the tables that nearly every turn writes to: many with one statement, which takes a fraction of
//! what as many statements take.

use std::sync::LazyLock;

use rusqlite::{CachedStatement, Connection};

/// Rows of one statement: as often as there are so many left, then as many as come next.
const SIZES: [usize; 3] = [16, 4, 1];

/// How rows are written to a table, or deleted.
pub(super) struct Rows {
    /// For each of [`SIZES`].
    texts: [String; 3],
    /// Parameters of a row.
    columns: usize,
}

/// Stores a value of an agent.
pub(super) const PUT: &str = "INSERT INTO data (agent, key, value) VALUES (?, ?, ?)
    ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value";

// A statement that fails ends the transaction, so none has to keep what was there before it: that is what
// FAIL says.
pub(super) static LETTERS: LazyLock<Rows> = LazyLock::new(|| {
    let head = "INSERT OR FAIL INTO letters (row, receiver, kind, message) VALUES ";
    Rows::new(head, "(?, ?, ?, ?)", "")
});
pub(super) static MESSAGES: LazyLock<Rows> =
    LazyLock::new(|| Rows::new("INSERT OR FAIL INTO messages (row, json) VALUES ", "(?, ?)", ""));
pub(super) static NO_LETTERS: LazyLock<Rows> =
    LazyLock::new(|| Rows::new("DELETE FROM letters WHERE row IN (", "?", ")"));
pub(super) static NO_MESSAGES: LazyLock<Rows> =
    LazyLock::new(|| Rows::new("DELETE FROM messages WHERE row IN (", "?", ")"));

impl Rows {
    fn new(head: &str, row: &str, tail: &str) -> Self {
        let text = |size: usize| format!("{head}{}{tail}", vec![row; size].join(", "));
        Rows { texts: SIZES.map(text), columns: row.matches('?').count() }
    }

    /// Writes a row for each item; `bind` gives a statement the parameters of one, from this number on.
    pub fn write<T>(
        &self,
        connection: &Connection,
        mut items: &[T],
        bind: impl Fn(&mut CachedStatement<'_>, usize, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        for (size, text) in SIZES.into_iter().zip(&self.texts) {
            if items.len() < size {
                continue;
            }
            let mut statement = connection.prepare_cached(text)?;
            while let Some((these, others)) = items.split_at_checked(size) {
                for (at, item) in these.iter().enumerate() {
                    bind(&mut statement, at * self.columns + 1, item)?;
                }
                statement.raw_execute()?;
                items = others;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
