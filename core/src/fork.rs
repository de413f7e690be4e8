//! What a forked child may do once its parent had a runtime: nothing. The threads stayed there.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind};

/// Whether this process ever started threads that a child would miss.
static STARTED: AtomicBool = AtomicBool::new(false);
static IN_CHILD: AtomicBool = AtomicBool::new(false);

/// Marks this process as a forked child, in which nothing of a parent that had a runtime works. To
/// be called by an at-fork hook, in the child.
pub fn after_fork_in_child() {
    if STARTED.load(Ordering::SeqCst) {
        IN_CHILD.store(true, Ordering::SeqCst);
    }
}

/// Remembers that this process is about to start a runtime's threads.
pub(crate) fn starting() {
    STARTED.store(true, Ordering::SeqCst);
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
