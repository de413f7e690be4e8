//! Opening files through WASI: plain files and folders only.
//!
//! The system waits until somebody is at the other end of a named pipe, and of some devices; whoever opens
//! one would keep a thread for ever. So what stands at a path is looked at before wasmtime's own
//! function opens it. What takes its place in between still costs a thread, one of those for files: an
//! agent opens nothing more until that has come back.

use std::fs::File;
use std::sync::{Arc, Weak};

use wasmtime::component::Resource;
use wasmtime::{AsContextMut, Caller, Extern, Linker, StoreContextMut, component};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::types::{Errno, Fd, Filetype, Lookupflags};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as p1, WasiSnapshotPreview1};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, HostDescriptor, NewTimestamp,
    OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};
use wiggle::{GuestMemory, GuestPtr};

use super::host::{Host, Level, World};
use super::wasi;
use crate::error::shown;

/// The interface of components whose functions open files.
const INTERFACE: &str = "wasi:filesystem/types@0.2.12";

/// Puts what looks first in the place of the functions that open files, in a linker of modules.
pub(super) fn link_module(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap_async(
        wasi::MODULE,
        "path_open",
        |mut caller: Caller<'_, Host>,
         (fd, flags, path, len, open, base, inheriting, fdflags, opened): (
            i32,
            i32,
            i32,
            i32,
            i32,
            i64,
            i64,
            i32,
            i32,
        )| {
            Box::new(async move {
                let (mut memory, mut guest) = Guest::of(&mut caller)?;
                if let Some(no) = guest.look(&mut memory, fd, flags, path, len).await? {
                    return Ok(no as i32);
                }
                let waiting = Waiting::begin(guest.host);
                let context = guest.wasi();
                let done = p1::path_open(
                    context,
                    &mut memory,
                    fd,
                    flags,
                    path,
                    len,
                    open,
                    base,
                    inheriting,
                    fdflags,
                    opened,
                );
                waiting.until(done).await
            })
        },
    )?;
    linker.func_wrap_async(
        wasi::MODULE,
        "path_filestat_set_times",
        |mut caller: Caller<'_, Host>,
         (fd, flags, path, len, accessed, modified, which): (
            i32,
            i32,
            i32,
            i32,
            i64,
            i64,
            i32,
        )| {
            Box::new(async move {
                let (mut memory, mut guest) = Guest::of(&mut caller)?;
                if let Some(no) = guest.look(&mut memory, fd, flags, path, len).await? {
                    return Ok(no as i32);
                }
                let waiting = Waiting::begin(guest.host);
                let context = guest.wasi();
                let done = p1::path_filestat_set_times(
                    context,
                    &mut memory,
                    fd,
                    flags,
                    path,
                    len,
                    accessed,
                    modified,
                    which,
                );
                waiting.until(done).await
            })
        },
    )?;
    Ok(())
}

/// The host's side of a call, beside the guest's memory.
struct Guest<'a> {
    host: &'a mut Host,
    /// What one call may make the host copy.
    fuel: usize,
}

impl<'a> Guest<'a> {
    fn of(caller: &'a mut Caller<'_, Host>) -> wasmtime::Result<(GuestMemory<'a>, Self)> {
        let fuel = caller.as_context_mut().hostcall_fuel();
        let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
            return Err(wasmtime::format_err!("missing required memory export"));
        };
        let (memory, host) = memory.data_and_store_mut(caller);
        Ok((GuestMemory::Unshared(memory), Guest { host, fuel }))
    }

    fn wasi(&mut self) -> &mut WasiP1Ctx {
        let context = self.host.wasi();
        context.set_hostcall_fuel(self.fuel);
        context
    }

    /// The error that a call gets for what is at a path, if it may not be opened.
    async fn look(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: i32,
        flags: i32,
        path: i32,
        len: i32,
    ) -> wasmtime::Result<Option<Errno>> {
        if is_waiting(self.host) {
            return Ok(Some(Errno::Again));
        }
        let Ok(flags) = Lookupflags::try_from(flags) else { return Ok(Some(Errno::Inval)) };
        let path = GuestPtr::<str>::new((path as u32, len as u32));
        let looked = self.wasi().path_filestat_get(memory, Fd::from(fd), flags, path).await;
        match looked {
            Ok(found) => match found.filetype {
                Filetype::RegularFile | Filetype::Directory | Filetype::SymbolicLink => Ok(None),
                _ => {
                    let path = memory.as_cow_str(path)?;
                    refuse(self.host, &path);
                    Ok(Some(Errno::Notsup))
                }
            },
            Err(error) => match error.downcast()? {
                // It may be about to be made; what is no folder's number is nobody's.
                Errno::Noent | Errno::Badf => Ok(None),
                other => Ok(Some(other)),
            },
        }
    }
}

