//! What a forked child may do with a runtime: nothing. Its threads stayed with the parent.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind};

static IN_CHILD: AtomicBool = AtomicBool::new(false);

/// Marks this process as a forked child, in which runtimes of the parent no longer work. To be
/// called by an at-fork hook, in the child.
pub fn after_fork_in_child() {
    IN_CHILD.store(true, Ordering::SeqCst);
}

pub(crate) fn in_child() -> bool {
    IN_CHILD.load(Ordering::Relaxed)
}

pub(crate) fn check() -> Result<(), Error> {
    if in_child() {
        return Err(Error::new(
            ErrorKind::Closed,
            "this process was forked, and the runtime's threads stayed with its parent; \
             start child processes with the `spawn` method, or make the runtime in the child only",
        ));
    }
    Ok(())
}
