//! Files, streams and random numbers of WASI 0.2, as components call them: each call has its price, and what the
//! host keeps for one is charged to its agent.

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self as files, Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType,
    DirectoryEntry, DirectoryEntryStream, ErrorCode, Filesize, HostDescriptor,
    HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::io::poll;
use wasmtime_wasi::p2::bindings::io::streams::{self, HostInputStream, HostOutputStream};
use wasmtime_wasi::p2::bindings::random::{insecure, random};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, FsError, FsResult, StreamError, StreamResult,
};

use super::opening::{self, Waiting};
use super::{MAX_LINK_BYTES, folder, may_open, price_of_paths};
use crate::account::Charge;
use crate::files::Taken;
use crate::sandbox::host::Host;
use crate::sandbox::prices::Work;

/// What the library reads or writes at most in one call, and a stream of a file keeps.
const MAX_PIECE: usize = 64 << 10;
/// The most that one call waits for.
const MAX_POLLED: usize = 1024;

/// Puts these functions in the place of the library's.
pub(in crate::sandbox) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    type Own = HasSelf<Host>;
    linker.allow_shadowing(true);
    files::add_to_linker::<Host, Own>(linker, |host| host)?;
    streams::add_to_linker::<Host, Own>(linker, |host| host)?;
    poll::add_to_linker::<Host, Own>(linker, |host| host)?;
    random::add_to_linker::<Host, Own>(linker, |host| host)?;
    insecure::add_to_linker::<Host, Own>(linker, |host| host)?;
    linker.allow_shadowing(false);
    Ok(())
}

type Folder = Resource<Descriptor>;

impl Host {
    /// Charges the turn for a call of files.
    fn pay_file(&mut self, work: Work) -> FsResult<()> {
        self.check_time().map_err(FsError::trap)?;
        self.spend(work).map_err(|_| ErrorCode::Quota.into())
    }

    /// The same for a call with paths.
    fn pay_path(&mut self, paths: &[&str]) -> FsResult<()> {
        let price = price_of_paths(self, paths.iter().map(|path| path.len()));
        self.pay_file(price.unwrap_or(self.prices.file))?;
        if price.is_some() { Ok(()) } else { Err(ErrorCode::NameTooLong.into()) }
    }

    /// The same for a call of streams.
    fn pay_stream(&mut self, work: Work) -> StreamResult<()> {
        self.check_time().map_err(StreamError::Trap)?;
        self.spend(work).map_err(|_| {
            StreamError::LastOperationFailed(wasmtime::format_err!("above max_turn_work"))
        })
    }

