//! A conversation as a drawing that stands for itself: SVG without scripts, styles or anything from outside.

use super::canvas::{ALARM, Anchor, Canvas, FAINT, Face, INK, MUTED, PAPER, WASH, ink};
use super::escape::{label, tail};
use super::layout::{Arrow, Lane, Layout, Row};
use super::words::{Tone, badge, counted, elapsed, purpose, remark, thousands};
use crate::conversation::{Conversation, ConversationState};
use crate::message::Performative;

/// The column of times.
const TIME_WIDTH: f64 = 104.0;
const HEADER_HEIGHT: f64 = 92.0;
const HEAD_HEIGHT: f64 = 42.0;
const MARGIN: f64 = 20.0;
const FOOT_HEIGHT: f64 = 74.0;
/// How much of a content a tooltip holds.
const TOOLTIP_CHARACTERS: usize = 500;
/// The same in bytes, so that a picture stays small whatever it shows.
const TOOLTIP_BYTES: usize = 2_000;

const TITLE: Face = Face::sans(18.0, INK).bold();
const SMALL: Face = Face::sans(12.0, MUTED);
const NAME: Face = Face::mono(13.0, INK).bold();
const ACT: Face = Face::sans(13.0, INK).bold().halo();
const CONTENT: Face = Face::mono(11.0, MUTED).halo();
const ID: Face = Face::mono(12.0, MUTED);
const MARK: Face = Face::sans(10.0, PAPER).bold();

