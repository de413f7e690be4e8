//! How much a folder holds: the library reads all of it before it gives the first entry.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{Descriptor, ErrorCode, HostDescriptor};

use super::places;
use crate::sandbox::host::Host;
use crate::sandbox::prices::Work;

/// What the library keeps of an entry beside its name, in bytes.
const ENTRY_BYTES: usize = 128;

/// What is in a folder.
pub(super) struct Contents {
    /// Price of listing it.
    pub price: Work,
    /// Bytes that a list of it takes.
    pub bytes: usize,
}

/// Entries of a folder that were counted.
struct Counted {
    entries: usize,
    bytes: usize,
}

/// The open folder with this number of preview 1's. Each that is looked at costs a call.
pub(super) async fn with_number(host: &mut Host, number: u64) -> FsResult<Option<Arc<File>>> {
    for place in 0..places(host.world.folders().len()) as u32 {
        let Some(folder) = at(host, &Resource::new_borrow(place)) else { continue };
        let price = host.prices.file;
        host.spend(price).map_err(|_| ErrorCode::Quota)?;
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

/// Counts what is in a folder, each entry at the price `each`. It stops where a list of it would be more than the agent
/// may have kept, or than the turn can pay for; then the price is above what is left of the turn's work, which
/// has gone into counting.
pub(super) async fn contents(host: &mut Host, folder: Arc<File>, each: Work) -> FsResult<Contents> {
    let account = host.world.account();
    let most_bytes = usize::try_from(account.limit()).unwrap_or(usize::MAX);
    let payable = host.work_left().pays_for(each);
    let counting = tokio::task::spawn_blocking(move || count(&folder, payable, most_bytes));
    let Counted { entries, bytes } = counting.await.map_err(std::io::Error::from)??;
    if entries > payable {
        // A turn that asks again and again has nothing counted any more.
        let _ = host.spend(host.work_left());
    }
    Ok(Contents { price: each * entries, bytes })
}

#[cfg(unix)]
fn count(folder: &File, payable: usize, most_bytes: usize) -> std::io::Result<Counted> {
    use rustix::fs::{Dir, Mode, OFlags, openat};

    let mut counted = Counted { entries: 0, bytes: 0 };
    // The library's own handle is good for paths only.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    for entry in Dir::new(openat(folder, ".", flags, Mode::empty())?)? {
        counted.entries += 1;
        counted.bytes += ENTRY_BYTES + entry?.file_name().to_bytes().len();
        if counted.entries > payable || counted.bytes > most_bytes {
            break;
        }
    }
    Ok(counted)
}

/// No folders are granted on such a system.
#[cfg(not(unix))]
fn count(_: &File, _: usize, _: usize) -> std::io::Result<Counted> {
    Ok(Counted { entries: 0, bytes: 0 })
}
