//! A forked child of a process that had a runtime: nothing of it works there, since its threads stayed with the parent.

#![cfg_attr(unix, allow(unsafe_code))] // pthread_atfork

use std::fs::File;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::error::{Error, ErrorKind};

/// True once this process has started threads that a child would miss.
static STARTED: AtomicBool = AtomicBool::new(false);
static IN_CHILD: AtomicBool = AtomicBool::new(false);

/// Remembers that this process is about to start a runtime's threads.
pub(crate) fn starting() {
    STARTED.store(true, Ordering::SeqCst);
    look_after_children();
}

/// Lets the system call [`in_forked_child`].
fn look_after_children() {
    #[cfg(unix)]
    {
        static ASKED: OnceLock<()> = OnceLock::new();
        ASKED.get_or_init(|| {
            // SAFETY: the handler stays where it is for as long as this code is loaded, and does only what is allowed
            // between a fork and an exec.
            let failed = unsafe { libc::pthread_atfork(None, None, Some(in_forked_child)) };
            if failed != 0 {
                tracing::warn!("children of this process will not know that they were forked");
            }
        });
    }
}

/// Called by the system in each forked child. It takes no lock and allocates nothing.
#[cfg(unix)]
extern "C" fn in_forked_child() {
    IN_CHILD.store(STARTED.load(Ordering::SeqCst), Ordering::SeqCst);
    let mut place = Some(&FIRST);
    while let Some(here) = place {
        let descriptor = here.descriptor.swap(NONE, Ordering::SeqCst);
        if descriptor != NONE {
            // SAFETY: it is the child's copy, and whoever has the file in memory does not close it once its place is
            // empty.
            unsafe { libc::close(descriptor) };
        }
        place = here.next.get().map(|next| &**next);
    }
}

pub(crate) fn in_child() -> bool {
    IN_CHILD.load(Ordering::Relaxed)
}

pub(crate) fn check() -> Result<(), Error> {
    if in_child() {
        return Err(Error::new(
            ErrorKind::Closed,
            "this process was forked after a runtime was made, whose threads stayed with the \
             parent; start child processes with the `spawn` method, or fork before the first \
             runtime is made",
        ));
    }
    Ok(())
}

/// A file that this process has open, and no forked child of it: a lock on it ends with this process.
pub(crate) struct OwnFile {
    file: Option<File>,
    place: &'static Place,
}

/// A place for a descriptor, which forked children close.
struct Place {
    descriptor: AtomicI32,
    next: OnceLock<Box<Place>>,
}

/// No descriptor.
const NONE: i32 = -1;

static FIRST: Place = Place::empty();

impl Place {
    const fn empty() -> Self {
        Place { descriptor: AtomicI32::new(NONE), next: OnceLock::new() }
    }
}

impl OwnFile {
    pub fn new(file: File) -> Self {
        look_after_children();
        let descriptor = number(&file);
        let mut place = &FIRST;
        while place
            .descriptor
            .compare_exchange(NONE, descriptor, Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {
            place = place.next.get_or_init(|| Box::new(Place::empty()));
        }
        OwnFile { file: Some(file), place }
    }

    /// Returns the file; `None` in a forked child.
    pub fn get(&self) -> Option<&File> {
        self.file.as_ref().filter(|_| self.place.descriptor.load(Ordering::SeqCst) != NONE)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.place.descriptor.swap(NONE, Ordering::SeqCst) == NONE {
            // The child has closed its copy, and the number may be another file's by now.
            std::mem::forget(self.file.take());
        }
    }
}

#[cfg(unix)]
fn number(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

/// There are no forked children.
#[cfg(not(unix))]
fn number(_file: &File) -> i32 {
    0
}
