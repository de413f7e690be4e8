//! Figures of a whole runtime, and their form for Prometheus.

use std::fmt::Write;

use super::core::Core;
use crate::agent::{Figure, Stats};
use crate::directory::Member;

/// Figures of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The sums of all agents, including those that have been removed.
    pub total: Stats,
    /// The figures of each deployed agent, by name, in the order of deployment.
    pub agents: Vec<(String, Stats)>,
    /// Number of registered host agents.
    pub host_agents: u64,
    /// Number of dead letters that are kept.
    pub dead_letters: u64,
}

impl Core {
    pub fn metrics(&self) -> Metrics {
        let mut agents = Vec::new();
        let mut total = *self.past.lock();
        let mut host_agents = 0;
        for member in self.directory.members() {
            match member {
                Member::Agent(agent) => {
                    let stats = agent.face.stats(agent.mailbox.len());
                    total = total.plus(&stats);
                    agents.push((agent.name().to_owned(), stats));
                }
                Member::Host(_) => host_agents += 1,
            }
        }
        Metrics { total, agents, host_agents, dead_letters: self.dead_letters.len() as u64 }
    }
}

impl Metrics {
    /// The figures in the text format of Prometheus, version 0.0.4.
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        let gauges = [
            ("caxton_agents", "Agents that are deployed.", self.agents.len() as u64),
            ("caxton_host_agents", "Host agents that are registered.", self.host_agents),
            ("caxton_dead_letters", "Dead letters that are kept.", self.dead_letters),
        ];
        for (name, help, value) in gauges {
            head(&mut text, name, help, "gauge");
            write(&mut text, format_args!("{name} {value}\n"));
        }
        for (at, (name, figure, help)) in Stats::FIGURES.iter().enumerate() {
            let (name, kind) = match figure {
                Figure::Counter => (format!("caxton_agent_{name}_total"), "counter"),
                Figure::Gauge => (format!("caxton_agent_{name}"), "gauge"),
            };
            head(&mut text, &name, help.trim(), kind);
            for (agent, stats) in &self.agents {
                if let Some((_, value)) = stats.fields().nth(at) {
                    let agent = Label(agent);
                    write(&mut text, format_args!("{name}{{agent=\"{agent}\"}} {value}\n"));
                }
            }
        }
        text
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    write(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}

fn write(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(line);
}

/// A label's value, with what Prometheus wants escaped.
struct Label<'a>(&'a str);

impl std::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
