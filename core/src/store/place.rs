//! The place of a store's file: where it is, what is there, and which stores this process has open.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::faults::{cannot_open, foreign, in_use, newer, no_store};
use super::file::Access;
use super::lock::Keeps;
use super::schema;
use crate::error::{Error, ErrorKind};

/// The bytes of a file that say what it is, as far as the number of entries of its first page.
const HEADER: usize = 105;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The stores of this process that are open.
static OPEN_FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The stores that this process has open.
pub(crate) fn open_files() -> Vec<PathBuf> {
    OPEN_FILES.lock().clone()
}

/// As long as it lives, its file is among [`open_files`].
pub(super) struct Reserved(PathBuf);

impl Reserved {
    pub fn take(path: &Path) -> Result<Self, Error> {
        let real = real_path(path);
        let mut open = OPEN_FILES.lock();
        if open.contains(&real) {
            return Err(in_use(path));
        }
        open.push(real.clone());
        Ok(Reserved(real))
    }

    /// Notes where the file really is, once there is one.
    pub fn find_out(&mut self, path: &Path) {
        let real = real_path(path);
        if real != self.0 {
            let mut open = OPEN_FILES.lock();
            open.retain(|path| *path != self.0);
            open.push(real.clone());
            self.0 = real;
        }
    }

    /// Returns the absolute path of the file.
    pub fn path(&self) -> &Path {
        &self.0
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
        .or_else(|_: std::io::Error| std::path::absolute(path))
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
pub(super) fn immutable(path: &Path) -> String {
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
pub(super) fn check_place(path: &Path, access: Access) -> Result<(), Error> {
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

/// Opens a file and looks at it before SQLite does, which would tidy up what another program left unfinished. A
/// missing one is made if it is to be written. Returns with it what a lock on it may keep away: only whoever may write
/// may keep all others away.
pub(super) fn open_file(path: &Path, access: Access, known: usize) -> Result<(File, Keeps), Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    if access == Access::Write {
        options.create(true).truncate(false);
        // What agents keep is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let cannot = |error| cannot_open(path, access, &error);
    let (file, keeps) = match options.open(path) {
        Ok(file) => (file, Keeps::All),
        Err(_) if access == Access::Read => (File::open(path).map_err(cannot)?, Keeps::Writers),
        Err(error) => return Err(cannot(error)),
    };
    let mut header = Vec::with_capacity(HEADER);
    (&file).take(HEADER as u64).read_to_end(&mut header).map_err(cannot)?;
    check_header(path, &header, known)?;
    Ok((file, keeps))
}

fn check_header(path: &Path, header: &[u8], known: usize) -> Result<(), Error> {
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