    /// Charges the turn for a read of at most `bytes` from a stream.
    fn pay_read(&mut self, bytes: u64) -> StreamResult<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(MAX_PIECE);
        self.pay_stream(self.prices.file_read(bytes))
    }

    /// The same for a write of `bytes`.
    fn pay_write(&mut self, bytes: u64) -> StreamResult<()> {
        // Streams never permit more; the library does not look at it everywhere.
        if bytes > MAX_PIECE as u64 {
            return Err(StreamError::trap("it wrote more than it was permitted to"));
        }
        self.pay_stream(self.prices.file_write(bytes as usize))
    }

    /// Waits for a thread for a call of the stream at this place, if it is one of a file.
    fn stream_thread(&self, place: u32) -> impl Future<Output = Option<Taken>> + Send + use<> {
        let thread = self.wasi_kept.contains_key(&place).then(|| self.file_thread());
        async {
            match thread {
                Some(thread) => Some(thread.await),
                None => None,
            }
        }
    }

    /// Looks whether there is room for something more that is open.
    fn may_open(&mut self) -> FsResult<()> {
        if may_open(self) { Ok(()) } else { Err(ErrorCode::InsufficientMemory.into()) }
    }

    fn keep_file(&mut self, bytes: usize) -> FsResult<Charge> {
        self.keep_for_wasi(bytes).ok_or_else(|| ErrorCode::InsufficientMemory.into())
    }

    /// Looks at what is at a path that is about to be opened.
    async fn look_at(&mut self, folder: &Folder, follow: PathFlags, path: &str) -> FsResult<()> {
        if opening::is_waiting(self) {
            return Err(ErrorCode::WouldBlock.into());
        }
        let folder = Resource::new_borrow(folder.rep());
        match self.filesystem().stat_at(folder, follow, path.to_owned()).await {
            Ok(found) => match found.type_ {
                DescriptorType::RegularFile
                | DescriptorType::Directory
                | DescriptorType::SymbolicLink => Ok(()),
                _ => {
                    opening::refuse(self, path);
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
}

/// Runs a call on the thread that it has, if it needs one.
async fn on<T>(thread: Option<Taken>, call: impl Future<Output = T>) -> T {
    match thread {
        Some(thread) => thread.run(call).await,
        None => call.await,
    }
}

impl files::Host for Host {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        files::Host::filesystem_error_code(&mut self.filesystem(), error)
    }
}

/// Writes the functions of a descriptor for [`Host`].
macro_rules! descriptor {
    (
        file { $( fn $file:ident($($arg:ident: $ty:ty),*) -> $result:ty; )* }
        path { $(
            fn $path:ident($($path_arg:ident: $path_ty:ty),*) -> $path_result:ty,
            $paths:expr;
        )* }
        stream { $(
            fn $stream:ident($($stream_arg:ident: $stream_ty:ty),*) -> $stream_result:ty;
        )* }
        $($special:item)*
    ) => {
        impl HostDescriptor for Host {
            $( async fn $file(&mut self, fd: Folder, $($arg: $ty),*) -> FsResult<$result> {
                self.pay_file(self.prices.file)?;
                let thread = self.file_thread().await;
                thread.run(self.filesystem().$file(fd, $($arg),*)).await
            } )*

            $( async fn $path(&mut self, $($path_arg: $path_ty),*) -> FsResult<$path_result> {
                self.pay_path(&$paths)?;
                let thread = self.file_thread().await;
                thread.run(self.filesystem().$path($($path_arg),*)).await
            } )*

            $( fn $stream(
                &mut self,
                fd: Folder,
                $($stream_arg: $stream_ty),*
            ) -> FsResult<Resource<$stream_result>> {
                self.pay_file(self.prices.file)?;
                self.may_open()?;
                let charge = self.keep_file(MAX_PIECE)?;
                let stream = self.filesystem().$stream(fd, $($stream_arg),*)?;
                self.wasi_kept.insert(stream.rep(), charge);
                Ok(stream)
            } )*

            $($special)*
        }
    };
}

descriptor! {
    file {
        fn advise(offset: Filesize, len: Filesize, advice: Advice) -> ();
        fn sync_data() -> ();
        fn get_flags() -> DescriptorFlags;
        fn get_type() -> DescriptorType;
        fn set_size(size: Filesize) -> ();
        fn set_times(accessed: NewTimestamp, modified: NewTimestamp) -> ();
        fn sync() -> ();
        fn stat() -> DescriptorStat;
        fn metadata_hash() -> MetadataHashValue;
    }
    path {
        fn create_directory_at(fd: Folder, path: String) -> (), [&path];
        fn stat_at(fd: Folder, follow: PathFlags, path: String) -> DescriptorStat, [&path];
        fn link_at(
            fd: Folder, follow: PathFlags, path: String, to: Folder, to_path: String
        ) -> (), [&path, &to_path];
        fn readlink_at(fd: Folder, path: String) -> String, [&path];
        fn remove_directory_at(fd: Folder, path: String) -> (), [&path];
        fn rename_at(
            fd: Folder, path: String, to: Folder, to_path: String
        ) -> (), [&path, &to_path];
        fn unlink_file_at(fd: Folder, path: String) -> (), [&path];
        fn metadata_hash_at(
            fd: Folder, follow: PathFlags, path: String
        ) -> MetadataHashValue, [&path];
    }
    stream {
        fn read_via_stream(offset: Filesize) -> DynInputStream;
        fn write_via_stream(offset: Filesize) -> DynOutputStream;
        fn append_via_stream() -> DynOutputStream;
    }

    async fn read(
        &mut self,
        fd: Folder,
        len: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        let bytes = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_PIECE);
        self.pay_file(self.prices.file_read(bytes))?;
        let _kept = self.keep_file(bytes)?;
        let thread = self.file_thread().await;
        thread.run(self.filesystem().read(fd, len, offset)).await
    }

    async fn write(&mut self, fd: Folder, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.pay_file(self.prices.file_write(bytes.len()))?;
        let _kept = self.keep_file(bytes.len())?;
        let thread = self.file_thread().await;
        thread.run(self.filesystem().write(fd, bytes, offset)).await
    }

    async fn read_directory(&mut self, fd: Folder) -> FsResult<Resource<DirectoryEntryStream>> {
        self.pay_file(self.prices.file)?;
        self.may_open()?;
        let thread = self.file_thread().await;
        let list = async {
            let Some(found) = folder::at(self, &fd) else {
                return self.filesystem().read_directory(fd).await;
            };
            let contents = folder::contents(self, found, self.prices.polled).await?;
            self.pay_file(contents.price)?;
            let charge = self.keep_file(contents.bytes)?;
            let stream = self.filesystem().read_directory(fd).await?;
            self.wasi_kept.insert(stream.rep(), charge);
            Ok(stream)
        };
        thread.run(list).await
    }

    async fn open_at(
        &mut self,
        fd: Folder,
        follow: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Folder> {
        self.pay_path(&[&path])?;
        self.may_open()?;
        let thread = self.file_thread().await;
        let open = async {
            self.look_at(&fd, follow, &path).await?;
            let waiting = Waiting::begin(self);
            let mut files = self.filesystem();
            waiting.until(files.open_at(fd, follow, path, open, flags)).await
        };
        thread.run(open).await
    }

    async fn symlink_at(&mut self, fd: Folder, text: String, path: String) -> FsResult<()> {
        self.pay_path(&[&text, &path])?;
        if text.len() > MAX_LINK_BYTES {
            return Err(ErrorCode::NameTooLong.into());
        }
        let thread = self.file_thread().await;
        thread.run(self.filesystem().symlink_at(fd, text, path)).await
    }

    async fn set_times_at(
        &mut self,
        fd: Folder,
        follow: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.pay_path(&[&path])?;
        let thread = self.file_thread().await;
        let set = async {
            self.look_at(&fd, follow, &path).await?;
            let waiting = Waiting::begin(self);
            let mut files = self.filesystem();
            waiting.until(files.set_times_at(fd, follow, path, accessed, modified)).await
        };
        thread.run(set).await
    }

    async fn is_same_object(&mut self, fd: Folder, other: Folder) -> wasmtime::Result<bool> {
        // It has no error to give; both places are the guest's own.
        let _ = self.pay_file(self.prices.file);
        let thread = self.file_thread().await;
        thread.run(self.filesystem().is_same_object(fd, other)).await
    }

    fn drop(&mut self, fd: Folder) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.filesystem(), fd)
    }
}

