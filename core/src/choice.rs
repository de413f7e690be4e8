//! Choices that are written as text, the same in every language.

/// Gives an enum the texts of its variants: `ALL`, `as_str`, `parse` and `Display`. `$what` is what an
/// error calls the choice.
macro_rules! choice {
    ($name:ident, $what:literal, $($variant:ident => $text:literal),+) => {
        impl $name {
            /// Every choice.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The choice as text, the same in every language.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text),+
                }
            }

            /// Reads a choice.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is none
            /// of that name.
            pub fn parse(text: &str) -> Result<Self, $crate::Error> {
                let found = Self::ALL.iter().copied().find(|choice| choice.as_str() == text);
                found.ok_or_else(|| $crate::choice::unknown($what, text, &[$($text),+]))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use choice;

use crate::error::{Error, ErrorKind, shown};

/// The error of a text that is none of `choices`.
pub(crate) fn unknown(what: &str, text: &str, choices: &[&str]) -> Error {
    let mut expected = String::new();
    for (index, choice) in choices.iter().enumerate() {
        expected += match index {
            0 => "",
            _ if index + 1 == choices.len() => " or ",
            _ => ", ",
        };
        expected += &format!("{choice:?}");
    }
    let text = format!("{what} is {:?}, expected {expected}", shown(text));
    Error::new(ErrorKind::InvalidArgument, text)
}
