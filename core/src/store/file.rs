//! The file of a store: who has it, whether it is one, and what is said where it is not.
//!
//! A file is input like any other. Until all that it holds has been read and found to be as it should,
//! nothing is written to it, or to the log beside it.

use std::ffi::OsString;
use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::apply::apply;
use super::change::{Contents, Leftovers};
use super::{load, schema, staged};
use crate::error::{Error, ErrorKind};
use crate::grants::check_store;

/// The bytes of a file that say what it is, as far as the number of entries of its first page.
const HEADER: usize = 105;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What somebody wants of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only a look.
    Read,
    /// To keep it open, and to make it where there is none.
    Write,
}

/// A connection that has its file for itself. Dropping it changes nothing that the file holds.
pub(super) struct Locked<'a> {
    connection: Connection,
    /// What each version of the schema did; their number is the version that is known.
    steps: &'a [&'a str],
    path: PathBuf,
    reserved: Reserved,
}

impl<'a> Locked<'a> {
    /// Opens the file at `path`, and says what SQLite would not.
    pub fn open(path: &Path, access: Access, steps: &'a [&'a str]) -> Result<Self, Error> {
        // First of all: to open and close a file ends the locks that this process has on it.
        let mut reserved = Reserved::take(path)?;
        if access == Access::Write {
            check_store(path)?;
        }
        check_place(path, access)?;
        check_header(path, access, steps.len())?;
        reserved.find_out(path);
        let wrong = |error: rusqlite::Error| explain(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
        let mut locked = Locked { connection, steps, path: path.to_owned(), reserved };
        locked.configure().map_err(wrong)?;
        if access == Access::Write {
            return Ok(locked);
        }
        match locked.probe() {
            // To keep others away takes the right to write. A file without a log is nobody's.
            Err(error) if is_denied(&error) => {
                if locked.log_path().exists() {
                    return Err(log_unread(path));
                }
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_URI;
                let address = immutable(&locked.reserved.0);
                locked.connection = Connection::open_with_flags(address, flags).map_err(wrong)?;
                locked.configure().map_err(wrong)?;
            }
            probed => probed.map_err(wrong)?,
        }
        Ok(locked)
    }

    /// The log beside the file.
    pub fn log_path(&self) -> PathBuf {
        beside(&self.reserved.0, "-wal")
    }

    /// Takes the lock.
    fn probe(&self) -> rusqlite::Result<()> {
        self.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    }

    fn configure(&self) -> rusqlite::Result<()> {
        self.busy_timeout(Duration::ZERO)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        self.pragma_update(None, "cell_size_check", true)?;
        // The lock is taken with the first transaction, and kept.
        self.pragma_update(None, "locking_mode", "EXCLUSIVE")
    }

    /// Reads all that the file holds, as it will be once it is up to date. Nothing in it is changed:
    /// that is for [`Locked::update`], once all is found to be as it should.
    pub fn read(&self) -> Result<Contents, Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.pragma_update(None, "cache_spill", false).map_err(wrong)?;
        self.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
        let read = self.read_in_transaction();
        // After some errors there is no transaction any more.
        let ended = self.execute_batch("ROLLBACK").map_err(wrong);
        let (_, contents) = read?;
        ended?;
        self.pragma_update(None, "cache_spill", true).map_err(wrong)?;
        Ok(contents)
    }

    /// Brings a file up to date whose contents have been read: its tables, what was staged, and what is left
    /// over.
    pub fn update(&self, leftovers: &Leftovers) -> Result<(), Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
        let updated = self.version().and_then(|version| {
            if version < self.steps.len() as i64 {
                schema::migrate(self, self.steps, version).map_err(wrong)?;
            }
            staged::finish(self).map_err(|fault| self.explain(fault))?;
            leftovers.changes().try_for_each(|change| apply(self, &change)).map_err(wrong)
        });
        match updated {
            Ok(()) => self.execute_batch("COMMIT").map_err(wrong),
            Err(error) => {
                drop(self.execute_batch("ROLLBACK"));
                Err(error)
            }
        }
    }

    /// Reads all that the file holds; its version too.
    pub fn look(&self) -> Result<(i64, Contents), Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.pragma_update(None, "cache_spill", false).map_err(wrong)?;
        self.execute_batch("BEGIN").map_err(wrong)?;
        let read = match self.version() {
            Ok(0) => Ok((0, Contents::default())),
            _ => self.read_in_transaction(),
        };
        drop(self.execute_batch("ROLLBACK"));
        // What it takes to bring it up to date is taken back, but has to be written.
        let is_denied = self.is_readonly(rusqlite::MAIN_DB).unwrap_or(false);
        read.map_err(|error| match is_denied && error.message().contains("cannot be written") {
            true => older_unread(&self.path),
            false => error,
        })
    }

    fn read_in_transaction(&self) -> Result<(i64, Contents), Error> {
        let path = self.path.as_path();
        let wrong = |error: rusqlite::Error| explain(path, error);
        let version = self.version()?;
        if version > 0 {
            if let Some(what) = schema::difference(self, self.steps, version).map_err(wrong)? {
                return Err(damaged(path, &what));
            }
            let found: String =
                self.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(wrong)?;
            if found != "ok" {
                return Err(damaged(path, found.replace('\n', " ").trim()));
            }
        }
        if version < self.steps.len() as i64 {
            schema::migrate(self, self.steps, version).map_err(wrong)?;
        }
        let read = staged::finish(self).and_then(|()| load::contents(self));
        Ok((version, read.map_err(|fault| self.explain(fault))?))
    }

    fn explain(&self, fault: load::Fault) -> Error {
        match fault {
            load::Fault::Sqlite(error) => explain(&self.path, error),
            load::Fault::Damaged(what) => damaged(&self.path, &what),
        }
    }

    /// The version of the file, 0 where it holds nothing.
    fn version(&self) -> Result<i64, Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        let read = |name: &str| -> Result<i64, Error> {
            self.pragma_query_value(None, name, |row| row.get(0)).map_err(wrong)
        };
        let (id, version) = (read("application_id")?, read("user_version")?);
        let tables: i64 = self
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(wrong)?;
        // A process that was killed while it made the file leaves one without anything in it.
        if id == 0 && version == 0 && tables == 0 {
            return Ok(0);
        }
        if id != i64::from(schema::APPLICATION_ID) {
            return Err(foreign(&self.path));
        }
        if version > self.steps.len() as i64 {
            return Err(newer(&self.path, version, self.steps.len()));
        }
        if version < 1 {
            return Err(damaged(&self.path, &format!("it has the version {version}")));
        }
        Ok(version)
    }
}

