//! The shapes and texts that pictures are drawn with. Nothing has an id, so that several pictures can stand
//! in one page.

use std::fmt::Write as _;

use super::escape::{columns, xml};
use super::words::Tone;

pub(super) const PAPER: &str = "#ffffff";
pub(super) const INK: &str = "#1f2933";
pub(super) const MUTED: &str = "#52606d";
pub(super) const FAINT: &str = "#9aa5b1";
pub(super) const WASH: &str = "#f0f4f8";
pub(super) const ALARM: &str = "#b45309";

/// Widest advance of a column in common monospaced fonts, as a part of the font's size.
const MONO: f64 = 0.61;
/// The same for our own words, which are set in whatever sans-serif font there is: that of the widest
/// common one, in bold, on average.
const SANS: f64 = 0.71;

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Face {
    pub size: f64,
    pub colour: &'static str,
    pub bold: bool,
    /// What agents wrote is set in a monospaced font, whose width is known.
    pub mono: bool,
    /// Whether what the text crosses stays clear of it.
    pub halo: bool,
}

impl Face {
    pub const fn sans(size: f64, colour: &'static str) -> Self {
        Face { size, colour, bold: false, mono: false, halo: false }
    }

    pub const fn mono(size: f64, colour: &'static str) -> Self {
        Face { size, colour, bold: false, mono: true, halo: false }
    }

    pub const fn bold(self) -> Self {
        Face { bold: true, ..self }
    }

    pub const fn halo(self) -> Self {
        Face { halo: true, ..self }
    }

    /// How wide a text is at most.
    pub fn width(self, text: &str) -> f64 {
        columns(text) as f64 * self.size * if self.mono { MONO } else { SANS }
    }

    /// How many columns fit.
    pub fn fits(self, width: f64) -> usize {
        (width / (self.size * if self.mono { MONO } else { SANS })).max(0.0) as usize
    }
}

/// Where a text stands from the point that is given.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A tone's colour and the pattern of its lines, which tells it apart where there is no colour.
pub(super) fn ink(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Asking => ("#1d4ed8", ""),
        Tone::Answering => ("#15803d", ""),
        Tone::Declining => ("#b91c1c", "6 4"),
        Tone::Runtime => (ALARM, "2 3"),
    }
}

/// What has been drawn.
#[derive(Default)]
pub(super) struct Canvas {
    pub out: String,
}

impl Canvas {
    pub fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.out.write_fmt(text);
    }

    /// A text that is in one line already and short enough.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, face: Face, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if face.bold { " font-weight=\"600\"" } else { "" };
        let family = if face.mono {
            " font-family=\"ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace\""
        } else {
            ""
        };
        let halo = match face.halo {
            true => format!(
                " paint-order=\"stroke\" stroke=\"{PAPER}\" stroke-width=\"4\" stroke-linejoin=\"round\""
            ),
            false => String::new(),
        };
        // Fonts differ in scripts that we do not know the widths of.
        let fit = match text.chars().all(|character| character < '\u{590}' || character == '…') {
            true => String::new(),
            false => {
                let width = face.width(text).max(1.0);
                format!(" textLength=\"{width:.0}\" lengthAdjust=\"spacingAndGlyphs\"")
            }
        };
        let Face { size, colour, .. } = face;
        self.put(format_args!(
            "<text x=\"{x:.0}\" y=\"{y:.0}\" font-size=\"{size}\" fill=\"{colour}\"{anchor}{weight}{family}{halo}{fit}>{}</text>\n",
            xml(text)
        ));
    }

    pub fn line(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        colour: &str,
        dashes: &str,
        width: f64,
    ) {
        let dashes = match dashes {
            "" => String::new(),
            dashes => format!(" stroke-dasharray=\"{dashes}\""),
        };
        self.put(format_args!(
            "<line x1=\"{:.0}\" y1=\"{:.0}\" x2=\"{:.0}\" y2=\"{:.0}\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    pub fn block(&mut self, at: (f64, f64), size: (f64, f64), fill: &str, stroke: &str) {
        self.put(format_args!(
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n",
            at.0, at.1, size.0, size.1
        ));
    }

    /// The end of an arrow that points to the right (`towards` 1) or to the left (-1): a cross where
    /// something is declined.
    pub fn head(&mut self, (x, y): (f64, f64), towards: f64, tone: Tone) {
        let (colour, _) = ink(tone);
        match tone {
            Tone::Asking | Tone::Answering => self.put(format_args!(
                "<path d=\"M{x:.0} {y:.0}l{:.0} -5v10z\" fill=\"{colour}\"/>\n",
                -10.0 * towards
            )),
            Tone::Declining | Tone::Runtime => {
                let x = x - 6.0 * towards;
                self.put(format_args!(
                    "<path d=\"M{:.0} {:.0}l10 10m0 -10l-10 10\" stroke=\"{colour}\" stroke-width=\"2\" fill=\"none\"/>\n",
                    x - 5.0,
                    y - 5.0
                ));
            }
        }
    }

    /// A tooltip, or what the picture is called.
    pub fn title(&mut self, text: &str) {
        self.put(format_args!("<title>{}</title>", xml(text)));
    }
}
