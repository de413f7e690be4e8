//! What compiling a module may cost.

use crate::by_name::by_name;

/// What compiling a module may cost, by an estimate that is made before it is compiled; one above a limit is refused. An
/// estimate is of one thread of a usual machine, and the same on every machine. What surrounds the functions, such as types,
/// globals, element and data segments, counts as one more function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileLimits {
    /// Time that one function may take, in milliseconds; 45,000 unless said otherwise.
    pub max_compile_function_millis: Option<u64>,
    /// Memory that one function may take while it is compiled, in bytes; 1 GiB unless said otherwise.
    pub max_compile_function_bytes: Option<u64>,
    /// Time that all functions of a module may take together, in milliseconds; 800,000 unless said otherwise.
    pub max_compile_millis: Option<u64>,
}

impl Default for CompileLimits {
    fn default() -> Self {
        CompileLimits {
            max_compile_function_millis: Some(45_000),
            max_compile_function_bytes: Some(1 << 30),
            max_compile_millis: Some(800_000),
        }
    }
}

by_name! { CompileLimits {
    max_compile_function_millis: optional,
    max_compile_function_bytes: optional,
    max_compile_millis: optional,
}}