/// Draws a conversation. What is drawn stays below 200 KB, whatever was said.
pub(crate) fn svg(conversation: &Conversation) -> String {
    let layout = Layout::of(conversation);
    let drawing = Drawing::new(&layout);
    let mut body = Canvas::default();
    drawing.header(&mut body, conversation);
    drawing.lifelines(&mut body);
    let mut y = drawing.top();
    for row in &layout.rows {
        drawing.row(&mut body, row, y);
        y += height(row);
    }
    drawing.standings(&mut body);
    drawing.legend(&mut body);

    let (width, height) = (drawing.width, drawing.bottom + FOOT_HEIGHT);
    let mut out = Canvas::default();
    out.put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" direction=\"ltr\" font-family=\"system-ui,Segoe UI,Helvetica,Arial,DejaVu Sans,sans-serif\" style=\"max-width:100%;height:auto\">\n"
    ));
    out.title(&format!("{}, {}", conversation.protocol, conversation.state));
    out.put(format_args!(
        "\n<rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    ));
    out.out.push_str(&body.out);
    out.out.push_str("</svg>\n");
    out.out
}

fn height(row: &Row<'_>) -> f64 {
    match row {
        Row::Arrow(_) => 48.0,
        Row::Gap { .. } => 40.0,
        Row::Deadline { .. } => 34.0,
    }
}

/// Where things stand.
struct Drawing<'l, 'a> {
    layout: &'l Layout<'a>,
    /// From one lifeline to the next.
    pitch: f64,
    width: f64,
    /// Where the lifelines end.
    bottom: f64,
}

impl<'l, 'a> Drawing<'l, 'a> {
    fn new(layout: &'l Layout<'a>) -> Self {
        let gaps = layout.lanes.len().saturating_sub(1).max(1) as f64;
        let pitch = (840.0 / gaps).clamp(186.0, 500.0);
        let rows: f64 = layout.rows.iter().map(height).sum();
        let mut drawing = Drawing { layout, pitch, width: 0.0, bottom: 0.0 };
        drawing.width = TIME_WIDTH + MARGIN + drawing.head_width() + gaps * pitch + MARGIN;
        drawing.bottom = drawing.top() + rows + 10.0;
        drawing
    }

    /// Where the rows begin.
    fn top(&self) -> f64 {
        HEADER_HEIGHT + HEAD_HEIGHT + 12.0
    }

    fn head_width(&self) -> f64 {
        (self.pitch - 20.0).min(190.0)
    }

    fn x(&self, lane: usize) -> f64 {
        TIME_WIDTH + MARGIN + self.head_width() / 2.0 + lane as f64 * self.pitch
    }

    fn header(&self, out: &mut Canvas, conversation: &Conversation) {
        let protocol = conversation.protocol;
        out.text(MARGIN, 32.0, Anchor::Start, TITLE, protocol.as_str());
        out.text(MARGIN, 52.0, Anchor::Start, Face::sans(13.0, INK), purpose(protocol));
        let last = conversation.messages.last();
        let last = last.map_or(0, |said| conversation.after(said.message.sent_at()));
        let state = match (conversation.state, conversation.ended_at) {
            (ConversationState::Ended, Some(at)) => {
                format!("ended after {}", elapsed(conversation.after(at)).trim_start_matches('+'))
            }
            (state, _) => {
                format!("{state}, last message at {}", elapsed(last))
            }
        };
        let facts = format!(
            "{state} · {} · {}",
            counted(self.layout.messages, "message"),
            counted(self.layout.agents, "agent")
        );
        out.text(MARGIN, 70.0, Anchor::Start, SMALL, &facts);
        out.put(format_args!("<g>"));
        out.title(&bounded(&conversation.id));
        let id = format!("conversation …{}", tail(&conversation.id, 8));
        out.text(self.width - MARGIN, 32.0, Anchor::End, ID, &id);
        out.put(format_args!("</g>\n"));
    }

    fn lifelines(&self, out: &mut Canvas) {
        let width = self.head_width();
        for (index, lane) in self.layout.lanes.iter().enumerate() {
            let (x, y) = (self.x(index), HEADER_HEIGHT);
            out.line((x, y + HEAD_HEIGHT), (x, self.bottom), FAINT, "", 1.0);
            out.put(format_args!("<g>"));
            out.title(&bounded(lane.name));
            let left = x - width / 2.0;
            let stroke = if lane.is_runtime { ALARM } else { MUTED };
            if lane.others > 0 {
                for behind in [6.0, 3.0] {
                    out.block((left + behind, y - behind), (width, HEAD_HEIGHT), PAPER, stroke);
                }
            }
            out.block((left, y), (width, HEAD_HEIGHT), WASH, stroke);
            let name = match label(lane.name, NAME.fits(width - 12.0)) {
                name if name.is_empty() => "(nobody)".to_owned(),
                name => name,
            };
            match second_line(lane, index) {
                Some(more) => {
                    out.text(x, y + 18.0, Anchor::Middle, NAME, &name);
                    out.text(x, y + 34.0, Anchor::Middle, Face::sans(11.0, MUTED), &more);
                }
                None => out.text(x, y + 26.0, Anchor::Middle, NAME, &name),
            }
            out.put(format_args!("</g>\n"));
        }
    }

    fn row(&self, out: &mut Canvas, row: &Row<'_>, y: f64) {
        let (left, right) = (TIME_WIDTH, self.width - MARGIN);
        match row {
            Row::Arrow(arrow) => self.arrow(out, arrow, y + 26.0),
            Row::Gap { messages, noted } => {
                let noted = match noted {
                    0 => String::new(),
                    noted => format!(", {} of them with a mark", thousands(*noted)),
                };
                out.block((left, y + 8.0), (right - left, 24.0), WASH, FAINT);
                let text = format!("… {} left out{noted} …", counted(*messages, "message"));
                let middle = (left + right) / 2.0;
                out.text(middle, y + 24.0, Anchor::Middle, SMALL, &text);
            }
            Row::Deadline { after, act } => {
                let y = y + 20.0;
                let text = format!("deadline for answers to {act}");
                let face = Face::sans(11.0, ALARM).bold();
                let end = right - face.width(&text) - 8.0;
                out.line((left, y), (right, y), ALARM, "8 5", 1.5);
                out.block((end, y - 9.0), (right - end, 18.0), PAPER, ALARM);
                out.text((end + right) / 2.0, y + 4.0, Anchor::Middle, face, &text);
                out.text(left - 8.0, y + 4.0, Anchor::End, face, &elapsed(*after));
            }
        }
    }

    /// An arrow, its act above and its content below it, on the side of who speaks.
    fn arrow(&self, out: &mut Canvas, arrow: &Arrow<'_>, y: f64) {
        out.put(format_args!("<g>"));
        out.title(&tooltip(arrow));
        out.text(TIME_WIDTH - 8.0, y + 4.0, Anchor::End, SMALL, &elapsed(arrow.first));
        if arrow.last > arrow.first && arrow.count > 1 {
            let last = format!("to {}", elapsed(arrow.last));
            out.text(TIME_WIDTH - 8.0, y + 18.0, Anchor::End, Face::sans(10.0, MUTED), &last);
        }
        let from = self.x(arrow.from);
        let (colour, dashes) = ink(arrow.tone);
        let (mut right, mut left): (f64, f64) = (from, from);
        for lane in &arrow.to {
            let x = self.x(*lane);
            if *lane == arrow.from {
                // Within one lifeline: a loop beside it.
                let side = if from + self.pitch / 2.0 > self.width { -1.0 } else { 1.0 };
                out.put(format_args!(
                    "<path d=\"M{from:.0} {y:.0}h{:.0}v12h{:.0}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>\n",
                    side * 28.0,
                    side * -20.0
                ));
                out.head((from + side, y + 12.0), -side, arrow.tone);
                right = if side > 0.0 { right.max(from + self.pitch - 12.0) } else { right };
                left = if side < 0.0 { left.min(from - self.pitch + 12.0) } else { left };
            } else {
                let towards = if x > from { 1.0 } else { -1.0 };
                out.head((x - towards, y), towards, arrow.tone);
                (left, right) = (left.min(x), right.max(x));
            }
        }
        let is_loop = arrow.to == [arrow.from];
        if !is_loop {
            out.line((left, y), (right, y), colour, dashes, 1.6);
        }
        // The dot says who speaks where an arrow has heads on both sides.
        out.put(format_args!(
            "<circle cx=\"{from:.0}\" cy=\"{y:.0}\" r=\"3\" fill=\"{colour}\"/>\n"
        ));
        let rightwards = right - from >= from - left;
        let room = (right - from).max(from - left) - 24.0;
        let inset = if is_loop { 36.0 } else { 10.0 };
        let (x, anchor) = match rightwards {
            true => (from + inset, Anchor::Start),
            false => (from - inset, Anchor::End),
        };
        out.text(x, y - 7.0, anchor, Face { colour, ..ACT }, &arrow.act());
        self.below(out, arrow, (x, y), anchor, room - inset + 10.0);
        out.put(format_args!("</g>\n"));
    }

    /// What stands below an arrow: its mark, if it has one, and as much of its content as there is room for.
    fn below(
        &self,
        out: &mut Canvas,
        arrow: &Arrow<'_>,
        (x, y): (f64, f64),
        anchor: Anchor,
        room: f64,
    ) {
        let (mut x, mut room) = (x, room);
        let towards = if anchor == Anchor::End { -1.0 } else { 1.0 };
        if let Some(note) = arrow.note {
            let text = badge(note);
            let width = MARK.width(text) + 8.0;
            let left = if towards > 0.0 { x } else { x - width };
            out.put(format_args!(
                "<rect x=\"{left:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"15\" rx=\"7\" fill=\"{ALARM}\"/>\n",
                y + 5.0
            ));
            out.text(left + width / 2.0, y + 16.0, Anchor::Middle, MARK, text);
            x += towards * (width + 6.0);
            room -= width + 6.0;
        }
        let content = arrow.message.content();
        let shown = match content {
            "null" => String::new(),
            _ if arrow.is_uniform => label(content, CONTENT.fits(room)),
            _ => {
                let shown = label(content, CONTENT.fits(room).saturating_sub(3));
                format!("{shown}, …")
            }
        };
        if !shown.is_empty() && CONTENT.fits(room) >= 4 {
            out.text(x, y + 16.0, anchor, CONTENT, &shown);
        }
    }

    /// How everybody stands at the end of its lifeline.
    fn standings(&self, out: &mut Canvas) {
        for (index, lane) in self.layout.lanes.iter().enumerate() {
            let Some(standing) = &lane.standing else { continue };
            let face =
                Face::sans(11.0, if standing.missing.is_some() { ALARM } else { INK }).bold();
            let width = (face.width(&standing.short) + 14.0).max(60.0);
            let x = self.x(index);
            out.put(format_args!("<g>"));
            out.title(standing.missing.as_deref().unwrap_or(&standing.short));
            let stroke = if standing.missing.is_some() { ALARM } else { MUTED };
            out.block((x - width / 2.0, self.bottom), (width, 22.0), PAPER, stroke);
            out.text(x, self.bottom + 15.0, Anchor::Middle, face, &standing.short);
            out.put(format_args!("</g>\n"));
        }
    }

    fn legend(&self, out: &mut Canvas) {
        let y = self.bottom + FOOT_HEIGHT - 18.0;
        let mut x = MARGIN;
        for tone in Tone::ALL {
            let (colour, dashes) = ink(tone);
            let text = match tone {
                Tone::Asking => "asks",
                Tone::Answering => "answers",
                Tone::Declining => "declines or fails",
                Tone::Runtime => "the runtime reports",
            };
            out.line((x, y - 4.0), (x + 34.0, y - 4.0), colour, dashes, 1.6);
            out.head((x + 34.0, y - 4.0), 1.0, tone);
            out.text(x + 42.0, y, Anchor::Start, Face::sans(11.0, MUTED), text);
            x += 42.0 + Face::sans(11.0, MUTED).width(text) + 10.0;
        }
        let calls = |row: &Row<'_>| match row {
            Row::Arrow(arrow) => arrow.message.performative() == Performative::Cfp,
            _ => false,
        };
        if self.layout.rows.iter().any(calls) {
            let text = "cfp: call for proposals";
            out.text(self.width - MARGIN, y, Anchor::End, Face::sans(11.0, MUTED), text);
        }
    }
}

