//! Contents in several lines, bounded: of a long text only what is shown is read.

use super::escape::terminal;

/// Past this depth lines are not indented further.
const MAX_INDENT: usize = 16;

/// The first `max_characters` of a text, each of its lines on one line.
pub(super) fn bounded(text: &str, max_characters: usize) -> String {
    let nth = |text: &str| text.char_indices().nth(max_characters).map(|(at, _)| at);
    let end = nth(text);
    let taken = &text[..end.unwrap_or(text.len())];
    let mut out = taken.split('\n').map(terminal).collect::<Vec<_>>().join("\n");
    // Escapes are longer than what they stand for.
    let cut = nth(&out);
    if let Some(at) = cut {
        out.truncate(at);
    }
    if end.is_some() || cut.is_some() {
        out.push('…');
    }
    out
}

/// JSON text with its values below each other. Numbers and strings stay as they were written, and so does
/// the order of the keys.
pub(super) fn laid_out(json: &str, max_characters: usize) -> String {
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).peekable();
    // Each character of the text gives at least one, but for spaces, of which there may be many.
    for _ in 0..max_characters.saturating_mul(8) {
        let Some(character) = characters.next() else { break };
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            ' ' => {}
            '{' | '[' => {
                out.push(character);
                while characters.next_if(|next| *next == ' ').is_some() {}
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = character == '"';
                out.push(character);
            }
        }
        if out.len() > max_characters * 4 {
            break;
        }
    }
    if characters.peek().is_some() {
        // So that what is left out shows, wherever it is cut.
        out.extend(std::iter::repeat_n(' ', max_characters));
    }
    bounded(&out, max_characters)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(MAX_INDENT)));
}
