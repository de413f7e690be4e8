//! Caxton's core beside wasmtime alone, as Rust sees it; `benches/run.py` reads what this prints.
//!
//! `caxton-benches rows AGENT ROUNDS` prints the figures of each round, `caxton-benches curves AGENT`
//! how they change with sizes, and `caxton-benches count ROW AGENT N` does N of a row, for who counts
//! instructions.

#![allow(clippy::disallowed_methods, reason = "it measures time")]

mod agents;
mod curves;
mod floor;
mod rows;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    caxton_bindings_allocator::set_up();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = match arguments[..] {
        ["rows", agent, rounds] => rows::measure(&std::fs::read(agent)?, rounds.parse()?)?,
        ["curves", agent] => curves::measure(&std::fs::read(agent)?)?,
        ["count", row, agent, times] => {
            return rows::count(row, &std::fs::read(agent)?, times.parse()?);
        }
        _ => {
            let expected = "rows AGENT ROUNDS | curves AGENT | count ROW AGENT N";
            return Err(format!("expected: {expected}").into());
        }
    };
    println!("{printed}");
    Ok(())
}
