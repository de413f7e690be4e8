//! Errors of a store's file: each says what was found and what can be done.

use std::path::Path;

use rusqlite::ErrorCode;

use super::file::Access;
use crate::error::{Error, ErrorKind};

pub(super) fn cannot_open(path: &Path, access: Access, error: &std::io::Error) -> Error {
    let (wanted, hint) = match access {
        Access::Write => ("opened for writing", "choose a place where this program may write"),
        Access::Read => ("read", "choose one that this program may read"),
    };
    let path = path.display();
    let text = format!("the store {path} cannot be {wanted}: {error}; {hint}");
    Error::new(ErrorKind::Store, text)
}

pub(super) fn log_unread(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} cannot be looked at where it cannot be written: it is in use, or its program \
         was ended before it closed it; look at a copy of it and of {path}-wal"
    );
    Error::new(ErrorKind::Store, text)
}

pub(super) fn older_unread(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} cannot be looked at where it cannot be written: it is from an older version, \
         or was closed before all was in its place; look at a copy of it"
    );
    Error::new(ErrorKind::Store, text)
}

pub(super) fn no_store(path: &Path) -> Error {
    let path = path.display();
    let text = format!("{path} is not a store; it was not touched, choose another file");
    Error::new(ErrorKind::Store, text)
}

pub(super) fn foreign(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "{path} is a SQLite database, but not one of Caxton's; it was not touched, choose another \
         file"
    );
    Error::new(ErrorKind::Store, text)
}

pub(super) fn newer(path: &Path, version: i64, known: usize) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} has version {version}, and this version of Caxton knows {known} at most; \
         it was not touched, open it with a newer one"
    );
    Error::new(ErrorKind::Store, text)
}

pub(super) fn in_use(path: &Path) -> Error {
    let path = path.display();
    let text = format!(
        "the store {path} is in use by another runtime, or by a program that looks into it; close that \
         one, or use another file"
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

/// The file that this process has open is not the one at its path any more.
pub(super) fn lost(path: &Path, what: &str) -> Error {
    let path = path.display();
    let text = format!(
        "{what}: what is written now would be lost, so nothing is kept any more; close the runtime, put the store \
         {path} and the log beside it back, or restore a copy, and open it again"
    );
    Error::new(ErrorKind::Store, text)
}

/// There is no lock to be had.
pub(super) fn not_locked(path: &Path, error: &std::io::Error) -> Error {
    let path = path.display();
    let text =
        format!("the store {path} cannot be locked: {error}; choose a place on another disk");
    Error::new(ErrorKind::Store, text)
}
