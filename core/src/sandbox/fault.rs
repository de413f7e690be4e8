//! Why a turn was dropped.

use std::fmt;

use wasmtime::{Trap, WasmBacktrace};

use super::frames;

/// What kind of thing dropped a turn; its text is the `kind` of a `failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Memory,
    Time,
    HostCalls,
    Allocations,
    Trap,
    Exit,
    Stack,
    /// The handler ended with a code other than 0 and said nothing.
    Code,
    Mailbox,
    Unknown,
    /// A message that the receiver's content limits keep out.
    Content,
    Deadlock,
    /// Nobody answered by `reply_by`.
    Deadline,
    /// The runtime is closing.
    Closed,
}

impl FaultKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            FaultKind::Memory => "memory",
            FaultKind::Time => "time",
            FaultKind::HostCalls => "host_calls",
            FaultKind::Allocations => "allocations",
            FaultKind::Trap => "trap",
            FaultKind::Exit => "exit",
            FaultKind::Stack => "stack",
            FaultKind::Code => "code",
            FaultKind::Mailbox => "mailbox",
            FaultKind::Unknown => "unknown",
            FaultKind::Content => "content",
            FaultKind::Deadlock => "deadlock",
            FaultKind::Deadline => "deadline",
            FaultKind::Closed => "closed",
        }
    }
}

/// One dropped turn: its kind, one sentence, and figures where a limit was broken.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub kind: FaultKind,
    pub text: String,
    pub limit: Option<u64>,
    pub used: Option<u64>,
    pub backtrace: Option<String>,
}

impl Fault {
    pub fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Fault { kind, text: text.into(), limit: None, used: None, backtrace: None }
    }

    pub fn limit(kind: FaultKind, text: impl Into<String>, limit: u64, used: u64) -> Self {
        Fault { limit: Some(limit), used: Some(used), ..Fault::new(kind, text) }
    }

    pub fn too_many_allocations(limit: u64) -> Self {
        let text = format!("the turn made more than its limit of {limit} allocations");
        Fault::limit(FaultKind::Allocations, text, limit, limit.saturating_add(1))
    }

    /// Finds out what an error that came out of a guest was.
    pub fn from_guest(error: wasmtime::Error) -> Self {
        let backtrace = error
            .downcast_ref::<WasmBacktrace>()
            .filter(|backtrace| !backtrace.frames().is_empty())
            .map(frames::backtrace);
        let fault = if let Some(fault) = error.downcast_ref::<Fault>() {
            fault.clone()
        } else if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            Fault::new(FaultKind::Exit, format!("it called proc_exit({})", exit.0))
        } else if let Some(trap) = error.downcast_ref::<Trap>() {
            match trap {
                Trap::StackOverflow => Fault::new(FaultKind::Stack, "its call stack overflowed"),
                other => Fault::new(FaultKind::Trap, format!("it trapped: {other}")),
            }
        } else {
            Fault::new(FaultKind::Trap, format!("it trapped: {}", error.root_cause()))
        };
        Fault { backtrace, ..fault }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}
