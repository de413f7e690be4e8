//! `caxton completions`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::fail::Failure;
use crate::show::Show;

#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self, show: &mut Show, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "caxton", &mut script);
        show.line(String::from_utf8_lossy(&script).trim_end())
    }
}
