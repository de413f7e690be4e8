//! Pieces of HTML for notebooks. Everything is styled in place: a notebook keeps no style sheets for us.

use std::fmt::Write as _;

use super::content::{bounded, laid_out};
use super::escape::{html, label};
use super::svg::svg;
use super::words::{badge, counted, elapsed, thousands};
use crate::agent::LogLine;
use crate::conversation::Conversation;
use crate::message::Message;

/// The most rows of a table.
const MAX_ROWS: usize = 200;
/// The most characters of a content, of an error and of a log line.
const MAX_CHARACTERS: usize = 2_000;
const NAME_COLUMNS: usize = 60;

// Pieces have a background of their own, so that they can be read in dark notebooks too.
const BOX: &str = "background:#fff;color:#1f2933;font:13px system-ui,sans-serif;padding:8px 12px;\
    border:1px solid #cbd2d9;border-radius:6px;overflow-x:auto";
const TABLE: &str = "border-collapse:collapse;margin:4px 0;color:#1f2933;background:#fff";
const HEAD: &str = "text-align:left;padding:3px 10px;border-bottom:2px solid #9aa5b1;color:#1f2933";
const CELL: &str = "text-align:left;vertical-align:top;padding:3px 10px;border-bottom:1px solid #e4e7eb;\
    color:#1f2933;background:#fff";
const PRE: &str = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;color:#1f2933;background:#fff;\
    font:12px ui-monospace,Menlo,Consolas,monospace";

/// An agent as a table shows it.
#[derive(Debug, Clone)]
pub(crate) struct AgentLine {
    pub name: String,
    pub state: &'static str,
    /// How many messages wait.
    pub queue: u64,
    /// How many turns it has had.
    pub turns: u64,
    /// How many of those were dropped.
    pub dropped: u64,
    pub last_error: Option<String>,
}

/// A conversation: its picture, and its messages as a table to unfold.
pub(crate) fn conversation(conversation: &Conversation) -> String {
    let mut out = format!("<div style=\"{BOX}\">\n{}", svg(conversation));
    let count = conversation.messages.len() as u64 + conversation.omitted;
    put(&mut out, format_args!("<details><summary>{}</summary>\n", counted(count, "message")));
    begin_table(&mut out, &["time", "from", "to", "act", "content", "note"]);
    for (index, said) in conversation.messages.iter().take(MAX_ROWS).enumerate() {
        if conversation.omitted > 0 && index == conversation.messages.len() / 2 {
            let left_out = counted(conversation.omitted, "message");
            wide_row(&mut out, 6, &format!("… {left_out} left out …"));
        }
        let message = &said.message;
        let cells = [
            elapsed(conversation.after(message.sent_at())),
            html(&label(message.sender(), NAME_COLUMNS)),
            html(&receivers(message)),
            message.performative().to_string(),
            code(&bounded(message.content(), MAX_CHARACTERS)),
            said.note.map_or_else(String::new, |note| badge(note).to_owned()),
        ];
        row(&mut out, &cells);
    }
    rest(&mut out, 6, conversation.messages.len());
    out.push_str("</table></details>\n</div>\n");
    out
}

/// A message: its parameters, and its content laid out.
pub(crate) fn message(message: &Message) -> String {
    let mut out = format!("<div style=\"{BOX}\">\n<table style=\"{TABLE}\">\n");
    put(
        &mut out,
        format_args!(
            "<tr><th colspan=\"2\" style=\"{HEAD}\">{}</th></tr>\n",
            message.performative()
        ),
    );
    let parameters = [
        ("sender", Some(message.sender().to_owned()).filter(|sender| !sender.is_empty())),
        ("receiver", Some(receivers(message)).filter(|receivers| !receivers.is_empty())),
        ("reply_to", message.reply_to().map(str::to_owned)),
        ("language", message.language().map(str::to_owned)),
        ("encoding", message.encoding().map(str::to_owned)),
        ("ontology", message.ontology().map(str::to_owned)),
        ("protocol", message.protocol().map(str::to_owned)),
        ("conversation_id", message.conversation_id().map(str::to_owned)),
        ("reply_with", message.reply_with().map(str::to_owned)),
        ("in_reply_to", message.in_reply_to().map(str::to_owned)),
        ("reply_by", message.reply_by().map(time)),
        ("message_id", Some(message.message_id().to_owned()).filter(|id| !id.is_empty())),
        ("sent_at", Some(message.sent_at()).filter(|at| *at > 0).map(time)),
    ];
    for (parameter, value) in parameters {
        if let Some(value) = value {
            row(&mut out, &[parameter.to_owned(), html(&label(&value, MAX_CHARACTERS))]);
        }
    }
    if message.content() != "null" {
        row(&mut out, &["content".to_owned(), code(&laid_out(message.content(), MAX_CHARACTERS))]);
    }
    out.push_str("</table>\n</div>\n");
    out
}

