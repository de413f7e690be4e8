//! What an agent may do beside handling messages.

mod ceiling;
mod folder;
mod granted;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use ceiling::Ceiling;
pub(crate) use ceiling::{Bound, bounded, bounded_send_to, confine};
use folder::Links;
pub(crate) use folder::{Found, check_store};
use granted::Held;
pub(crate) use granted::{MAX_WRITABLE, was_written};

use crate::choice::choice;
use crate::error::{Error, ErrorKind, shown};

/// What an agent may do. By default it may send messages to everybody in its runtime, and has no
/// files, no environment and no arguments.
///
/// Names of agents may end in `*`, which stands for any rest; topics are written `topic:NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Grants {
    /// To whom it may send messages and broadcasts; `None` is everybody. It may always answer, once,
    /// who sent the message that it handles.
    pub send_to: Option<Vec<String>>,
    /// Whose messages its subscriptions see, sent or received, beside topics and broadcasts.
    pub observe: Vec<String>,
    /// Folders that it sees through WASI: those that are there when it is deployed, whatever becomes of
    /// their paths.
    pub dirs: Vec<Folder>,
    /// Its environment variables, through WASI.
    pub env: Vec<(String, String)>,
    /// Its arguments, through WASI; the first one is by custom the name of the program.
    pub args: Vec<String>,
    /// Where its standard output and standard error go.
    pub stdout: Stdout,
    /// Whether it may have `ams` deploy, suspend, resume and remove agents. What it deploys has its
    /// own limits, and of its grants `send_to`, as far as the runtime's [`Ceiling`] goes.
    pub directory_admin: bool,
}

/// A folder that an agent sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Folder {
    /// Its name inside the sandbox.
    pub guest: String,
    /// Where it is.
    pub host: PathBuf,
    /// What may be done with what is in it.
    pub access: Access,
}

impl Folder {
    /// The folder `host`, which the agent sees as `guest`.
    pub fn new(guest: impl Into<String>, host: impl Into<PathBuf>, access: Access) -> Self {
        Folder { guest: guest.into(), host: host.into(), access }
    }
}

impl Folder {
    /// The same folder, open, unless no agent may have it. It counts as granted before it is looked at, so
    /// that a store which is opened meanwhile either sees it or is seen.
    fn open(&self, found: Found, private: &dyn Fn() -> Vec<PathBuf>) -> Result<OpenFolder, Error> {
        let place = found.place.clone();
        let held = Held::new(found);
        if let Some(secret) = private().iter().find(|secret| held.reaches(secret)) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "the folder {} cannot be granted: {} is in it, or it in that, and no agent may \
                     reach a store or compiled modules; grant another folder",
                    self.host.display(),
                    secret.display()
                ),
            ));
        }
        held.by_handle()?;
        held.note(&place, self.access);
        Ok(OpenFolder { guest: self.guest.clone(), access: self.access, place, held })
    }
}

/// A folder that an agent sees, held open: its instances see this one, wherever its path leads later.
#[derive(Clone)]
pub(crate) struct OpenFolder {
    /// Its name inside the sandbox.
    pub guest: String,
    pub access: Access,
    /// Where it was when it was granted.
    pub place: PathBuf,
    held: Arc<Held>,
}

impl OpenFolder {
    /// A path that leads to it by its handle.
    pub fn by_handle(&self) -> Result<PathBuf, Error> {
        self.held.by_handle()
    }
}

/// What an agent may do with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Access {
    /// Read what is in it.
    #[serde(rename = "ro")]
    ReadOnly,
    /// Read, write, make and delete what is in it. How much it writes is not limited.
    #[serde(rename = "rw")]
    ReadWrite,
}

choice!(Access, "the access to a folder", ReadOnly => "ro", ReadWrite => "rw");

/// Where an agent's standard output goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stdout {
    /// Its lines become lines of the agent's log.
    #[default]
    Log,
    /// To the program's own, as it is: what an agent writes may steer a terminal.
    Inherit,
    /// Nowhere.
    Discard,
}

choice!(Stdout, "stdout", Log => "log", Inherit => "inherit", Discard => "discard");

/// Text in arguments and the environment, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

