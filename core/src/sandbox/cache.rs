//! Compiled modules on disk.
//!
//! Loading a compiled module is running its code, so an entry is believed only if it lies in a
//! folder of mode 0700 that belongs to this user, its checksum is right, and its name says that the
//! same engine with the same configuration made it. Anything else is compiled again.
#![allow(unsafe_code)]

use std::fs::{self, File, FileTimes};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::estimate::Estimate;
use super::module;
use super::template::Artifact;
use crate::grants::was_written;
use crate::source::wall_clock;

/// Names the folder, in place of `caxton/modules` in the user's cache folder. Empty: no cache.
const FOLDER_VARIABLE: &str = "CAXTON_CACHE_DIR";
/// What the folder holds at most, in bytes. What was used longest ago is deleted first.
const MAX_BYTES: u64 = 1 << 30;
/// The bytes that are written before the folder is looked through again.
const LOOKS_AFTER: u64 = 64 << 20;
const CHECKSUM_BYTES: usize = 32;

pub(super) struct DiskCache {
    folder: Option<PathBuf>,
    suffix: String,
    /// What has been written since the folder was looked through.
    written: AtomicU64,
}

/// What has been compiled: a module or a component.
pub(super) trait Compiled: Sized {
    /// # Safety
    ///
    /// The artifact has to be what `serialize` gave. Wasmtime itself refuses one of another version,
    /// configuration or kind.
    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Module {
    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is wasmtime's.
        unsafe { Module::deserialize(engine, artifact) }
    }
}

impl Compiled for Component {
    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is wasmtime's.
        unsafe { Component::deserialize(engine, artifact) }
    }
}

impl DiskCache {
    pub fn open(engine: &Engine, is_profiled: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        module::VERSION.hash(&mut hasher);
        // Modules are compiled with other names there.
        is_profiled.hash(&mut hasher);
        let suffix = format!("{:016x}", hasher.finish());
        // What an agent could have written is not run.
        let usable = |folder: &PathBuf| prepare(folder) && !was_written(folder);
        let folder = folder().filter(usable);
        DiskCache { folder, suffix, written: AtomicU64::new(LOOKS_AFTER) }
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The compiled form of the module with this hash, if it is here and whole, and what compiling it was to cost.
    pub fn load<C: Compiled>(&self, engine: &Engine, hash: &[u8; 32]) -> Option<(Estimate, C)> {
        let path = self.path(hash)?;
        let bytes = fs::read(&path).ok()?;
        let (checksum, entry) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        if checksum_of(hash, entry).as_ref() != checksum {
            // A damaged entry; the compiled module takes its place.
            return None;
        }
        let (estimate, artifact) = entry.split_first_chunk()?;
        // SAFETY: the artifact has the checksum that this cache wrote with it, in a folder that only
        // this user can write to, so it is what `serialize` gave.
        let compiled = unsafe { C::deserialize(engine, artifact) }.ok()?;
        // The entries that are used last are deleted last.
        if let Ok(file) = File::options().append(true).open(&path) {
            drop(file.set_times(FileTimes::new().set_modified(wall_clock())));
        }
        Some((Estimate::from_bytes(estimate), compiled))
    }

    /// Keeps the compiled form. A cache that cannot be written costs time, nothing else.
    pub fn keep(&self, hash: &[u8; 32], estimate: &Estimate, artifact: &Artifact) {
        let Some(path) = self.path(hash) else { return };
        let serialized = match artifact {
            Artifact::Module(module) => module.serialize(),
            Artifact::Component(component) => component.serialize(),
        };
        let Ok(artifact) = serialized else { return };
        let entry = [&estimate.to_bytes()[..], &artifact].concat();
        if let Err(error) = write(&path, hash, &entry) {
            tracing::debug!(%error, "a compiled module could not be kept");
        }
        let more = entry.len() as u64;
        let written = self.written.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if let Some(folder) = self.folder.as_ref().filter(|_| written >= LOOKS_AFTER) {
            self.written.store(0, Ordering::Relaxed);
            prune(folder, MAX_BYTES - LOOKS_AFTER);
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

/// Deletes what was used longest ago, until the rest takes no more than `most` bytes.
fn prune(folder: &Path, most: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    let mut all: u64 = entries.iter().map(|(_, bytes, _)| *bytes).sum();
    entries.sort();
    for (_, bytes, path) in entries {
        if all <= most {
            return;
        }
        if fs::remove_file(path).is_ok() {
            all = all.saturating_sub(bytes);
        }
    }
}

#[cfg(test)]
mod tests;
