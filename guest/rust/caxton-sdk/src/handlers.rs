//! From the host's calls to an agent's handlers.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use core::future::Future;

use crate::error::AgentError;
use crate::host::console_error;
use crate::local::local;
use crate::message::FipaMessage;
use crate::reply::{IntoReply, handle_other};
use crate::task;

type Handler = Rc<dyn Fn(FipaMessage) -> i32>;

local!(HANDLERS: BTreeMap<String, Handler> = BTreeMap::new());
local!(ON_TIMER: BTreeMap<u32, Box<dyn FnOnce()>> = BTreeMap::new());

/// Handles requests whose content has this `action`. What the handler returns is sent to who asked: see
/// [`IntoReply`]. [`dispatch`] calls it, and so does an agent that is made with [`agent`](crate::agent).
pub fn register_handler<R: IntoReply>(action: &str, handler: impl Fn(FipaMessage) -> R + 'static) {
    let handler: Handler = Rc::new(move |message: FipaMessage| {
        let asked = message.without_content();
        handler(message).reply_to(&asked)
    });
    HANDLERS.with(|handlers| handlers.insert(action.into(), handler));
}

/// The same with a handler that may await: its turn ends where it waits, and it goes on in another.
pub fn register_async_handler<R: IntoReply, F: Future<Output = R> + 'static>(
    action: &str,
    handler: impl Fn(FipaMessage) -> F + 'static,
) {
    let handler: Handler = Rc::new(move |message: FipaMessage| {
        let asked = message.without_content();
        run_handler(asked, handler(message))
    });
    HANDLERS.with(|handlers| handlers.insert(action.into(), handler));
}

/// Gives a message to what awaits it, or to the handler that is registered for its action; the code of
/// `handle_message`. A request that nobody handles, and any other act that expects something, is
/// answered with `not-understood`.
pub fn dispatch(message: FipaMessage) -> i32 {
    dispatch_or(message, |message| handle_other(&message).reply_to(&message))
}

/// As [`dispatch`], with a handler for what nobody else handles.
pub fn dispatch_or(message: FipaMessage, handler: impl FnOnce(FipaMessage) -> i32) -> i32 {
    let Some(message) = task::answered(message) else { return 0 };
    let registered = match message.action() {
        Some(action) if message.performative == "request" => {
            HANDLERS.with(|handlers| handlers.get(action).cloned())
        }
        _ => None,
    };
    let code = match registered {
        Some(registered) => registered(message),
        None => handler(message),
    };
    task::run();
    code
}

/// Calls a function when a timer is due. It lives in the instance, unlike the timer: what has to outlive
/// a restart is stored data that `handle_timer` reads.
pub fn on_timer(timer: u32, work: impl FnOnce() + 'static) {
    ON_TIMER.with(|timers| timers.insert(timer, Box::new(work)));
}

/// Gives a timer to what waits for it; whether anything did.
pub fn dispatch_timer(timer: u32) -> bool {
    if task::rang(timer) {
        return true;
    }
    match ON_TIMER.with(|timers| timers.remove(&timer)) {
        Some(work) => {
            work();
            task::run();
            true
        }
        None => false,
    }
}

/// Runs an async handler as far as it goes. Where it is done at once, its code is the turn's.
pub fn run_handler<R: IntoReply>(
    asked: FipaMessage,
    handler: impl Future<Output = R> + 'static,
) -> i32 {
    let code = Rc::new(core::cell::Cell::new(0));
    let result = code.clone();
    task::spawn(async move {
        result.set(handler.await.reply_to(&asked));
    });
    task::run();
    code.get()
}

/// Reads the message that the host has written at `ptr`.
///
/// # Errors
///
/// If the bytes are no message.
///
/// # Safety
///
/// `ptr` has to be valid for `len` bytes, as the host's are in `handle_message`.
pub unsafe fn parse_message(ptr: *const u8, len: usize) -> Result<FipaMessage, AgentError> {
    if len == 0 || ptr.is_null() {
        return Err(AgentError::not_understood("the message cannot be read: it is empty"));
    }
    // SAFETY: the caller vouches for the range.
    let json = unsafe { core::slice::from_raw_parts(ptr, len) };
    FipaMessage::from_json(json).map_err(|error| {
        AgentError::NotUnderstood(alloc::format!("the message cannot be read: {error}"))
    })
}

/// Reads a message and handles it; 1, and a line in the log, where it cannot be read.
///
/// # Safety
///
/// As for [`parse_message`].
pub unsafe fn handle_raw(
    ptr: *const u8,
    len: usize,
    handler: impl FnOnce(FipaMessage) -> i32,
) -> i32 {
    // SAFETY: the caller vouches for the range.
    match unsafe { parse_message(ptr, len) } {
        Ok(message) => dispatch_or(message, handler),
        Err(error) => {
            console_error(error.text());
            1
        }
    }
}

/// Writes what an agent can do where it fits; the number of bytes that it takes, as `get_capabilities` says it.
///
/// # Safety
///
/// `ptr` has to be valid for writing `len` bytes.
pub unsafe fn write_capabilities(json: &[u8], ptr: *mut u8, len: usize) -> i32 {
    if json.len() <= len {
        // SAFETY: the caller vouches for the range, and no buffer of ours overlaps the host's.
        unsafe { core::ptr::copy_nonoverlapping(json.as_ptr(), ptr, json.len()) };
    }
    i32::try_from(json.len()).unwrap_or(i32::MAX)
}

/// What `init` and `timer` functions may return: nothing, a code, or a `Result`, whose error is written to the log.
pub trait IntoCode {
    /// The code for the host, 0 for success.
    fn code(self) -> i32;
}

impl IntoCode for () {
    fn code(self) -> i32 {
        0
    }
}

impl IntoCode for i32 {
    fn code(self) -> i32 {
        self
    }
}

impl<T: IntoCode, E: Into<AgentError>> IntoCode for Result<T, E> {
    fn code(self) -> i32 {
        match self {
            Ok(done) => done.code(),
            Err(error) => {
                console_error(error.into().text());
                1
            }
        }
    }
}

/// Runs a function that handles no message, and then what it has spawned; its code.
pub fn run_plain(work: impl FnOnce() -> i32) -> i32 {
    let code = work();
    task::run();
    code
}

/// Forgets all that was registered, as a fresh instance has.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn forget() {
    let handlers: BTreeMap<String, Handler> = HANDLERS.with(core::mem::take);
    let timers = ON_TIMER.with(core::mem::take);
    drop((handlers, timers));
    task::forget();
}
