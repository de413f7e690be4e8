//! What is printed: for people in colour where that is seen, for programs as JSON.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use caxton::{LogLevel, LogLine, Message, Sniffer, printable};
use clap::ColorChoice;
use serde_json::{Value, json};

use crate::fail::Failure;

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const WARNING: Style = AnsiColor::Yellow.on_default();
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// Standard output and error, as the command was asked to use them.
pub struct Show {
    json: bool,
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
}

impl Show {
    pub fn new(json: bool, colour: ColorChoice) -> Self {
        let choice = match colour {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        Show {
            json,
            out: AutoStream::new(io::stdout(), choice),
            err: AutoStream::new(io::stderr(), choice),
        }
    }

    /// Whether what goes to standard output is coloured.
    pub fn is_coloured(&self) -> bool {
        self.out.current_choice() != anstream::ColorChoice::Never
    }

    /// Whether progress is seen: by a person, on a terminal.
    pub fn shows_progress(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// A line for people.
    pub fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{line}").and_then(|()| self.out.flush())?)
    }

    /// A line for programs.
    pub fn value(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(value)
    }

    /// What was found: as it is for programs, as lines for people.
    pub fn found(
        &mut self,
        value: impl FnOnce() -> Value,
        lines: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Failure> {
        if self.json {
            return self.value(&value());
        }
        for line in lines() {
            self.line(line)?;
        }
        Ok(())
    }

    /// A message that an agent sent.
    pub fn message(&mut self, message: &Message) -> Result<(), Failure> {
        if self.json {
            let json = message.as_text().to_owned();
            return self.line(json);
        }
        let act = message.performative();
        let style = match act.as_str() {
            "failure" | "not-understood" | "refuse" => BAD,
            _ => GOOD,
        };
        let content = if message.content() == "null" { "" } else { message.content() };
        self.line(format!("{style}{act}{style:#} {}", printable(content)).trim_end().to_owned())
    }

    /// A message that passes, in a line with who says it to whom.
    pub fn passing(&mut self, message: &Message, sniffer: &mut Sniffer) -> Result<(), Failure> {
        if self.json {
            return self.message(message);
        }
        self.line(sniffer.line(message))
    }

    /// Something that happened, on standard error.
    pub fn event(&mut self, event: &Message) {
        let content: Value = event.read_content().unwrap_or_default();
        let said = if self.json {
            writeln!(self.err, "{}", json!({"event": content}))
        } else {
            let kind = content["event"].as_str().unwrap_or_default();
            let agent = content["agent"].as_str().unwrap_or_default();
            let why = ["error", "reason", "claimed", "receiver", "note"];
            let why = why.iter().find_map(|field| content[*field].as_str()).unwrap_or_default();
            let (agent, why) = (printable(agent), printable(why));
            writeln!(self.err, "{WARNING}{kind}{WARNING:#} {agent} {why}")
        };
        drop(said);
    }

    /// A line of an agent's log, on standard error.
    pub fn log(&mut self, agent: &str, line: &LogLine) {
        let style = match line.level {
            LogLevel::Error => BAD,
            LogLevel::Warn => WARNING,
            _ => DIM,
        };
        let level = line.level.as_str();
        let said = if self.json {
            let entry =
                json!({"log": {"agent": agent, "at": line.at, "level": level, "text": line.text}});
            writeln!(self.err, "{entry}")
        } else {
            // Each line says whose it is, so that none can pass for another's.
            let agent = printable(agent);
            line.text.lines().try_for_each(|text| {
                let text = printable(text);
                writeln!(self.err, "{DIM}{agent}{DIM:#} {style}{level}{style:#} {text}")
            })
        };
        // Where nobody reads the log, the work goes on.
        drop(said);
    }

    /// A remark for whoever sits there; nothing for programs.
    pub fn remark(&mut self, text: impl Display) {
        if !self.json {
            drop(writeln!(self.err, "{text}"));
        }
    }

    /// Why the command did not do what it was asked, on standard error.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.text.is_empty() {
            return;
        }
        let said = if self.json {
            let error = json!({"error": {"code": failure.code, "text": failure.text}});
            writeln!(self.err, "{error}")
        } else {
            // What is quoted in it may be an agent's; its own line breaks stay.
            let lines: Vec<_> = failure.text.lines().map(printable).collect();
            writeln!(self.err, "{BAD}error{BAD:#}: {}", lines.join("\n"))
        };
        drop(said);
    }
}

/// A number of bytes as people read it.
pub fn bytes(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}
