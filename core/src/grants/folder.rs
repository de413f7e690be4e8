//! Finding a granted folder once, and holding on to it.
//!
//! Whoever looks at a path and opens it later can be given another folder in between. So a path is
//! walked one name at a time, each opened in the folder before it without following a link, and what
//! was opened last is kept: it stays the same folder whatever becomes of its path.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::granted;
use crate::error::{Error, ErrorKind, shown};

/// Which folder it is, wherever it is moved. A system gives the number of a folder that is gone to another:
/// the time of its birth, where that is known, tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

/// A folder that was found, and is held open.
pub(crate) struct Found {
    /// The folders that it is in, from the root on, and itself as the last.
    pub way: Vec<Identity>,
    /// Where it was found, without a link on the way.
    pub place: PathBuf,
    handle: system::Handle,
}

/// Which links may be followed on the way to a folder.
#[derive(Clone, Copy)]
pub(crate) enum Links<'a> {
    /// None: the path was found without any before.
    None,
    /// Those that no agent can have planted: none that stands in a folder that an agent of this process
    /// has ever been allowed to write, nor in one of these, which are a store's.
    NotPlanted(&'a HashSet<PathBuf>),
}

impl Found {
    /// Walks to the folder at `path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] for a link that is not followed, [`ErrorKind::InvalidArgument`]
    /// if there is no folder, or this system cannot open one by its handle.
    pub fn walk(path: &Path, links: Links<'_>) -> Result<Self, Error> {
        system::walk(path, links).map_err(|stop| stop.to_error(path))
    }

    /// Which folder it is.
    pub fn identity(&self) -> Option<Identity> {
        self.way.last().copied()
    }

    /// Whether it is the folder `other`, or somewhere in it.
    pub fn is_within(&self, other: Identity) -> bool {
        self.way.contains(&other)
    }

    /// Whether it holds what is at `path`, or is within it; links on the way to that count as what
    /// they lead to.
    pub fn reaches(&self, path: &Path) -> bool {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // What is not there yet has only a path.
        let by_path = path.starts_with(&self.place) || self.place.starts_with(&path);
        by_path
            || self.identity().is_some_and(|own| system::way_to(&path).contains(&own))
            || system::identity_at(&path).is_some_and(|other| self.is_within(other))
    }

    /// A path that leads to the folder by its handle.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if there is none, or it leads elsewhere: a program that closes
    /// files which are not its own gives their numbers to others.
    pub fn by_handle(&self) -> Result<PathBuf, Error> {
        system::by_handle(&self.handle, self.identity()).map_err(|why| unfit(&self.place, &why))
    }
}

/// Why a walk has ended before its end.
enum Stop {
    /// The system says so.
    System(std::io::Error),
    NoFolder,
    /// There are too many links, or they lead round in a circle.
    Links,
    /// This link stands where an agent could have planted it.
    Planted(PathBuf),
    /// There was no link when the path was found.
    Link(PathBuf),
    /// Something was moved while it was walked over.
    Moved,
    #[cfg_attr(unix, expect(dead_code, reason = "Unix can"))]
    Unsupported,
}

impl Stop {
    fn to_error(&self, path: &Path) -> Error {
        let path = path.display();
        let denied = |text: String| Error::new(ErrorKind::PermissionDenied, text);
        match self {
            Stop::Planted(link) => denied(format!(
                "{path} cannot be granted: {} is a link in a folder that an agent may write, or once \
                 could, so that it may lead anywhere; give the path without the link",
                link.display()
            )),
            Stop::Link(link) => denied(format!(
                "{path} cannot be granted again: {} has become a link; grant the folder anew",
                link.display()
            )),
            Stop::System(error) => invalid(format!("the folder {path} cannot be granted: {error}")),
            Stop::NoFolder => invalid(format!("{path} cannot be granted: it is no folder")),
            Stop::Links => invalid(format!("{path} cannot be granted: too many links lead there")),
            Stop::Moved => invalid(format!(
                "{path} cannot be granted: it was moved while it was looked at; try again"
            )),
            Stop::Unsupported => invalid(format!(
                "{path} cannot be granted: this system cannot open a folder by its handle, so that \
                 its path could lead elsewhere later"
            )),
        }
    }
}

fn unfit(place: &Path, why: &str) -> Error {
    invalid(format!("the folder {} cannot be granted: {why}", shown(&place.to_string_lossy())))
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, text)
}

