//! The guide's "Resource Management".

// Resource limit configuration
pub struct ResourceLimits {
    /// Maximum memory in bytes (0 = unlimited)
    pub max_memory_bytes: u64,

    /// Maximum CPU time per execution quantum (microseconds)
    pub max_cpu_micros: u64,

    /// Maximum execution time for single message (microseconds)
    pub max_execution_time_micros: u64,

    /// Maximum number of host function calls per execution
    pub max_host_calls: u32,

    /// Maximum outgoing messages per second
    pub max_messages_per_second: u32,

    /// Maximum memory allocations per execution
    pub max_allocations: u32,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            max_memory_bytes: 50 * 1024 * 1024, // 50MB
            max_cpu_micros: 100_000, // 100ms
            max_execution_time_micros: 1_000_000, // 1 second
            max_host_calls: 1000,
            max_messages_per_second: 100,
            max_allocations: 10000,
        }
    }
}