type Opened = (Result<Resource<Descriptor>, ErrorCode>,);
type Done = (Result<(), ErrorCode>,);

/// The same in a linker of components.
pub(super) fn link_component(linker: &mut component::Linker<Host>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut files = linker.instance(INTERFACE)?;
    files.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, Host>,
         (folder, follow, path, open, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move {
                let host = store.data_mut();
                let opened = match look(host, &folder, follow, &path).await {
                    Ok(()) => {
                        let waiting = Waiting::begin(host);
                        let mut files = host.filesystem();
                        waiting.until(files.open_at(folder, follow, path, open, flags)).await
                    }
                    Err(no) => Err(no),
                };
                Ok::<Opened, wasmtime::Error>((said(opened)?,))
            })
        },
    )?;
    files.func_wrap_async(
        "[method]descriptor.set-times-at",
        |mut store: StoreContextMut<'_, Host>,
         (folder, follow, path, accessed, modified): (
            Resource<Descriptor>,
            PathFlags,
            String,
            NewTimestamp,
            NewTimestamp,
        )| {
            Box::new(async move {
                let host = store.data_mut();
                let done = match look(host, &folder, follow, &path).await {
                    Ok(()) => {
                        let waiting = Waiting::begin(host);
                        let mut files = host.filesystem();
                        let done = files.set_times_at(folder, follow, path, accessed, modified);
                        waiting.until(done).await
                    }
                    Err(no) => Err(no),
                };
                Ok::<Done, wasmtime::Error>((said(done)?,))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn look(
    host: &mut Host,
    folder: &Resource<Descriptor>,
    follow: PathFlags,
    path: &str,
) -> FsResult<()> {
    if is_waiting(host) {
        return Err(ErrorCode::WouldBlock.into());
    }
    let folder = Resource::new_borrow(folder.rep());
    match host.filesystem().stat_at(folder, follow, path.to_owned()).await {
        Ok(found) => match found.type_ {
            DescriptorType::RegularFile
            | DescriptorType::Directory
            | DescriptorType::SymbolicLink => Ok(()),
            _ => {
                refuse(host, path);
                Err(ErrorCode::Unsupported.into())
            }
        },
        // It may be about to be made.
        Err(error) => match error.downcast_ref() {
            Some(ErrorCode::NoEntry) => Ok(()),
            _ => Err(error),
        },
    }
}

/// An answer of the interface, if it is no trap.
fn said<T>(done: FsResult<T>) -> wasmtime::Result<Result<T, ErrorCode>> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(error) => FsError::downcast(error).map(Err),
    }
}

fn refuse(host: &Host, path: &str) {
    let text = format!("{:?} is neither a plain file nor a folder, and is not opened", shown(path));
    host.log(Level::Warn, &text);
}

/// An opening that goes on. Whoever opens a file holds the folder that it is in, also where nobody waits
/// for the outcome any more: the instance and its folders are gone then, and only that holds one of them.
struct Waiting {
    world: Arc<dyn World>,
    folders: Vec<Weak<File>>,
}

impl Waiting {
    fn begin(host: &mut Host) -> Self {
        let places = wasi::places(host.world.folders().len()) as u32;
        let table = host.wasi().ctx().table;
        let folders = (0..places).filter_map(|place| {
            match table.get(&Resource::<Descriptor>::new_borrow(place)) {
                Ok(Descriptor::Dir(folder)) => Some(Arc::downgrade(&folder.dir)),
                _ => None,
            }
        });
        let folders = folders.collect();
        Waiting { world: host.world.clone(), folders }
    }

    async fn until<T>(mut self, done: impl Future<Output = T>) -> T {
        let done = done.await;
        self.folders.clear();
        done
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.folders.is_empty() {
            self.world.openings().lock().append(&mut self.folders);
        }
    }
}

/// Whether a file is still being opened that an earlier instance of this agent wanted.
fn is_waiting(host: &Host) -> bool {
    let mut openings = host.world.openings().lock();
    openings.retain(|folder| folder.strong_count() > 0);
    let is_waiting = !openings.is_empty();
    drop(openings);
    if is_waiting {
        let text =
            "a file that it opened before has not come back, and no other is opened until then";
        host.log(Level::Warn, text);
    }
    is_waiting
}