impl Grants {
    /// Grants written as a JSON object: `send_to`, `observe`, `dirs` (`{guest: [host, "ro" | "rw"]}`),
    /// `env`, `args`, `stdout`, `directory_admin`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is something else.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let mut fields: Fields<'_> = serde_json::from_str(json)
            .map_err(|error| wrong(format!("these are no grants: {error}")))?;
        let names = "a list of names, such as [\"planner\"]";
        let folders = "folders, each as {\"/its name inside\": [\"its path\", \"ro\" or \"rw\"]}";
        let send_to = read(&mut fields, "send_to", names)?;
        let observe: Option<_> = read(&mut fields, "observe", names)?;
        let written: Option<BTreeMap<String, (PathBuf, String)>> =
            read(&mut fields, "dirs", folders)?;
        let env: Option<BTreeMap<String, String>> =
            read(&mut fields, "env", "names and their values, both text")?;
        let args: Option<_> = read(&mut fields, "args", "a list of texts")?;
        let stdout: Option<String> =
            read(&mut fields, "stdout", "\"log\", \"inherit\" or \"discard\"")?;
        let directory_admin: Option<_> = read(&mut fields, "directory_admin", "true or false")?;
        if let Some(name) = fields.keys().next() {
            let name = shown(name);
            return Err(wrong(format!(
                "there is no grant {name:?}; there are send_to, observe, dirs, env, args, stdout, directory_admin"
            )));
        }
        let mut dirs = Vec::new();
        for (guest, (host, access)) in written.unwrap_or_default() {
            dirs.push(Folder::new(guest, host, Access::parse(&access)?));
        }
        Ok(Grants {
            send_to,
            observe: observe.unwrap_or_default(),
            dirs,
            env: env.unwrap_or_default().into_iter().collect(),
            args: args.unwrap_or_default(),
            stdout: stdout.as_deref().map_or(Ok(Stdout::default()), Stdout::parse)?,
            directory_admin: directory_admin.unwrap_or_default(),
        })
    }

    /// Whether its messages may go to `name`.
    pub(crate) fn may_send_to(&self, name: &str) -> bool {
        self.send_to.as_ref().is_none_or(|granted| is_among(name, granted))
    }

    /// Whether it may see what `name` sends and receives.
    pub(crate) fn may_observe(&self, name: &str) -> bool {
        is_among(name, &self.observe)
    }

    /// Checks that all of it can be granted, but for where its folders are.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for name in self.send_to.iter().flatten().chain(&self.observe) {
            if name.is_empty() {
                return Err(wrong("a grant names nobody: the name is empty".to_owned()));
            }
        }
        let env = self.env.iter().flat_map(|(key, value)| [key, value]);
        let mut bytes = 0;
        for text in env.chain(&self.args) {
            if text.contains('\0') {
                let text = shown(text);
                return Err(wrong(format!("{text:?} has a NUL in it, which WASI cannot pass on")));
            }
            bytes += text.len();
        }
        if bytes > MAX_TEXT_BYTES {
            return Err(wrong(format!(
                "arguments and environment have {bytes} bytes, and {MAX_TEXT_BYTES} are the most"
            )));
        }
        if let Some((key, _)) = self.env.iter().find(|(key, _)| key.is_empty() || key.contains('='))
        {
            return Err(wrong(format!("{:?} cannot be an environment variable", shown(key))));
        }
        for (at, folder) in self.dirs.iter().enumerate() {
            let guest = &folder.guest;
            if guest.is_empty() || guest.contains('\0') {
                return Err(wrong("a folder's name inside the sandbox is empty".to_owned()));
            }
            if self.dirs[..at].iter().any(|other| other.guest == *guest) {
                return Err(wrong(format!("two folders are called {:?}", shown(guest))));
            }
        }
        Ok(())
    }

    /// Checks that all of it can be granted, and opens the folders. `private` are files and folders that
    /// no agent may reach; a link in one of `stored` is not followed, which agents of a store could write.
    pub(crate) fn open(
        mut self,
        private: &dyn Fn() -> Vec<PathBuf>,
        stored: &HashSet<PathBuf>,
    ) -> Result<(Self, Vec<OpenFolder>), Error> {
        self.check()?;
        let mut opened = Vec::with_capacity(self.dirs.len());
        for folder in &mut self.dirs {
            let found = Found::walk(&folder.host, Links::NotPlanted(stored))?;
            let open = folder.open(found, private)?;
            folder.host.clone_from(&open.place);
            opened.push(open);
        }
        Ok((self, opened))
    }
}

/// Grants as they are written: each by its name.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Takes one of them out; one that is `null` or not there is none.
fn read<T: DeserializeOwned>(
    fields: &mut Fields<'_>,
    name: &str,
    expected: &str,
) -> Result<Option<T>, Error> {
    let Some(given) = fields.remove(name) else { return Ok(None) };
    serde_json::from_str(given.get()).map_err(|_| {
        let given = shown(given.get());
        wrong(format!("{name} is {given}, expected {expected}"))
    })
}

fn is_among(name: &str, granted: &[String]) -> bool {
    granted.iter().any(|pattern| covers(pattern, name))
}

/// Whether `pattern`, which may end in `*`, stands for `text`, which may end so itself.
fn covers(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => text.starts_with(begin),
        None => text == pattern,
    }
}

fn wrong(text: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, text)
}
