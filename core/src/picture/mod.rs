//! How conversations, messages, agents and runtimes are shown to people.
//!
//! Names, contents and ids come from agents, and are escaped for each medium where they are written into
//! it. What a picture holds is bounded, however much was said and however many took part.

mod canvas;
mod content;
mod escape;
mod html;
mod lanes;
mod layout;
mod line;
mod mermaid;
mod rows;
mod svg;
mod terminal;
mod words;

pub(crate) use self::html::{AgentLine, agent, agents};
pub use self::terminal::Sniffer;
use crate::choice::choice;
use crate::conversation::Conversation;
use crate::message::Message;

/// What an agent wrote, for one line of a terminal: what would steer it, or break the line, is shown as an escape,
/// as in `\u{1b}`.
pub fn printable(text: &str) -> String {
    escape::terminal(text)
}

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Picture {
    /// A sequence diagram in the language of [Mermaid](https://mermaid.js.org), as GitHub and many editors
    /// draw it.
    Mermaid,
    /// A drawing that stands for itself.
    Svg,
    /// A piece of HTML for a notebook: the drawing, and the messages in a table.
    Html,
}

choice!(Picture, "the form of a picture", Mermaid => "mermaid", Svg => "svg", Html => "html");

impl Conversation {
    /// Draws the conversation as a sequence diagram: who said what to whom, and when.
    ///
    /// Where more than eight agents were asked, those that did the same share a lifeline; of more than 60
    /// rows the middle is left out. The picture says so, and stays below 200 KB, as Mermaid below the
    /// 50,000 characters that its parser takes, and as HTML below 3 MB.
    pub fn diagram(&self, form: Picture) -> String {
        match form {
            Picture::Mermaid => mermaid::mermaid(self),
            Picture::Svg => svg::svg(self),
            Picture::Html => html::conversation(self),
        }
    }
}

impl Message {
    /// The message as a piece of HTML for a notebook: a table of its parameters and its content, of which
    /// 2,000 characters are shown.
    pub fn to_html(&self) -> String {
        html::message(self)
    }
}

#[cfg(test)]
mod tests;
