//! What is found by its name: members, asks, options.

use std::sync::Arc;

use dashmap::DashMap;

use crate::error::{Error, ErrorKind, shown};

/// What many threads look up by name. Names come from outside, so the hash is seeded.
pub(crate) type ByName<T> = DashMap<Arc<str>, T, foldhash::quality::RandomState>;

/// The limits of a struct by name, so that every language has the same ones without a list of its
/// own.
macro_rules! by_name {
    ($limits:ident { $($name:ident: $kind:tt),* $(,)? }) => {
        impl $limits {
            /// The names of all limits, as they are in Python; JavaScript has the same in camel case.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Sets a limit by its name; `None` lifts it.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no
            /// limit of that name, or the value does not fit.
            pub fn set(
                &mut self,
                name: &str,
                value: Option<u64>,
            ) -> Result<(), $crate::error::Error> {
                match name {
                    $(stringify!($name) => by_name!(@set $kind, self.$name, name, value),)*
                    _ => return Err($crate::by_name::unknown(name, Self::NAMES)),
                }
                Ok(())
            }

            /// A limit by its name; `None` if it is lifted, or if there is none of that name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => by_name!(@get $kind, self.$name),)*
                    _ => None,
                }
            }
        }
    };
    (@set optional, $field:expr, $name:ident, $value:ident) => {
        $field = match $value {
            Some(value) => {
                Some(value.try_into().map_err(|_| $crate::by_name::too_large($name, value))?)
            }
            None => None,
        }
    };
    (@set zero, $field:expr, $name:ident, $value:ident) => { $field = $value.unwrap_or(0) };
    (@set (most $most:expr), $field:expr, $name:ident, $value:ident) => {
        $field = match $value {
            Some(value) => value.try_into().map_err(|_| $crate::by_name::too_large($name, value))?,
            None => $most,
        }
    };
    (@set (usual $usual:expr), $field:expr, $name:ident, $value:ident) => {
        $field = match $value {
            Some(value) => value.try_into().map_err(|_| $crate::by_name::too_large($name, value))?,
            None => $usual,
        }
    };
    (@get optional, $field:expr) => { $field.map(u64::from) };
    (@get zero, $field:expr) => { ($field != 0).then_some($field) };
    (@get (usual $usual:expr), $field:expr) => { Some($field.into()) };
    (@get (most $most:expr), $field:expr) => { ($field != $most).then_some($field.into()) };
}

pub(crate) use by_name;

/// The error of a name that is not among `names`.
pub(crate) fn unknown(name: &str, names: &[&str]) -> Error {
    let nearest = names.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let shown = shown(name);
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "there is no limit {shown:?}; the nearest is {:?}",
            nearest.copied().unwrap_or_default()
        ),
    )
}

/// The error of a value that its field does not hold.
pub(crate) fn too_large(name: &str, value: u64) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{name} is {value}, which is too large"))
}
