//! The guide's "Resource Monitoring".

pub struct ResourceMonitor {
    memory_usage: usize,
    cpu_time_micros: u64,
    message_count: u32,
    allocation_count: u32,
    start_time: u64,
}

impl ResourceMonitor {
    pub fn new() -> Self {
        Self {
            memory_usage: 0,
            cpu_time_micros: 0,
            message_count: 0,
            allocation_count: 0,
            start_time: unsafe { current_timestamp() },
        }
    }

    pub fn check_limits(&self, limits: &ResourceLimits) -> Result<(), ResourceError> {
        if self.memory_usage > limits.max_memory_bytes as usize {
            return Err(ResourceError::MemoryLimitExceeded);
        }

        if self.cpu_time_micros > limits.max_cpu_micros {
            return Err(ResourceError::CpuLimitExceeded);
        }

        let elapsed = unsafe { current_timestamp() } - self.start_time;
        if elapsed > limits.max_execution_time_micros {
            return Err(ResourceError::TimeoutExceeded);
        }

        if self.allocation_count > limits.max_allocations {
            return Err(ResourceError::AllocationLimitExceeded);
        }

        Ok(())
    }

    pub fn record_allocation(&mut self, size: usize) {
        self.memory_usage += size;
        self.allocation_count += 1;
    }

    pub fn record_deallocation(&mut self, size: usize) {
        self.memory_usage = self.memory_usage.saturating_sub(size);
    }

    pub fn record_message_sent(&mut self) {
        self.message_count += 1;
    }
}

#[derive(Debug)]
pub enum ResourceError {
    MemoryLimitExceeded,
    CpuLimitExceeded,
    TimeoutExceeded,
    AllocationLimitExceeded,
    MessageRateLimitExceeded,
}

// Missing lines of the guide.

use super::limits::ResourceLimits;
use caxton_sdk::raw::current_timestamp;
