//! The most that may come from elsewhere than a call of the program.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::folder::{Found, Links};
use super::{Access, Folder, Grants, OpenFolder, Stdout, covers};
use crate::error::{Error, shown};
use crate::limits::Limits;

/// The most that agents may have whose grants and limits do not come from a call of this program: those
/// that a store brings back, and those that `ams` deploys. What the program grants in a call is not
/// bounded by it.
///
/// Without one, agents of a store have no folders, no environment, no output to the program's own and
/// no `directory_admin`; their limits are kept. One that had more comes back suspended.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Ceiling {
    /// The most grants. Folders in a granted one are within it, as are those with less access. The
    /// value of an environment variable may end in `*`, which stands for any rest. Arguments are not
    /// bounded.
    pub grants: Grants,
    /// The most limits; `None` keeps what is given elsewhere.
    pub limits: Option<Limits>,
}

impl Ceiling {
    /// A ceiling of these grants, which keeps limits as they are.
    pub fn new(grants: Grants) -> Self {
        Ceiling { grants, limits: None }
    }

    /// The same with a bound on limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }
}

/// A ceiling whose folders have been found.
pub(crate) struct Bound {
    grants: Grants,
    /// In the order of the grants' folders.
    folders: Vec<Found>,
    limits: Option<Limits>,
}

/// What grants from elsewhere come to.
pub(crate) struct Confined {
    /// What of them counts.
    pub grants: Grants,
    pub folders: Vec<OpenFolder>,
    /// What of them does not, one line for each.
    pub missing: Vec<String>,
}

impl Bound {
    /// Checks a ceiling, and finds its folders; a link in one of `stored` is not followed, which agents of
    /// a store could write.
    pub fn find(ceiling: Ceiling, stored: &HashSet<PathBuf>) -> Result<Self, Error> {
        if let Some(limits) = &ceiling.limits {
            limits.check()?;
        }
        let mut grants = ceiling.grants;
        grants.check()?;
        let mut folders = Vec::with_capacity(grants.dirs.len());
        for folder in &mut grants.dirs {
            let found = Found::walk(&folder.host, Links::NotPlanted(stored))?;
            folder.host.clone_from(&found.place);
            folders.push(found);
        }
        Ok(Bound { grants, folders, limits: ceiling.limits })
    }

    /// Whether a folder may be had with this access.
    fn allows(&self, found: &Found, access: Access) -> bool {
        self.grants.dirs.iter().zip(&self.folders).any(|(most, folder)| {
            let is_within = folder.identity().is_some_and(|most| found.is_within(most));
            is_within && (most.access == Access::ReadWrite || access == Access::ReadOnly)
        })
    }

    fn allows_variable(&self, key: &str, value: &str) -> bool {
        self.grants.env.iter().any(|(most, pattern)| most == key && covers(pattern, value))
    }
}

/// What of grants from a store counts. Their folders have been found before, so that no link may be on
/// the way to one; `private` is what no agent may reach.
pub(crate) fn confine(
    ceiling: Option<&Bound>,
    wanted: &Grants,
    private: &dyn Fn() -> Vec<PathBuf>,
) -> Confined {
    let mut grants = wanted.clone();
    let (mut folders, mut missing) = (Vec::new(), Vec::new());
    grants.dirs.retain(|folder| match open(ceiling, folder, private) {
        Ok(opened) => {
            folders.push(opened);
            true
        }
        Err(why) => {
            let (guest, host) = (shown(&folder.guest), shown(&folder.host.to_string_lossy()));
            missing.push(format!("dirs {guest:?}: ({host:?}, {:?}){why}", folder.access.as_str()));
            false
        }
    });
    grants.env.retain(|(key, value)| {
        let is_allowed = ceiling.is_some_and(|most| most.allows_variable(key, value));
        if !is_allowed {
            missing.push(format!("env {:?}", shown(key)));
        }
        is_allowed
    });
    if grants.stdout == Stdout::Inherit
        && ceiling.is_none_or(|most| most.grants.stdout != Stdout::Inherit)
    {
        missing.push("stdout \"inherit\"".to_owned());
        grants.stdout = Stdout::default();
    }
    if grants.directory_admin && ceiling.is_none_or(|most| !most.grants.directory_admin) {
        missing.push("directory_admin".to_owned());
        grants.directory_admin = false;
    }
    if let Some(most) = ceiling {
        if let Some(granted) = &most.grants.send_to {
            match &mut grants.send_to {
                None => missing.push("send_to everybody".to_owned()),
                Some(names) => keep_covered(names, granted, "send_to", &mut missing),
            }
        }
        grants.send_to = meet(grants.send_to.take(), most.grants.send_to.clone());
        keep_covered(&mut grants.observe, &most.grants.observe, "observe", &mut missing);
    }
    Confined { grants, folders, missing }
}

fn open(
    ceiling: Option<&Bound>,
    folder: &Folder,
    private: &dyn Fn() -> Vec<PathBuf>,
) -> Result<OpenFolder, String> {
    // What nobody allows is not even looked at.
    let Some(ceiling) = ceiling.filter(|most| !most.folders.is_empty()) else {
        return Err(String::new());
    };
    let because = |error: Error| format!(": {}", error.message());
    let found = Found::walk(&folder.host, Links::None).map_err(because)?;
    if !ceiling.allows(&found, folder.access) {
        return Err(String::new());
    }
    folder.open(found, private).map_err(because)
}

fn keep_covered(
    names: &mut Vec<String>,
    granted: &[String],
    grant: &str,
    missing: &mut Vec<String>,
) {
    names.retain(|name| {
        let is_covered = granted.iter().any(|pattern| covers(pattern, name));
        if !is_covered {
            missing.push(format!("{grant} {:?}", shown(name)));
        }
        is_covered
    });
}

/// Limits as far as a ceiling goes.
pub(crate) fn bounded(ceiling: Option<&Bound>, limits: &Arc<Limits>) -> Arc<Limits> {
    let Some(most) = ceiling.and_then(|most| most.limits.as_ref()) else { return limits.clone() };
    Arc::new(limits.within(most))
}

/// The `send_to` of what `ams` deploys for somebody with this one.
pub(crate) fn bounded_send_to(
    ceiling: Option<&Bound>,
    send_to: Option<Vec<String>>,
) -> Option<Vec<String>> {
    meet(send_to, ceiling.and_then(|most| most.grants.send_to.clone()))
}

/// The names that both lists allow; `None` is everybody.
pub(super) fn meet(one: Option<Vec<String>>, other: Option<Vec<String>>) -> Option<Vec<String>> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (only, None) | (None, only) => return only,
    };
    let among = |name: &String, list: &[String]| list.iter().any(|pattern| covers(pattern, name));
    let mut both: Vec<String> = one.iter().filter(|name| among(name, &other)).cloned().collect();
    for name in &other {
        if among(name, &one) && !both.contains(name) {
            both.push(name.clone());
        }
    }
    Some(both)
}
