//! A conversation as a sequence diagram in Mermaid's language.

use std::fmt::Write as _;

use super::escape::{label, mermaid as escaped, tail};
use super::layout::{Arrow, Lane, Layout, Row};
use super::words::{Tone, counted, elapsed, remark, thousands};
use crate::conversation::Conversation;

const NAME_COLUMNS: usize = 30;
const CONTENT_COLUMNS: usize = 40;

/// Draws a conversation. The text stays below the 50,000 characters that Mermaid reads at most.
pub(crate) fn mermaid(conversation: &Conversation) -> String {
    let layout = Layout::of(conversation);
    let mut out = String::from("sequenceDiagram\n");
    let id = escaped(&tail(&conversation.id, 8));
    line(&mut out, format_args!("title {}, {}, …{id}", conversation.protocol, conversation.state));
    for (index, lane) in layout.lanes.iter().enumerate() {
        line(&mut out, format_args!("participant P{index} as {}", name(lane)));
    }
    let everybody = match layout.lanes.len() {
        0 | 1 => "P0".to_owned(),
        lanes => format!("P0,P{}", lanes - 1),
    };
    for row in &layout.rows {
        match row {
            Row::Arrow(arrow) => draw(&mut out, arrow),
            Row::Gap { messages, noted } => {
                let noted = match noted {
                    0 => String::new(),
                    noted => format!(", {} of them with a remark", thousands(*noted)),
                };
                let left_out = counted(*messages, "message");
                line(&mut out, format_args!("Note over {everybody}: … {left_out} left out{noted}"));
            }
            Row::Deadline { after, act } => {
                let at = elapsed(*after);
                line(
                    &mut out,
                    format_args!("Note over {everybody}: deadline for answers to {act}, {at}"),
                );
            }
        }
    }
    for (index, lane) in layout.lanes.iter().enumerate() {
        let missing = lane.standing.as_ref().and_then(|standing| standing.missing.as_ref());
        if let Some(missing) = missing {
            line(&mut out, format_args!("Note over P{index}: {missing}"));
        }
    }
    out
}

fn draw(out: &mut String, arrow: &Arrow<'_>) {
    let head = match arrow.tone {
        Tone::Declining | Tone::Runtime => "--x",
        Tone::Asking | Tone::Answering => "->>",
    };
    let from = arrow.from;
    let act = arrow.act();
    for (index, to) in arrow.to.iter().enumerate() {
        if index > 0 {
            line(out, format_args!("P{from}{head}P{to}: {act}"));
            continue;
        }
        let content = escaped(&label(arrow.message.content(), CONTENT_COLUMNS));
        let content = match arrow.message.content() {
            "null" => String::new(),
            _ if arrow.is_uniform => format!(": {content}"),
            _ => format!(": {content} and others"),
        };
        let time = match elapsed(arrow.first) {
            first if arrow.count > 1 => format!("{first} to {}", elapsed(arrow.last)),
            first => first,
        };
        line(out, format_args!("P{from}{head}P{to}: {act}{content} ({time})"));
    }
    if let Some(note) = arrow.note {
        line(out, format_args!("Note over P{from}: {}", remark(note)));
    }
}

fn name(lane: &Lane<'_>) -> String {
    let name = match label(lane.name, NAME_COLUMNS) {
        name if name.is_empty() => "(nobody)".to_owned(),
        name => escaped(&name),
    };
    let standing = lane.standing.as_ref().map_or("mixed", |standing| &standing.short);
    match lane.others {
        0 => name,
        others => format!("{name} and {} ({standing})", counted(others, "other")),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "    {text}");
}