fn second_line(lane: &Lane<'_>, index: usize) -> Option<String> {
    match lane.others {
        0 if lane.is_runtime => Some("the runtime".to_owned()),
        0 if index == 0 => Some("began this".to_owned()),
        0 => None,
        others => Some(format!("and {}", counted(others, "other"))),
    }
}

/// Who said what to whom, at more length than there is room for in the picture.
fn tooltip(arrow: &Arrow<'_>) -> String {
    let message = arrow.message;
    let mut text = format!("{} → {}", label(message.sender(), 40), label(message.receiver(), 40));
    if arrow.receivers > 1 {
        text += &format!(" and {}", counted(arrow.receivers - 1, "other"));
    }
    text += &format!(": {}", arrow.act());
    if let Some(note) = arrow.note {
        text += &format!("\n{}", remark(note));
    }
    if message.content() != "null" {
        text += &format!("\n{}", bounded(message.content()));
    }
    text
}

/// As much of a text as a tooltip holds.
fn bounded(text: &str) -> String {
    let shown = label(text, TOOLTIP_CHARACTERS);
    let mut bytes = 0;
    for (at, character) in shown.char_indices() {
        // What has to be escaped takes five bytes at most.
        bytes += character.len_utf8().max(if character.is_ascii_punctuation() { 5 } else { 1 });
        if bytes > TOOLTIP_BYTES {
            return format!("{}…", &shown[..at]);
        }
    }
    shown
}
