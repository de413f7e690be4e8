//! How much a folder holds: the library reads all of it before it gives the first entry.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{Descriptor, HostDescriptor};

use super::places;
use crate::sandbox::host::Host;

/// What the library keeps of an entry beside its name, in bytes.
const ENTRY_BYTES: usize = 128;

/// What is in a folder.
pub(super) struct Contents {
    pub entries: usize,
    /// What a list of them takes.
    pub bytes: usize,
}

/// The open folder with this number of preview 1's.
pub(super) async fn with_number(host: &mut Host, number: u64) -> FsResult<Option<Arc<File>>> {
    for place in 0..places(host.world.folders().len()) as u32 {
        let Some(folder) = at(host, &Resource::new_borrow(place)) else { continue };
        let hash = host.filesystem().metadata_hash(Resource::new_borrow(place)).await?;
        if hash.lower == number {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// The folder at a place of the table.
pub(super) fn at(host: &mut Host, place: &Resource<Descriptor>) -> Option<Arc<File>> {
    match host.wasi().ctx().table.get(place) {
        Ok(Descriptor::Dir(folder)) => Some(folder.dir.clone()),
        _ => None,
    }
}

/// Counts what is in a folder. It stops where a list of it would be more than the agent may have kept.
pub(super) async fn contents(host: &mut Host, folder: Arc<File>) -> FsResult<Contents> {
    let account = host.world.account();
    let most = usize::try_from(account.limit()).unwrap_or(usize::MAX);
    let counted = tokio::task::spawn_blocking(move || count(&folder, most)).await;
    Ok(counted.map_err(std::io::Error::from)??)
}

#[cfg(unix)]
fn count(folder: &File, most: usize) -> std::io::Result<Contents> {
    use rustix::fs::{Dir, Mode, OFlags, openat};

    let mut contents = Contents { entries: 0, bytes: 0 };
    // The library's own handle is good for paths only.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    for entry in Dir::new(openat(folder, ".", flags, Mode::empty())?)? {
        contents.entries += 1;
        contents.bytes += ENTRY_BYTES + entry?.file_name().to_bytes().len();
        if contents.bytes > most {
            break;
        }
    }
    Ok(contents)
}

/// No folders are granted on such a system.
#[cfg(not(unix))]
fn count(_: &File, _: usize) -> std::io::Result<Contents> {
    Ok(Contents { entries: 0, bytes: 0 })
}
