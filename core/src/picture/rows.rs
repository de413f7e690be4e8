//! What is drawn below each other: arrows, what is left out, deadlines.

use std::collections::HashMap;

use super::layout::{Arrow, Lane, Row};
use super::words::Tone;
use crate::conversation::{Conversation, Exchanged, Note};
use crate::message::Performative;

/// The most deadlines that are drawn.
const MAX_DEADLINES: usize = 6;
/// How far back a message is put together with others that say the same to somebody else.
const LOOK_BACK: usize = 16;

/// What messages have in common that are drawn as one arrow, and how many such messages the same agent
/// had had before.
#[derive(PartialEq, Eq, Hash)]
struct Kind {
    from: usize,
    to: Vec<usize>,
    act: Performative,
    note: Option<Note>,
    nth: u32,
}

/// Everything that happened, in its order; of messages drawn as one arrow the first counts.
pub(super) fn rows<'a>(
    conversation: &'a Conversation,
    lanes: &[Lane<'a>],
    of_name: &HashMap<&'a str, usize>,
) -> Vec<Row<'a>> {
    let is_shared = |lane: &usize| lanes[*lane].others > 0;
    let is_folded = (0..lanes.len()).any(|lane| is_shared(&lane));
    let mut rows = Vec::new();
    let mut of_kind: HashMap<Kind, usize> = HashMap::new();
    let mut had: HashMap<(Performative, Option<Note>, &str, u64), u32> = HashMap::new();
    for (index, said) in conversation.messages.iter().enumerate() {
        if conversation.omitted > 0 && index == conversation.messages.len() / 2 {
            rows.push(Row::Gap { messages: conversation.omitted, noted: 0 });
        }
        let Some(arrow) = arrow(conversation, said, of_name) else { continue };
        let member = match is_shared(&arrow.from) {
            true => Some(said.message.sender()),
            false if arrow.to.iter().any(is_shared) => Some(said.message.receiver()),
            false => None,
        };
        if let Some(member) = member {
            let act = said.message.performative();
            let lanes = arrow.to.iter().fold(arrow.from as u64, |all, to| all << 4 | *to as u64);
            let had = had.entry((act, said.note, member, lanes)).or_default();
            *had += 1;
            let (from, to) = (arrow.from, arrow.to.clone());
            let kind = Kind { from, to, act, note: said.note, nth: *had };
            let row = *of_kind.entry(kind).or_insert(rows.len());
            if let Some(Row::Arrow(drawn)) = rows.get_mut(row) {
                join(drawn, arrow);
            } else {
                rows.push(Row::Arrow(arrow));
            }
        } else {
            rows.push(Row::Arrow(arrow));
        }
    }
    if conversation.omitted > 0 && conversation.messages.is_empty() {
        rows.push(Row::Gap { messages: conversation.omitted, noted: 0 });
    }
    let rows = fanned(rows, if is_folded { LOOK_BACK } else { 1 });
    with_deadlines(conversation, rows)
}

fn arrow<'a>(
    conversation: &'a Conversation,
    said: &'a Exchanged,
    of_name: &HashMap<&'a str, usize>,
) -> Option<Arrow<'a>> {
    let message = &said.message;
    let from = *of_name.get(message.sender())?;
    let mut to = Vec::new();
    let mut receivers = 0;
    for receiver in message.receivers() {
        receivers += 1;
        let lane = *of_name.get(receiver)?;
        if !to.contains(&lane) {
            to.push(lane);
        }
    }
    to.sort_unstable();
    let at = conversation.after(message.sent_at());
    let tone = match said.note {
        Some(Note::Deadline | Note::Fault) => Tone::Runtime,
        _ => Tone::of(message),
    };
    (!to.is_empty()).then_some(Arrow {
        from,
        to,
        message,
        count: 1,
        is_uniform: true,
        receivers,
        first: at,
        last: at,
        tone,
        note: said.note,
    })
}

/// Draws a message with another of its kind.
fn join<'a>(drawn: &mut Arrow<'a>, arrow: Arrow<'a>) {
    drawn.is_uniform &= arrow.is_uniform && says_the_same(drawn, &arrow);
    drawn.count += arrow.count;
    drawn.first = drawn.first.min(arrow.first);
    drawn.last = drawn.last.max(arrow.last);
    // Messages from the members of a group go to the same receivers.
    if drawn.message.sender() == arrow.message.sender() {
        drawn.receivers += arrow.receivers;
    }
    for lane in arrow.to {
        if !drawn.to.contains(&lane) {
            drawn.to.push(lane);
        }
    }
    drawn.to.sort_unstable();
}

fn says_the_same(one: &Arrow<'_>, other: &Arrow<'_>) -> bool {
    one.message.content() == other.message.content()
}

/// Draws what one agent said to several in messages of their own as one arrow with several heads. A row
/// moves up by at most `reach` rows, and never past one that its receivers have to do with.
fn fanned(rows: Vec<Row<'_>>, reach: usize) -> Vec<Row<'_>> {
    let mut out: Vec<Row<'_>> = Vec::with_capacity(rows.len());
    for row in rows {
        let Row::Arrow(arrow) = row else {
            out.push(row);
            continue;
        };
        let found = out.iter().rev().take(reach).position(|above| match above {
            Row::Arrow(above) => {
                let same = above.message.sender() == arrow.message.sender()
                    && above.message.performative() == arrow.message.performative()
                    && above.note == arrow.note;
                same && above.is_uniform && arrow.is_uniform && says_the_same(above, &arrow)
            }
            _ => false,
        });
        let meets = |row: &Row<'_>| match row {
            Row::Arrow(above) => {
                arrow.to.iter().any(|to| above.to.contains(to) || above.from == *to)
            }
            _ => true,
        };
        let place = found.map(|back| out.len() - 1 - back);
        match place {
            Some(place) if !out[place..].iter().any(meets) => {
                if let Some(Row::Arrow(above)) = out.get_mut(place) {
                    join(above, arrow);
                }
            }
            _ => out.push(Row::Arrow(arrow)),
        }
    }
    out
}

/// Puts each deadline above the first row that came after it; those that nothing came after are left out.
fn with_deadlines<'a>(conversation: &Conversation, rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    let mut deadlines: Vec<(u64, Performative)> = Vec::new();
    for said in &conversation.messages {
        if let Some(by) = said.message.reply_by().filter(|by| *by > conversation.began_at) {
            deadlines.push((conversation.after(by), said.message.performative()));
        }
    }
    deadlines.sort_by_key(|(after, _)| *after);
    let mut deadlines = deadlines.into_iter().peekable();
    let mut out = Vec::with_capacity(rows.len() + MAX_DEADLINES);
    let mut drawn = 0;
    for row in rows {
        if let Row::Arrow(arrow) = &row {
            let mut passed = None;
            // What is sent at the deadline is in time, but for the word that it has passed.
            let has_passed = |after: u64| {
                after < arrow.first || (after == arrow.first && arrow.note == Some(Note::Deadline))
            };
            while let Some(deadline) = deadlines.next_if(|(after, _)| has_passed(*after)) {
                passed = Some(deadline);
            }
            if let Some((after, act)) = passed.filter(|_| drawn < MAX_DEADLINES) {
                out.push(Row::Deadline { after, act });
                drawn += 1;
            }
        }
        out.push(row);
    }
    out
}
