//! The command `caxton`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(caxton_cli::run(std::env::args_os()))
}
