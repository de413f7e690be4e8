//! An allocator that counts.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts what another allocator gives out.
///
/// ```
/// # #[cfg(feature = "std")]
/// # {
/// use caxton_sdk::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator<std::alloc::System> = CountingAllocator::system();
///
/// let before = ALLOCATOR.stats();
/// let text = String::from("counted");
/// assert_eq!(ALLOCATOR.stats().allocation_count, before.allocation_count + 1);
/// # drop(text);
/// # }
/// ```
pub struct CountingAllocator<A> {
    inner: A,
    current: AtomicUsize,
    max: AtomicUsize,
    count: AtomicUsize,
}

/// What an allocator has given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllocationStats {
    /// Bytes that are given out now.
    pub current_allocated: usize,
    /// The most bytes that were given out at once.
    pub max_allocated: usize,
    /// How many times memory was given out.
    pub allocation_count: usize,
}

impl<A> CountingAllocator<A> {
    /// Counts what `inner` gives out.
    pub const fn new(inner: A) -> Self {
        CountingAllocator {
            inner,
            current: AtomicUsize::new(0),
            max: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
        }
    }

    /// What it has given out so far.
    pub fn stats(&self) -> AllocationStats {
        AllocationStats {
            current_allocated: self.current.load(Relaxed),
            max_allocated: self.max.load(Relaxed),
            allocation_count: self.count.load(Relaxed),
        }
    }

    fn gave(&self, size: usize) {
        let current = self.current.fetch_add(size, Relaxed).wrapping_add(size);
        self.max.fetch_max(current, Relaxed);
        self.count.fetch_add(1, Relaxed);
    }
}

#[cfg(feature = "std")]
impl CountingAllocator<std::alloc::System> {
    /// Counts what the standard library's allocator gives out.
    pub const fn system() -> Self {
        CountingAllocator::new(std::alloc::System)
    }
}

// SAFETY: every call is passed on as it is, and counting touches no memory that is given out.
unsafe impl<A: GlobalAlloc> GlobalAlloc for CountingAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the inner one's.
        let ptr = unsafe { self.inner.alloc(layout) };
        if !ptr.is_null() {
            self.gave(layout.size());
        }
        ptr
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the inner one's.
        unsafe { self.inner.dealloc(ptr, layout) };
        self.current.fetch_sub(layout.size(), Relaxed);
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the inner one's.
        let ptr = unsafe { self.inner.realloc(ptr, layout, size) };
        if !ptr.is_null() {
            self.current.fetch_sub(layout.size(), Relaxed);
            self.gave(size);
        }
        ptr
    }
}
