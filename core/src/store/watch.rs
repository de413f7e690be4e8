//! Notices when a store's files are no longer where they were opened.
//!
//! A program may delete them, move others over them or cut them off, and SQLite goes on in files that nobody finds
//! again. So both paths are looked at before a commit is acknowledged.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::place::beside;

/// The file of a store and its log, as they were opened.
pub(super) struct Watch {
    store: Watched,
    /// Absent until there is a log.
    log: Option<Watched>,
}

struct Watched {
    path: PathBuf,
    file: Identity,
    /// The most bytes that it had.
    bytes: u64,
}

/// The device and the number of a file, where the system has such.
#[derive(PartialEq, Eq)]
struct Identity(Option<(u64, u64)>);

impl Watch {
    /// Begins to watch the file of the store at `path`, which is open.
    pub fn begin(store: &File, path: &Path) -> io::Result<Self> {
        Ok(Watch { store: Watched::begin(store, path.to_owned())?, log: None })
    }

    /// Watches its log too, which is open.
    pub fn add_log(&mut self, log: &File) -> io::Result<()> {
        self.log = Some(Watched::begin(log, beside(&self.store.path, "-wal"))?);
        Ok(())
    }

    /// Returns an error that says which file is gone, is another one, or is shorter than it was.
    pub fn check(&mut self) -> Result<(), String> {
        self.store.check()?;
        self.log.as_mut().map_or(Ok(()), Watched::check)
    }
}

impl Watched {
    fn begin(file: &File, path: PathBuf) -> io::Result<Self> {
        let found = file.metadata()?;
        let mut watched = Watched { path, file: identity(&found), bytes: 0 };
        watched.check().map_err(io::Error::other)?;
        Ok(watched)
    }

    fn check(&mut self) -> Result<(), String> {
        let path = self.path.display();
        let found = match self.path.metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!("{path} was moved or deleted"));
            }
            Err(error) => return Err(format!("{path} cannot be looked at: {error}")),
        };
        if identity(&found) != self.file {
            return Err(format!("{path} is another file than the one that was opened"));
        }
        if found.len() < self.bytes {
            let (bytes, had) = (found.len(), self.bytes);
            return Err(format!("{path} was cut off: it has {bytes} bytes and had {had}"));
        }
        self.bytes = found.len();
        Ok(())
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity(Some((file.dev(), file.ino())))
}

#[cfg(not(unix))]
fn identity(_file: &Metadata) -> Identity {
    Identity(None)
}
