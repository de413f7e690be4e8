//! The projects that `caxton new` makes: the templates and kits of `guest/`, as they are there.

use std::borrow::Cow;

use clap::ValueEnum;

mod files {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// A language that agents are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    #[value(name = "assemblyscript")]
    AssemblyScript,
    Go,
    C,
    #[value(name = "javascript")]
    JavaScript,
    Python,
}

impl Language {
    /// As the option is written, and the folder in `guest/` is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::AssemblyScript => "assemblyscript",
            Language::Go => "go",
            Language::C => "c",
            Language::JavaScript => "javascript",
            Language::Python => "python",
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::AssemblyScript => "AssemblyScript",
            Language::Go => "Go",
            Language::C => "C",
            Language::JavaScript => "JavaScript",
            Language::Python => "Python",
        }
    }

    /// The files of a project of this name: paths in its folder, and contents.
    pub fn project(self, name: &str) -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
        let own = move |(language, path, content): &(&str, &'static str, &'static [u8])| {
            (*language == self.as_str()).then_some((*path, *content))
        };
        files::FILES.iter().filter_map(own).map(move |(path, content)| {
            let content = match std::str::from_utf8(content) {
                Ok(text) if !path.starts_with("caxton-sdk/") => {
                    Cow::Owned(named(text, name).into_bytes())
                }
                _ => Cow::Borrowed(content),
            };
            (named(path, name), content)
        })
    }
}

/// A text of a template for an agent of this name. The kit lies beside the template in the repository, and in
/// a project's folder.
fn named(text: &str, name: &str) -> String {
    text.replace("my-agent", name)
        .replace("my_agent", &name.replace('-', "_"))
        .replace("../caxton-sdk", "./caxton-sdk")
}