impl Deref for Locked<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // An empty log was made with the connection, and is to go with it. Any other stays: it is not
        // copied into a file that may be damaged.
        if log_bytes(&self.reserved.0) == 0 {
            let _ = self.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}

/// The stores of this process that are open.
static OPEN_FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The stores that this process has open.
pub(crate) fn open_files() -> Vec<PathBuf> {
    OPEN_FILES.lock().clone()
}

/// As long as it lives, its file is among [`open_files`].
struct Reserved(PathBuf);

impl Reserved {
    fn take(path: &Path) -> Result<Self, Error> {
        let real = real_path(path);
        let mut open = OPEN_FILES.lock();
        if open.contains(&real) {
            return Err(in_use(path));
        }
        open.push(real.clone());
        Ok(Reserved(real))
    }

    /// Notes where the file really is, once there is one.
    fn find_out(&mut self, path: &Path) {
        let real = real_path(path);
        if real != self.0 {
            let mut open = OPEN_FILES.lock();
            open.retain(|path| *path != self.0);
            open.push(real.clone());
            self.0 = real;
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        OPEN_FILES.lock().retain(|path| *path != self.0);
    }
}

/// Where a file is, or will be.
fn real_path(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|error| match path.file_name() {
            Some(name) => Ok(folder_of(path).canonicalize()?.join(name)),
            None => Err(error),
        })
        .unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The bytes of the log beside a file.
pub(super) fn log_bytes(path: &Path) -> u64 {
    beside(path, "-wal").metadata().map_or(0, |file| file.len())
}

/// What SQLite keeps beside a file.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(ending);
    name.into()
}

/// A file as SQLite's addresses name it that nobody writes.
fn immutable(path: &Path) -> String {
    use std::fmt::Write;
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(*byte));
            }
            byte => drop(write!(address, "%{byte:02x}")),
        }
    }
    address + "?immutable=1"
}