impl HostDirectoryEntryStream for Host {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.check_time().map_err(FsError::trap)?;
        self.filesystem().read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.wasi_kept.remove(&stream.rep());
        HostDirectoryEntryStream::drop(&mut self.filesystem(), stream)
    }
}

impl streams::Host for Host {
    fn convert_stream_error(
        &mut self,
        error: StreamError,
    ) -> wasmtime::Result<streams::StreamError> {
        streams::Host::convert_stream_error(self.wasi().ctx().table, error)
    }
}

impl HostInputStream for Host {
    async fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        let _charge = self.wasi_kept.remove(&stream.rep());
        HostInputStream::drop(self.wasi().ctx().table, stream).await
    }

    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        self.pay_read(len)?;
        HostInputStream::read(self.wasi().ctx().table, stream, len)
    }

    async fn blocking_read(
        &mut self,
        stream: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<Vec<u8>> {
        self.pay_read(len)?;
        let thread = self.stream_thread(stream.rep()).await;
        on(thread, HostInputStream::blocking_read(self.wasi().ctx().table, stream, len)).await
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.pay_read(len)?;
        HostInputStream::skip(self.wasi().ctx().table, stream, len)
    }

    async fn blocking_skip(
        &mut self,
        stream: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.pay_read(len)?;
        let thread = self.stream_thread(stream.rep()).await;
        on(thread, HostInputStream::blocking_skip(self.wasi().ctx().table, stream, len)).await
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynInputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.check_time()?;
        HostInputStream::subscribe(self.wasi().ctx().table, stream)
    }
}

