//! What belongs to the agent as a whole. An instance has one thread; natively, each test has its own.

use core::cell::RefCell;

/// A value that the agent's only thread may borrow.
#[cfg(target_arch = "wasm32")]
pub(crate) struct Local<T>(RefCell<T>);

// SAFETY: a WebAssembly agent has one thread: the host enters its instance from one turn at a time,
// and the interface offers no threads.
#[cfg(target_arch = "wasm32")]
unsafe impl<T> Sync for Local<T> {}

#[cfg(target_arch = "wasm32")]
impl<T> Local<T> {
    pub const fn new(value: T) -> Self {
        Local(RefCell::new(value))
    }

    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.borrow_mut())
    }
}

/// A value that belongs to the thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) struct Local<T: 'static>(pub &'static std::thread::LocalKey<RefCell<T>>);

#[cfg(not(target_arch = "wasm32"))]
impl<T> Local<T> {
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| work(&mut cell.borrow_mut()))
    }
}

/// Declares one: `local!(NAME: Type = const expression);`.
macro_rules! local {
    ($name:ident: $ty:ty = $value:expr) => {
        #[cfg(target_arch = "wasm32")]
        static $name: $crate::local::Local<$ty> = $crate::local::Local::new($value);
        #[cfg(not(target_arch = "wasm32"))]
        static $name: $crate::local::Local<$ty> = {
            std::thread_local! {
                static CELL: core::cell::RefCell<$ty> = const { core::cell::RefCell::new($value) };
            }
            $crate::local::Local(&CELL)
        };
    };
}

pub(crate) use local;
