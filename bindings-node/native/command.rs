//! The command `caxton`, which the package brings along.

use napi_derive::napi;

/// Runs the command `caxton` with its arguments, the first of which is its own name; the exit code. The
/// event loop stands still meanwhile: the command is all that the program does.
#[napi(catch_unwind)]
pub fn run_command(arguments: Vec<String>) -> u32 {
    caxton_cli::run(arguments.into_iter().map(Into::into)).into()
}
