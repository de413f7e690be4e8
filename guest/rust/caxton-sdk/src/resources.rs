//! Resources, as the guide's agents count them for themselves. The host enforces its own limits whether or
//! not an agent does this; these let it stop in good order before it is stopped.

use core::fmt;

use crate::host::current_timestamp;

/// The guide's limits of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Memory, in bytes; 0 is no limit.
    pub max_memory_bytes: u64,
    /// CPU time of one quantum, in microseconds.
    pub max_cpu_micros: u64,
    /// Time of one turn, in microseconds.
    pub max_execution_time_micros: u64,
    /// Host calls of one turn.
    pub max_host_calls: u32,
    /// Messages sent in a second.
    pub max_messages_per_second: u32,
    /// Allocations of one turn.
    pub max_allocations: u32,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        ResourceLimits {
            max_memory_bytes: 50 << 20,
            max_cpu_micros: 100_000,
            max_execution_time_micros: 1_000_000,
            max_host_calls: 1000,
            max_messages_per_second: 100,
            max_allocations: 10_000,
        }
    }
}

/// What a turn has used, as the agent tells it.
#[derive(Debug, Clone)]
pub struct ResourceMonitor {
    memory_usage: usize,
    cpu_time_micros: u64,
    message_count: u32,
    allocation_count: u32,
    start_time: u64,
}

impl ResourceMonitor {
    /// Begins to count now.
    pub fn new() -> Self {
        ResourceMonitor {
            memory_usage: 0,
            cpu_time_micros: 0,
            message_count: 0,
            allocation_count: 0,
            start_time: current_timestamp(),
        }
    }

    /// Whether all of it is within the limits.
    ///
    /// # Errors
    ///
    /// The first limit that is broken.
    pub fn check_limits(&self, limits: &ResourceLimits) -> Result<(), ResourceError> {
        let elapsed = current_timestamp().saturating_sub(self.start_time);
        let memory = self.memory_usage as u64;
        if limits.max_memory_bytes != 0 && memory > limits.max_memory_bytes {
            return Err(ResourceError::MemoryLimitExceeded);
        }
        if self.cpu_time_micros > limits.max_cpu_micros {
            return Err(ResourceError::CpuLimitExceeded);
        }
        if elapsed > limits.max_execution_time_micros {
            return Err(ResourceError::TimeoutExceeded);
        }
        if self.allocation_count > limits.max_allocations {
            return Err(ResourceError::AllocationLimitExceeded);
        }
        // Per second, and a part of one counts as a whole.
        let seconds = u32::try_from(elapsed / 1_000_000 + 1).unwrap_or(u32::MAX);
        if self.message_count > limits.max_messages_per_second.saturating_mul(seconds) {
            return Err(ResourceError::MessageRateLimitExceeded);
        }
        Ok(())
    }

    /// So many bytes were allocated.
    pub fn record_allocation(&mut self, size: usize) {
        self.memory_usage = self.memory_usage.saturating_add(size);
        self.allocation_count = self.allocation_count.saturating_add(1);
    }

    /// So many bytes were given back.
    pub fn record_deallocation(&mut self, size: usize) {
        self.memory_usage = self.memory_usage.saturating_sub(size);
    }

    /// A message was sent.
    pub fn record_message_sent(&mut self) {
        self.message_count = self.message_count.saturating_add(1);
    }

    /// So many microseconds were computed.
    pub fn record_cpu_time(&mut self, micros: u64) {
        self.cpu_time_micros = self.cpu_time_micros.saturating_add(micros);
    }
}

impl Default for ResourceMonitor {
    fn default() -> Self {
        ResourceMonitor::new()
    }
}

/// A limit that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceError {
    /// Memory.
    MemoryLimitExceeded,
    /// CPU time.
    CpuLimitExceeded,
    /// Time.
    TimeoutExceeded,
    /// Allocations.
    AllocationLimitExceeded,
    /// Messages in a second.
    MessageRateLimitExceeded,
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResourceError::MemoryLimitExceeded => "more memory than max_memory_bytes",
            ResourceError::CpuLimitExceeded => "more CPU time than max_cpu_micros",
            ResourceError::TimeoutExceeded => "more time than max_execution_time_micros",
            ResourceError::AllocationLimitExceeded => "more allocations than max_allocations",
            ResourceError::MessageRateLimitExceeded => {
                "more messages in a second than max_messages_per_second"
            }
        })
    }
}

impl core::error::Error for ResourceError {}