/// Says of a path what SQLite would not.
fn check_place(path: &Path, access: Access) -> Result<(), Error> {
    let wrong = |text: String| Err(Error::new(ErrorKind::Store, text));
    match path.metadata() {
        Ok(file) if file.is_dir() => {
            wrong(format!("the store {} is a folder, expected a file", path.display()))
        }
        Ok(file) if !file.is_file() => {
            wrong(format!("the store {} is no ordinary file; choose another place", path.display()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if access == Access::Read {
                return wrong(format!("there is no store {}", path.display()));
            }
            let folder = folder_of(path);
            if folder.is_dir() {
                return Ok(());
            }
            let (path, folder) = (path.display(), folder.display());
            wrong(format!("the store {path} cannot be made: there is no folder {folder}"))
        }
        Err(error) => wrong(format!("the store {} cannot be opened: {error}", path.display())),
    }
}

/// Looks at a file before SQLite does, which would tidy up what another program left unfinished. A
/// missing one is made.
fn check_header(path: &Path, access: Access, known: usize) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    if access == Access::Write {
        options.write(true).create(true).truncate(false);
        // What agents keep is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let cannot = |error: std::io::Error| {
        let (wanted, hint) = match access {
            Access::Write => ("opened for writing", "choose a place where this program may write"),
            Access::Read => ("read", "choose one that this program may read"),
        };
        let path = path.display();
        Error::new(
            ErrorKind::Store,
            format!("the store {path} cannot be {wanted}: {error}; {hint}"),
        )
    };
    let mut header = Vec::with_capacity(HEADER);
    let file = options.open(path).map_err(cannot)?;
    file.take(HEADER as u64).read_to_end(&mut header).map_err(cannot)?;
    // Nothing is there yet; or whoever made the file was killed, and SQLite finds out how far it came.
    if header.is_empty() || beside(path, "-journal").exists() {
        return Ok(());
    }
    if !header.starts_with(MAGIC) || header.len() < HEADER {
        return Err(no_store(path));
    }
    let number = |at: usize| {
        header[at..at + 4].iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte))
    };
    let (version, id, entries) = (number(60), number(68), number(101) & 0xffff);
    if id != schema::APPLICATION_ID as u32 {
        // The log may know better of one that looks empty.
        return if entries == 0 && id == 0 { Ok(()) } else { Err(foreign(path)) };
    }
    if i64::from(version) > known as i64 {
        return Err(newer(path, version.into(), known));
    }
    Ok(())
}

/// Whether an error is one of the rights that this program has.
fn is_denied(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
        )
    )
}

fn log_unread(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} cannot be looked at where it cannot be written: it is in use, or its program \
         was ended before it closed it; look at a copy of it and of {path}-wal"
    );
    Error::new(ErrorKind::Store, text)
}

fn older_unread(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} cannot be looked at where it cannot be written: it is from an older version, \
         or was closed before all was in its place; look at a copy of it"
    );
    Error::new(ErrorKind::Store, text)
}

fn no_store(path: &Path) -> Error {
    let path = path.display();
    let text = format!("{path} is not a store; it was not touched, choose another file");
    Error::new(ErrorKind::Store, text)
}

fn foreign(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "{path} is a SQLite database, but not one of Caxton's; it was not touched, choose another \
         file"
    );
    Error::new(ErrorKind::Store, text)
}

fn newer(path: &Path, version: i64, known: usize) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} has version {version}, and this version of Caxton knows {known} at most; \
         it was not touched, open it with a newer one"
    );
    Error::new(ErrorKind::Store, text)
}

fn in_use(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} is in use by another runtime; close that one, or use another file"
    );
    Error::new(ErrorKind::Store, text)
}

/// Something in the file is not as it was written.
pub(super) fn damaged(path: &Path, what: &str) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} is damaged: {what}; nothing in it was changed: restore a copy, or save \
         what can be read with `sqlite3 {path} .recover`"
    );
    Error::new(ErrorKind::Store, text)
}

/// Says what went wrong with a store, and what can be done.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return in_use(path),
        Some(ErrorCode::NotADatabase) => return no_store(path),
        Some(ErrorCode::DatabaseCorrupt) => return damaged(path, &error.to_string()),
        _ => {}
    }
    let path = path.display();
    let text = match code {
        Some(ErrorCode::DiskFull) => {
            format!("the store {path} cannot grow: the disk is full; make room and try again")
        }
        Some(ErrorCode::ReadOnly) => format!(
            "the store {path} cannot be written; make the file and its folder writable ({error})"
        ),
        Some(ErrorCode::CannotOpen) => {
            format!(
                "the store {path} cannot be opened ({error}); check that its folder is writable"
            )
        }
        Some(ErrorCode::SystemIoFailure) => format!(
            "the disk failed the store {path}: {error}; check that it works and has room, and try \
             again"
        ),
        _ => format!("the store {path} failed: {error}"),
    };
    Error::new(ErrorKind::Store, text)
}
