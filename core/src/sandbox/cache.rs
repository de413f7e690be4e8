//! Compiled modules on disk.
//!
//! Loading a compiled module is running its code, so an entry is believed only if it lies in a
//! folder of mode 0700 that belongs to this user, its checksum is right, and its name says that the
//! same engine with the same configuration made it. Anything else is compiled again.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::module;
use crate::grants::was_written;

/// Names the folder, in place of `caxton/modules` in the user's cache folder. Empty: no cache.
const FOLDER_VARIABLE: &str = "CAXTON_CACHE_DIR";
/// Entries above which the oldest are deleted.
const MAX_ENTRIES: usize = 512;
const CHECKSUM_BYTES: usize = 32;

pub(super) struct DiskCache {
    folder: Option<PathBuf>,
    suffix: String,
}

/// What has been compiled: a module or a component.
pub(super) trait Compiled: Sized {
    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// # Safety
    ///
    /// The artifact has to be what `serialize` gave. Wasmtime itself refuses one of another version,
    /// configuration or kind.
    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Module {
    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Module::serialize(self)
    }

    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is wasmtime's.
        unsafe { Module::deserialize(engine, artifact) }
    }
}

impl Compiled for Component {
    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Component::serialize(self)
    }

    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is wasmtime's.
        unsafe { Component::deserialize(engine, artifact) }
    }
}

impl DiskCache {
    pub fn open(engine: &Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        module::VERSION.hash(&mut hasher);
        let suffix = format!("{:016x}", hasher.finish());
        // What an agent could have written is not run.
        let usable = |folder: &PathBuf| prepare(folder) && !was_written(folder);
        DiskCache { folder: folder().filter(usable), suffix }
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The compiled form of the module with this hash, if it is here and whole.
    pub fn load<C: Compiled>(&self, engine: &Engine, hash: &[u8; 32]) -> Option<C> {
        let path = self.path(hash)?;
        let bytes = fs::read(&path).ok()?;
        let (checksum, artifact) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        if checksum_of(hash, artifact).as_ref() != checksum {
            // A damaged entry; the compiled module takes its place.
            return None;
        }
        // SAFETY: the artifact has the checksum that this cache wrote with it, in a folder that only
        // this user can write to, so it is what `serialize` gave.
        unsafe { C::deserialize(engine, artifact) }.ok()
    }

    /// Keeps the compiled form. A cache that cannot be written costs time, nothing else.
    pub fn keep<C: Compiled>(&self, hash: &[u8; 32], compiled: &C) {
        let Some(path) = self.path(hash) else { return };
        if let Ok(artifact) = compiled.serialize()
            && let Err(error) = write(&path, hash, &artifact)
        {
            tracing::debug!(%error, "a compiled module could not be kept");
        }
        if let Some(folder) = &self.folder {
            prune(folder);
        }
    }

    fn path(&self, hash: &[u8; 32]) -> Option<PathBuf> {
        let mut name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        name.push('-');
        name.push_str(&self.suffix);
        Some(self.folder.as_ref()?.join(name))
    }
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return (!folder.is_empty()).then(|| PathBuf::from(folder));
    }
    let caches = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    Some(caches.join("caxton").join("modules"))
}

/// Makes the folder if need be; whether only this user can write to it.
#[cfg(unix)]
fn prepare(folder: &Path) -> bool {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    if fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_err() {
        return false;
    }
    let Ok(found) = fs::symlink_metadata(folder) else {
        return false;
    };
    // SAFETY: geteuid has no arguments and cannot fail.
    let me = unsafe { libc::geteuid() };
    found.is_dir() && found.uid() == me && found.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn prepare(folder: &Path) -> bool {
    fs::create_dir_all(folder).is_ok()
}

/// The checksum of an entry, which is one of its module and no other.
fn checksum_of(hash: &[u8; 32], artifact: &[u8]) -> impl AsRef<[u8]> + use<> {
    let mut checksum = Sha256::new();
    checksum.update(hash);
    checksum.update(artifact);
    checksum.finalize()
}

fn write(path: &Path, hash: &[u8; 32], artifact: &[u8]) -> std::io::Result<()> {
    // A reader sees the whole entry or none: it is written aside and renamed.
    let aside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = File::create(&aside)?;
    file.write_all(checksum_of(hash, artifact).as_ref())?;
    file.write_all(artifact)?;
    file.sync_data()?;
    fs::rename(&aside, path)
}

fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    if entries.len() > MAX_ENTRIES {
        entries.sort();
        for (_, path) in entries.iter().take(entries.len() - MAX_ENTRIES * 3 / 4) {
            drop(fs::remove_file(path));
        }
    }
}