/// A runtime: its agents.
pub(crate) fn agents(title: &str, agents: &[AgentLine]) -> String {
    let mut out = format!("<div style=\"{BOX}\">\n");
    let count = counted(agents.len() as u64, "agent");
    put(&mut out, format_args!("<b>{}</b>: {count}\n", html(&label(title, NAME_COLUMNS))));
    begin_table(&mut out, &["agent", "state", "queue", "turns", "dropped turns", "last error"]);
    for agent in agents.iter().take(MAX_ROWS) {
        row(&mut out, &cells(agent));
    }
    rest(&mut out, 6, agents.len());
    out.push_str("</table>\n</div>\n");
    out
}

/// An agent: how it does, what it can do, and the end of its log.
pub(crate) fn agent(agent: &AgentLine, capabilities: &[String], log: &[LogLine]) -> String {
    let mut out = format!("<div style=\"{BOX}\">\n");
    begin_table(&mut out, &["agent", "state", "queue", "turns", "dropped turns", "last error"]);
    row(&mut out, &cells(agent));
    out.push_str("</table>\n");
    if !capabilities.is_empty() {
        let shown = capabilities.iter().take(MAX_ROWS).map(|name| html(&label(name, NAME_COLUMNS)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        put(&mut out, format_args!("<div>capabilities: {shown}"));
        if capabilities.len() > MAX_ROWS {
            put(
                &mut out,
                format_args!(", and {} more", thousands((capabilities.len() - MAX_ROWS) as u64)),
            );
        }
        out.push_str("</div>\n");
    }
    if !log.is_empty() {
        let lines = counted(log.len() as u64, "line");
        put(&mut out, format_args!("<details><summary>log: {lines}</summary>\n"));
        begin_table(&mut out, &["level", "text"]);
        let left_out = log.len().saturating_sub(MAX_ROWS);
        if left_out > 0 {
            wide_row(&mut out, 2, &format!("{} before these", counted(left_out as u64, "line")));
        }
        for line in &log[left_out..] {
            row(
                &mut out,
                &[line.level.as_str().to_owned(), code(&bounded(&line.text, MAX_CHARACTERS))],
            );
        }
        out.push_str("</table></details>\n");
    }
    out.push_str("</div>\n");
    out
}

fn cells(agent: &AgentLine) -> [String; 6] {
    [
        html(&label(&agent.name, NAME_COLUMNS)),
        agent.state.to_owned(),
        thousands(agent.queue),
        thousands(agent.turns),
        thousands(agent.dropped),
        agent
            .last_error
            .as_deref()
            .map_or_else(String::new, |error| code(&bounded(error, MAX_CHARACTERS))),
    ]
}

fn receivers(message: &Message) -> String {
    let mut shown = String::new();
    for receiver in message.receivers().take(3) {
        shown += if shown.is_empty() { "" } else { ", " };
        shown += &label(receiver, NAME_COLUMNS);
    }
    match message.receivers().count() {
        0..=3 => shown,
        count => format!("{shown} and {}", counted(count as u64 - 3, "other")),
    }
}

/// A time of day in UTC, given in microseconds since the Unix epoch.
fn time(micros: u64) -> String {
    let at = i64::try_from(micros).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    at.map_or_else(|| format!("{micros} µs since 1970"), |at| at.to_string())
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn begin_table(out: &mut String, columns: &[&str]) {
    put(out, format_args!("<table style=\"{TABLE}\">\n<tr>"));
    for column in columns {
        put(out, format_args!("<th style=\"{HEAD}\">{column}</th>"));
    }
    out.push_str("</tr>\n");
}

/// A row of cells that are HTML already.
fn row(out: &mut String, cells: &[String]) {
    out.push_str("<tr>");
    for cell in cells {
        put(out, format_args!("<td style=\"{CELL}\">{cell}</td>"));
    }
    out.push_str("</tr>\n");
}

fn wide_row(out: &mut String, columns: usize, text: &str) {
    put(out, format_args!("<tr><td colspan=\"{columns}\" style=\"{CELL}\">{text}</td></tr>\n"));
}

/// Says how many rows a table leaves out at its end.
fn rest(out: &mut String, columns: usize, count: usize) {
    if count > MAX_ROWS {
        let more = thousands((count - MAX_ROWS) as u64);
        wide_row(out, columns, &format!("… and {more} more"));
    }
}

/// A text of several lines, as it is.
fn code(text: &str) -> String {
    format!("<pre style=\"{PRE}\">{}</pre>", html(text))
}