/// Checks that an agent cannot have had a hand in where a store is: neither is it in a folder that is
/// granted now, nor is a link on the way to it one that an agent could have planted.
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`].
pub(crate) fn check_store(path: &Path) -> Result<(), Error> {
    match system::place_of_file(path) {
        Ok(way) if !granted::is_granted(&way) => Ok(()),
        // What cannot be walked to cannot be opened either, and whoever opens it says why.
        Err(Stop::System(_) | Stop::NoFolder | Stop::Links | Stop::Moved | Stop::Unsupported) => {
            Ok(())
        }
        Ok(_) => Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the store {} is in a folder that an agent has been granted, and no agent may reach \
                 a store; choose another place, or remove the agent first",
                path.display()
            ),
        )),
        Err(Stop::Planted(link) | Stop::Link(link)) => Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the store {} cannot be opened: {} is a link in a folder that an agent may write, or \
                 once could, so that it may lead anywhere; give the path without the link",
                path.display(),
                link.display()
            ),
        )),
    }
}

#[cfg(unix)]
mod system {
    use std::collections::{HashSet, VecDeque};
    use std::ffi::OsString;
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Component, Path, PathBuf};

    use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
    use rustix::io::Errno;

    use super::{Identity, Links, Stop, granted};

    pub(super) type Handle = OwnedFd;

    /// The most links on one way, as in Linux.
    const MAX_LINKS: usize = 40;
    /// The most names on one way, with those in links.
    const MAX_NAMES: usize = 100_000;

    /// Where a system shows what a process has open.
    const OPEN_FILES: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

    impl From<Errno> for Stop {
        fn from(error: Errno) -> Self {
            Stop::System(error.into())
        }
    }

    impl From<io::Error> for Stop {
        fn from(error: io::Error) -> Self {
            Stop::System(error)
        }
    }

    /// How a folder on the way is opened: not to be read, where the system knows that.
    fn passing() -> OFlags {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        let only_pass = OFlags::PATH;
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let only_pass = OFlags::RDONLY;
        only_pass | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
    }

    fn identity_of(handle: impl AsFd) -> io::Result<Identity> {
        Ok(identity(&File::from(handle.as_fd().try_clone_to_owned()?).metadata()?))
    }

    pub(super) fn identity_at(path: &Path) -> Option<Identity> {
        path.metadata().ok().as_ref().map(identity)
    }

    fn identity(found: &Metadata) -> Identity {
        Identity { device: found.dev(), inode: found.ino(), born: found.created().ok() }
    }

    /// The folders in which a path without links lies.
    pub(super) fn way_to(path: &Path) -> Vec<Identity> {
        path.ancestors().skip(1).filter_map(identity_at).collect()
    }

    pub(super) fn walk(path: &Path, links: Links<'_>) -> Result<super::Found, Stop> {
        let mut walker = Walker::begin(path)?;
        while let Some(name) = walker.left.pop_front() {
            walker.step(name, links)?;
        }
        let place = walker.place();
        Ok(super::Found { way: walker.way, place, handle: walker.here })
    }

    /// The folders in which the file at `path` lies, or will lie.
    pub(super) fn place_of_file(path: &Path) -> Result<Vec<Identity>, Stop> {
        let stored = HashSet::new();
        let links = Links::NotPlanted(&stored);
        let mut walker = Walker::begin(path)?;
        while let Some(name) = walker.left.pop_front() {
            if !walker.left.is_empty() || name == ".." {
                walker.step(name, links)?;
                continue;
            }
            match walker.link(&name)? {
                Some(target) => walker.follow(&name, target, links)?,
                None => break,
            }
        }
        Ok(walker.way)
    }

    struct Walker {
        here: OwnedFd,
        way: Vec<Identity>,
        names: Vec<OsString>,
        left: VecDeque<OsString>,
        links: usize,
        steps: usize,
    }

    impl Walker {
        fn begin(path: &Path) -> Result<Self, Stop> {
            let here = openat(CWD, "/", passing(), Mode::empty())?;
            let way = vec![identity_of(&here)?];
            let mut walker =
                Walker { here, way, names: Vec::new(), left: VecDeque::new(), links: 0, steps: 0 };
            if path.as_os_str().is_empty() {
                return Err(Errno::NOENT.into());
            }
            let path = match path.is_absolute() {
                true => path.to_owned(),
                false => std::env::current_dir().map_err(Stop::System)?.join(path),
            };
            walker.put_in_front(&path);
            Ok(walker)
        }

        fn place(&self) -> PathBuf {
            let mut place = PathBuf::from("/");
            place.extend(&self.names);
            place
        }

        fn put_in_front(&mut self, path: &Path) {
            for component in path.components().rev() {
                match component {
                    Component::Normal(name) => self.left.push_front(name.to_owned()),
                    Component::ParentDir => self.left.push_front("..".into()),
                    Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
                }
            }
        }

        /// Goes on to what has this name here.
        fn step(&mut self, name: OsString, links: Links<'_>) -> Result<(), Stop> {
            self.steps += 1;
            if self.steps > MAX_NAMES {
                return Err(Stop::Links);
            }
            if name == ".." {
                return self.step_out();
            }
            match openat(&self.here, &name, passing(), Mode::empty()) {
                Ok(next) => {
                    self.way.push(identity_of(&next)?);
                    self.names.push(name);
                    self.here = next;
                    Ok(())
                }
                // A link, as systems say it, or no folder.
                Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => match self.link(&name)? {
                    Some(target) => self.follow(&name, target, links),
                    None => Err(Stop::NoFolder),
                },
                Err(error) => Err(error.into()),
            }
        }

        fn step_out(&mut self) -> Result<(), Stop> {
            if self.names.pop().is_none() {
                return Ok(());
            }
            self.way.pop();
            let next = openat(&self.here, "..", passing(), Mode::empty())?;
            if self.way.last() != Some(&identity_of(&next)?) {
                return Err(Stop::Moved);
            }
            self.here = next;
            Ok(())
        }

        /// Where the link with this name here leads, if it is one.
        fn link(&self, name: &OsString) -> Result<Option<PathBuf>, Stop> {
            match readlinkat(&self.here, name, Vec::new()) {
                Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()).into())),
                Err(Errno::INVAL | Errno::NOENT) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }

        fn follow(
            &mut self,
            name: &OsString,
            target: PathBuf,
            links: Links<'_>,
        ) -> Result<(), Stop> {
            let link = self.place().join(name);
            match links {
                Links::None => return Err(Stop::Link(link)),
                Links::NotPlanted(stored) if granted::may_be_planted(&self.way, &link, stored) => {
                    return Err(Stop::Planted(link));
                }
                Links::NotPlanted(_) => {}
            }
            self.links += 1;
            if self.links > MAX_LINKS || target.as_os_str().as_bytes().is_empty() {
                return Err(Stop::Links);
            }
            if target.is_absolute() {
                self.here = openat(CWD, "/", passing(), Mode::empty())?;
                self.way.truncate(1);
                self.names.clear();
            }
            self.put_in_front(&target);
            Ok(())
        }
    }

    pub(super) fn by_handle(
        handle: &OwnedFd,
        identity: Option<Identity>,
    ) -> Result<PathBuf, String> {
        // The number is only as good as what it stands for.
        if identity_of(handle).ok() != identity {
            return Err("somebody has closed its handle".to_owned());
        }
        let mut wrong = io::Error::from(io::ErrorKind::NotFound);
        for folder in OPEN_FILES {
            let path = Path::new(folder).join(handle.as_raw_fd().to_string());
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            match openat(CWD, &path, flags, Mode::empty()) {
                Ok(opened) if identity_of(&opened).ok() == identity => return Ok(path),
                Ok(_) => {}
                Err(Errno::NOENT) => {}
                Err(error) => wrong = error.into(),
            }
        }
        if wrong.kind() == io::ErrorKind::NotFound {
            let [first, second] = OPEN_FILES;
            return Err(format!(
                "neither {first} nor {second} leads to a folder by its handle here; mount /proc"
            ));
        }
        Err(wrong.to_string())
    }
}

#[cfg(not(unix))]
mod system {
    use std::path::{Path, PathBuf};

    use super::{Identity, Links, Stop};

    pub(super) type Handle = ();

    pub(super) fn walk(_: &Path, _: Links<'_>) -> Result<super::Found, Stop> {
        Err(Stop::Unsupported)
    }

    pub(super) fn place_of_file(_: &Path) -> Result<Vec<Identity>, Stop> {
        Err(Stop::Unsupported)
    }

    pub(super) fn identity_at(_: &Path) -> Option<Identity> {
        None
    }

    pub(super) fn way_to(_: &Path) -> Vec<Identity> {
        Vec::new()
    }

    pub(super) fn by_handle((): &Handle, _: Option<Identity>) -> Result<PathBuf, String> {
        Err("this system cannot open a folder by its handle".to_owned())
    }
}
