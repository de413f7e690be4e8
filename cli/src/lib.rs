//! The command `caxton`: agents from the shell.
//!
//! What a command does is done by the crate `caxton`; here its arguments are read and its results are
//! shown, for people or, with `--json`, for programs: one JSON value for each line of standard output.

mod bench;
mod completions;
mod fail;
mod input;
mod inspect;
mod interrupt;
mod new;
mod progress;
mod run_agent;
mod settings;
mod show;
mod store;
mod system;
mod templates;

use std::ffi::OsString;
use std::future::Future;

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

use crate::fail::Failure;
use crate::show::Show;

/// Systems of sandboxed WebAssembly agents.
#[derive(Parser)]
#[command(name = "caxton", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    /// Print JSON: one value a line
    #[arg(long, global = true)]
    json: bool,

    /// Colour what is printed
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a project for an agent, which builds and passes its own tests
    New(new::New),
    /// Say what is in a module, whether it can be an agent, and what its author might change
    Inspect(inspect::Inspect),
    /// Run one agent: messages from the command line or standard input, its answers on standard output
    RunAgent(run_agent::RunAgent),
    /// Run a system of agents that a file describes, until Ctrl-C
    Run(system::Run),
    /// Measure an agent: how long it takes to deploy, and to answer
    Bench(bench::Bench),
    /// Say what a store holds, without opening it to agents
    Store(store::Store),
    /// Print the completions of a shell
    Completions(completions::Completions),
}

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    an agent refused, failed, or did not answer in time
  2    wrong use: an argument, a message, a system file, a project that is there already
  3    a module that cannot be an agent
  4    a store that cannot be used: it is in use, damaged, or no store
  5    anything else, such as a file that cannot be written
  130  ended by Ctrl-C before it was done
  141  nobody reads standard output any more";

/// Runs the command with its arguments, the first of which is its own name; the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<_> = arguments.into_iter().collect();
    // A panic has been said on standard error, and is not to reach the interpreter that calls this.
    std::panic::catch_unwind(|| run_parsed(arguments)).unwrap_or(fail::OTHER)
}

fn run_parsed(arguments: Vec<OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            // Help and the version are no errors; a pipe that is closed is nobody's concern here.
            let _ = wrong.print();
            return u8::try_from(wrong.exit_code()).unwrap_or(fail::WRONG_USE);
        }
    };
    let mut show = Show::new(arguments.json, arguments.color);
    let done = match arguments.command {
        Command::New(new) => new.run(&mut show),
        Command::Inspect(inspect) => inspect.run(&mut show),
        Command::RunAgent(run) => block_on(run.run(&mut show)),
        Command::Run(run) => block_on(run.run(&mut show)),
        Command::Bench(bench) => block_on(bench.run(&mut show)),
        Command::Store(store) => store.run(&mut show),
        Command::Completions(completions) => completions.run(&mut show, Arguments::command()),
    };
    match done {
        Ok(()) => 0,
        Err(failure) => {
            show.failure(&failure);
            failure.exit
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::other(format!("no threads: {error}")))?;
    let done = runtime.block_on(work);
    // A thread that reads standard input cannot be waited for.
    runtime.shutdown_background();
    done
}
