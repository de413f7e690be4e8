//! The lock on a store's file, which lasts as long as its runtime.
//!
//! SQLite locks files with POSIX locks. Those of a process end as soon as it closes any descriptor of the file, so a
//! program that reads or copies its own store would give it up to others. On Linux the lock is one of an open file
//! description, which ends with that alone: it stands on the bytes that SQLite itself locks, so every other
//! connection, of this process or another, finds the database locked. Our own connection then takes no locks.
//! Elsewhere, and on file systems that have no such locks, a file beside the store is locked, and SQLite takes its own
//! locks too.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::place::beside;
use crate::fork::OwnFile;

/// The connections that a lock keeps away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Everybody else.
    All,
    /// Those that write.
    Writers,
}

/// A lock that is held until it is dropped, or until its process ends: forked children do not have it.
pub(super) struct Lock {
    file: OwnFile,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// On SQLite's bytes of the file itself.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Described,
    /// On a file beside it.
    Beside,
}

/// The reason why there is no lock.
pub(super) enum Refused {
    InUse,
    Failed(std::io::Error),
}

impl Lock {
    /// Locks the store at `path`, of which `file` is a descriptor, which this takes.
    pub fn take(path: &Path, file: File, keeps: Keeps) -> Result<Self, Refused> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(taken) = description::take(file, keeps) {
            return taken.map(|file| Lock { file: OwnFile::new(file), kind: Kind::Described });
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        drop(file);
        Self::take_beside(path, keeps)
    }

    /// Locks the file beside the store, which is made and kept.
    pub fn take_beside(path: &Path, keeps: Keeps) -> Result<Self, Refused> {
        let beside = beside(path, "-lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.open(&beside) {
            // Whoever may only look cannot make it. Where there is none, nobody has the store open.
            Err(error) if keeps == Keeps::Writers => match File::open(&beside) {
                Ok(file) => file,
                Err(_) => return Err(Refused::Failed(error)),
            },
            opened => opened.map_err(Refused::Failed)?,
        };
        let locked = match keeps {
            Keeps::All => file.try_lock(),
            Keeps::Writers => file.try_lock_shared(),
        };
        match locked {
            Ok(()) => Ok(Lock { file: OwnFile::new(file), kind: Kind::Beside }),
            Err(TryLockError::WouldBlock) => Err(Refused::InUse),
            Err(TryLockError::Error(error)) => Err(Refused::Failed(error)),
        }
    }

    /// Returns the name of SQLite's way to files that goes with the lock; `None` for the usual one.
    pub fn vfs(&self) -> Option<&'static str> {
        match self.kind {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Kind::Described => Some("unix-none"),
            Kind::Beside => None,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is being forked may have a copy of the descriptor for a moment yet.
        let Some(file) = self.file.get() else { return };
        match self.kind {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Kind::Described => description::give_back(file),
            Kind::Beside => drop(file.unlock()),
        }
    }
}

/// Locks of open file descriptions.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod description {
    #![allow(unsafe_code)] // fcntl

    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::{Keeps, Refused};

    /// The bytes that SQLite locks: "pending", "reserved" and "shared".
    const FIRST: libc::off_t = 0x4000_0000;
    const COUNT: libc::off_t = 512;

    /// Locks a file; `None` where its file system has no such locks.
    pub fn take(file: File, keeps: Keeps) -> Option<Result<File, Refused>> {
        let kind = match keeps {
            Keeps::All => libc::F_WRLCK,
            Keeps::Writers => libc::F_RDLCK,
        };
        let Err(error) = set(&file, kind) else { return Some(Ok(file)) };
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Some(Err(Refused::InUse)),
            Some(libc::EINVAL | libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP) => None,
            _ => Some(Err(Refused::Failed(error))),
        }
    }

    pub fn give_back(file: &File) {
        drop(set(file, libc::F_UNLCK));
    }

    fn set(file: &File, kind: libc::c_int) -> std::io::Result<()> {
        let lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: FIRST,
            l_len: COUNT,
            l_pid: 0,
        };
        // SAFETY: the descriptor is open, and `lock` is what the command reads.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}
