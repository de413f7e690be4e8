//! The allocator of both bindings.
//!
//! Messages are made on one thread and dropped on another, which mimalloc is fast at: each thread has a
//! heap of its own, and what others free of it lies there until the thread looks.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

unsafe extern "C" {
    /// Looks through the heap of the calling thread; with `force` all that is free there leaves the process.
    fn mi_collect(force: bool);
}

/// Tells the core how a thread gives back what is free in its heap. To be called when a binding is loaded.
pub fn set_up() {
    caxton::on_release(give_back);
}

fn give_back() {
    // SAFETY: it may be called on any thread at any time, and moves nothing that is in use: it looks
    // through the calling thread's own heap, and for segments that threads have left behind.
    unsafe { mi_collect(true) }
}
