//! Where turn records commit: memory, where nothing is written, or a SQLite file.

mod apply;
mod batch;
mod change;
mod faults;
mod file;
mod inspect;
mod load;
mod lock;
mod log;
mod place;
mod rows;
mod schema;
mod sqlite;
mod staged;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

pub(crate) use batch::Write;
pub(crate) use change::{
    AgentRow, Change, Contents, DeadLetterRow, HostRow, LetterRow, Row, SERIALS, Serial,
    StoredAgent,
};
pub use inspect::{StoreInspection, StoredAgentInfo, StoredHostInfo, inspect_store};
pub(crate) use place::open_files;
pub(crate) use sqlite::Sqlite;

use crate::choice::choice;
use crate::error::Error;

/// What a commit has survived when it counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The end of the process, of the system, and of its power: each commit is on disk.
    #[default]
    Full,
    /// The end of the process. What was committed in the last second may be lost with the system's
    /// power.
    Relaxed,
}

choice!(Durability, "durability", Full => "full", Relaxed => "relaxed");

/// A named instant of a commit, for tests that end the process or break the disk there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The transaction has begun.
    Begun,
    /// One change has been written, or taken down to be written with others of its kind.
    Changed,
    /// All changes have been written.
    BeforeCommit,
    /// The transaction is on disk, and nobody has been told.
    Committed,
    /// The log of the store is about to be copied into it; a relaxed one is durable then.
    Sync,
}

/// Called at each [`Point`]; an error is one of the disk.
pub type Hook = Arc<dyn Fn(Point) -> std::io::Result<()> + Send + Sync>;

/// What keeps commits. The journal's thread is the only one that calls it.
pub(crate) trait Storage: Send {
    /// Writes all of this, or nothing.
    fn commit(&mut self, writes: &[Write<'_>]) -> Result<(), Error>;
    /// Whether what is committed is only durable after [`Storage::sync`].
    fn is_relaxed(&self) -> bool;
    /// Whether commits get slower until [`Storage::sync`].
    fn is_due(&self) -> bool;
    /// Makes durable what has been committed, and commits fast.
    fn sync(&mut self) -> Result<(), Error>;
    fn close(self: Box<Self>) -> Result<(), Error>;
}