impl HostOutputStream for Host {
    async fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        let _charge = self.wasi_kept.remove(&stream.rep());
        HostOutputStream::drop(self.wasi().ctx().table, stream).await
    }

    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.pay_stream(Work::NONE)?;
        HostOutputStream::check_write(self.wasi().ctx().table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.pay_write(bytes.len() as u64)?;
        HostOutputStream::write(self.wasi().ctx().table, stream, bytes)
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynOutputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.check_time()?;
        HostOutputStream::subscribe(self.wasi().ctx().table, stream)
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        self.pay_write(bytes.len() as u64)?;
        let thread = self.stream_thread(stream.rep()).await;
        on(
            thread,
            HostOutputStream::blocking_write_and_flush(self.wasi().ctx().table, stream, bytes),
        )
        .await
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        len: u64,
    ) -> StreamResult<()> {
        self.pay_write(len)?;
        let thread = self.stream_thread(stream.rep()).await;
        let table = self.wasi().ctx().table;
        on(thread, HostOutputStream::blocking_write_zeroes_and_flush(table, stream, len)).await
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        self.pay_write(len)?;
        HostOutputStream::write_zeroes(self.wasi().ctx().table, stream, len)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.pay_stream(self.prices.file)?;
        HostOutputStream::flush(self.wasi().ctx().table, stream)
    }

    async fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.pay_stream(self.prices.file)?;
        let thread = self.stream_thread(stream.rep()).await;
        on(thread, HostOutputStream::blocking_flush(self.wasi().ctx().table, stream)).await
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.pay_write(len.min(MAX_PIECE as u64))?;
        HostOutputStream::splice(self.wasi().ctx().table, to, from, len)
    }

    async fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.pay_write(len.min(MAX_PIECE as u64))?;
        let is_file = self.wasi_kept.contains_key(&to.rep());
        let thread = self.stream_thread(if is_file { to.rep() } else { from.rep() }).await;
        on(thread, HostOutputStream::blocking_splice(self.wasi().ctx().table, to, from, len)).await
    }
}

impl poll::Host for Host {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.check_time()?;
        if pollables.len() > MAX_POLLED {
            wasmtime::bail!(
                "it polled {} things at once; {MAX_POLLED} is the most",
                pollables.len()
            );
        }
        poll::Host::poll(self.wasi().ctx().table, pollables).await
    }
}

impl poll::HostPollable for Host {
    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.check_time()?;
        poll::HostPollable::block(self.wasi().ctx().table, pollable).await
    }

    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.check_time()?;
        poll::HostPollable::ready(self.wasi().ctx().table, pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.wasi().ctx().table, pollable)
    }
}

/// There is no error to give: more than a turn may cost is a trap.
impl Host {
    fn pay_random(&mut self, len: u64) -> wasmtime::Result<()> {
        self.check_time()?;
        let work = self.prices.random(usize::try_from(len).unwrap_or(usize::MAX));
        match self.spend(work) {
            Ok(()) => Ok(()),
            Err(_) => {
                wasmtime::bail!("it asked for {len} random bytes, which is above max_turn_work")
            }
        }
    }
}

impl random::Host for Host {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.pay_random(len)?;
        random::Host::get_random_bytes(self.wasi().ctx().ctx.random(), len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        random::Host::get_random_u64(self.wasi().ctx().ctx.random())
    }
}

impl insecure::Host for Host {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.pay_random(len)?;
        insecure::Host::get_insecure_random_bytes(self.wasi().ctx().ctx.random(), len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        insecure::Host::get_insecure_random_u64(self.wasi().ctx().ctx.random())
    }
}
