//! What others wrote, made harmless for the medium that it is shown in.

use unicode_width::UnicodeWidthChar;

/// How many marks one character may carry: more of them would reach into other lines.
const MAX_MARKS: usize = 3;

/// Text for HTML: in an element, or in an attribute between quotes.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_html(&mut out, character);
    }
    out
}

/// Text for XML 1.0: as for HTML, without the characters that XML forbids.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_forbidden_in_xml(*character)) {
        push_html(&mut out, character);
    }
    out
}

fn push_html(out: &mut String, character: char) {
    match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&#34;"),
        '\'' => out.push_str("&#39;"),
        _ => out.push(character),
    }
}

fn is_forbidden_in_xml(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Text for a title, an alias, a label or a note of a Mermaid diagram, in one line.
///
/// Letters, digits and some punctuation stay; all else becomes Mermaid's `#NN;`, so that nothing can be
/// read as syntax, whatever a later version of Mermaid makes syntax. `end` closes a block. After `style`
/// and `classDef` Mermaid takes the `;` from an entity. `ﬂ` and `¶` are what it writes entities with
/// while it reads.
pub(crate) fn mermaid(text: &str) -> String {
    let visible = terminal(text);
    let mut out = String::with_capacity(visible.len() + 16);
    let mut before = ' ';
    for (at, character) in visible.char_indices() {
        let rest = &visible[at..];
        let is_syntax = match character {
            'ﬂ' | '¶' => true,
            ' ' | '.' | ',' | '-' | '_' | '(' | ')' | '/' | '+' => false,
            '{' | '}' | '[' | ']' | ':' | '=' | '?' | '!' | '*' => false,
            _ if character.is_ascii() || character.is_whitespace() => {
                !character.is_alphanumeric()
                    || begins(rest, "style")
                    || begins(rest, "classDef")
                    || (begins(rest, "end") && !before.is_alphanumeric())
            }
            _ => false,
        };
        if is_syntax {
            out.push('#');
            out.push_str(&u32::from(character).to_string());
            out.push(';');
        } else {
            out.push(character);
        }
        before = character;
    }
    out
}

fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Text for a terminal, or for any place where one line has to stay one line: what would steer the
/// terminal, break the line, turn its direction or show nothing becomes a visible escape, as in
/// `\u{1b}`.
pub(crate) fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        marks = if width(character) == 0 { marks + 1 } else { 0 };
        if is_hidden(character) || marks > MAX_MARKS {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a character steers, shows nothing, or changes how its neighbours are shown.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What others wrote, as at most `max_columns` columns of one line. Nothing behind what is shown is
/// read, however long the text is. White space that breaks lines becomes one space.
pub(crate) fn label(text: &str, max_columns: usize) -> String {
    let most = max_columns.saturating_mul(MAX_MARKS + 1).saturating_add(16);
    let mut taken = String::new();
    let mut characters = text.chars();
    let mut after_break = false;
    for character in characters.by_ref().take(most) {
        let breaks = matches!(character, '\n' | '\r' | '\t');
        let indents = after_break && character == ' ';
        if !(indents || (breaks && taken.ends_with(' '))) {
            taken.push(if breaks { ' ' } else { character });
        }
        after_break = breaks || indents;
    }
    let mut visible = terminal(taken.trim());
    if characters.next().is_some() {
        visible.push('…');
    }
    shorten(&visible, max_columns)
}

/// The last `count` characters of an id: ids begin with the time, and differ at their end.
pub(crate) fn tail(id: &str, count: usize) -> String {
    let start = id.char_indices().rev().nth(count.saturating_sub(1)).map_or(0, |(at, _)| at);
    label(&id[start..], count)
}

/// A text that is shown in one line, cut with `…` where it takes more than `max_columns` columns.
pub(crate) fn shorten(text: &str, max_columns: usize) -> String {
    let (mut taken, mut keep) = (0, 0);
    for (at, character) in text.char_indices() {
        taken += width(character);
        if taken > max_columns {
            let mut cut = text[..keep].to_owned();
            if max_columns > 0 {
                cut.push('…');
            }
            return cut;
        }
        if taken < max_columns {
            keep = at + character.len_utf8();
        }
    }
    text.to_owned()
}

/// How many columns a text takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(character: char) -> usize {
    character.width().unwrap_or(0)
}
