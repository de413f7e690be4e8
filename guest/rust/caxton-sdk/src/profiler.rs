//! How long parts of an agent take.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::host::{console_log, current_timestamp};

/// Times named parts by the runtime's clock, and writes them to the agent's log. Each start and end is a host call.
/// To see where an agent spends its time without changing it: `agent.start_profile()` in the program.
///
/// ```
/// # let host = caxton_sdk::testing::MockHost::new();
/// let mut profiler = caxton_sdk::Profiler::enabled();
/// profiler.start("parse");
/// # host.advance(250);
/// assert_eq!(profiler.end("parse"), Some(250));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Profiler {
    checkpoints: BTreeMap<String, u64>,
    enabled: bool,
}

impl Profiler {
    /// As in the guide: enabled in builds with debug assertions.
    pub const fn new() -> Self {
        Profiler { checkpoints: BTreeMap::new(), enabled: cfg!(debug_assertions) }
    }

    /// Enabled in every build.
    pub const fn enabled() -> Self {
        Profiler { checkpoints: BTreeMap::new(), enabled: true }
    }

    /// A part begins.
    pub fn start(&mut self, name: &str) {
        if self.enabled {
            self.checkpoints.insert(name.into(), current_timestamp());
        }
    }

    /// A part ends; the microseconds since it began, if it did.
    pub fn end(&mut self, name: &str) -> Option<u64> {
        let began = self.checkpoints.remove(name)?;
        let micros = current_timestamp().saturating_sub(began);
        console_log(&alloc::format!("Profile [{name}]: {micros} microseconds"));
        Some(micros)
    }
}
