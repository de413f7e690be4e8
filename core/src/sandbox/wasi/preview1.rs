//! WASI preview 1, as modules call it: each call has its price, and what a guest's lengths may make the host
//! keep is looked at before the library sees them.

use wasmtime_wasi::p1::types::{
    Advice, Ciovec, CiovecArray, Clockid, Dircookie, Errno, Error, Event, Exitcode, Fd, Fdflags,
    Fdstat, Filedelta, Filesize, Filestat, Filetype, Fstflags, Iovec, IovecArray, Lookupflags,
    Oflags, Prestat, Riflags, Rights, Roflags, Sdflags, Siflags, Signal, Size, Subscription,
    Timestamp, Whence,
};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr, GuestType};

use super::opening::{self, Waiting};
use super::{MAX_LINK_BYTES, folder, free_places, may_open, price_of_paths};
use crate::account::Charge;
use crate::sandbox::host::Host;
use crate::sandbox::prices::Work;

/// The most buffers of one call.
const MAX_BUFFERS: u32 = 1024;
/// The most bytes that one call reads or writes: a guest that has more calls again.
const PIECE: u32 = 256 << 10;
/// The most random bytes that are made at once.
const RANDOM_PIECE: u32 = 64 << 10;

type Result<T, E = Error> = std::result::Result<T, E>;

/// What stands before a call.
impl Host {
    /// Charges the turn for a call.
    fn pay(&mut self, work: Work) -> Result<()> {
        self.check_time().map_err(Error::trap)?;
        self.spend(work).map_err(|_| Errno::Dquot.into())
    }

    /// Charges the agent for what the host keeps while a call lasts.
    fn keep(&mut self, bytes: usize) -> Result<Charge> {
        self.keep_for_wasi(bytes).ok_or_else(|| Errno::Nomem.into())
    }

    /// Charges the turn and the agent for reading into a buffer of `bytes`.
    fn read_of(&mut self, bytes: u32) -> Result<Charge> {
        self.pay(self.prices.file_read(bytes as usize))?;
        self.keep(bytes as usize)
    }

    fn write_of(&mut self, bytes: u32) -> Result<Charge> {
        self.pay(self.prices.file_write(bytes as usize))?;
        self.keep(bytes as usize)
    }

    /// The same for a call with paths.
    fn with_paths(&mut self, paths: &[GuestPtr<str>]) -> Result<()> {
        let price = price_of_paths(self, paths.iter().map(|path| path.len() as usize));
        self.pay(price.unwrap_or(self.prices.file))?;
        if price.is_some() { Ok(()) } else { Err(Errno::Nametoolong.into()) }
    }

    /// Returns true for standard input, output and error, which need no thread.
    fn is_std(&self, fd: Fd) -> bool {
        self.has_plain_std && is_std(fd)
    }

    /// Looks at what is at a path that is about to be opened.
    async fn look(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
    ) -> Result<()> {
        if opening::is_waiting(self) {
            return Err(Errno::Again.into());
        }
        match self.wasi().path_filestat_get(memory, fd, flags, path).await {
            Ok(found) => match found.filetype {
                Filetype::RegularFile | Filetype::Directory | Filetype::SymbolicLink => Ok(()),
                _ => {
                    opening::refuse(self, &memory.as_cow_str(path)?);
                    Err(Errno::Notsup.into())
                }
            },
            Err(error) => match error.downcast().map_err(Error::trap)? {
                // It may be about to be made; what is no folder's number is nobody's.
                Errno::Noent | Errno::Badf => Ok(()),
                other => Err(other.into()),
            },
        }
    }
}

/// Writes the function that finds the buffer of a call: the first that is not empty. One that is longer than a piece
/// is made as short in the guest's memory until the call is over: then the guest comes to its next preemption point,
/// and calls once more for the rest.
macro_rules! piece_of {
    ($name:ident, $array:ty, $buffer:ident) => {
        fn $name(
            memory: &mut GuestMemory<'_>,
            buffers: $array,
        ) -> Result<(u32, Option<(GuestPtr<$buffer>, $buffer)>)> {
            if buffers.len() > MAX_BUFFERS {
                return Err(Errno::Inval.into());
            }
            for at in buffers.iter() {
                let at = at?;
                let buffer = memory.read(at)?;
                if buffer.buf_len > PIECE {
                    memory.write(at, $buffer { buf: buffer.buf, buf_len: PIECE })?;
                    return Ok((PIECE, Some((at, buffer))));
                }
                if buffer.buf_len > 0 {
                    return Ok((buffer.buf_len, None));
                }
            }
            Ok((0, None))
        }
    };
}

piece_of!(piece_read, IovecArray, Iovec);
piece_of!(piece_written, CiovecArray, Ciovec);

/// Pays for a call that reads or writes, and lets the library do it with a piece of the buffer.
macro_rules! in_a_piece {
    ($host:ident, $memory:ident, $piece:ident($buffers:ident), $pay:ident, $call:ident($fd:ident $(, $arg:ident)*)) => {{
        let (bytes, shortened) = $piece($memory, $buffers)?;
        let done = match $host.$pay(bytes) {
            Ok(_kept) if $host.is_std($fd) => $host.wasi().$call($memory, $fd $(, $arg)*).await,
            Ok(_kept) => {
                let thread = $host.file_thread().await;
                thread.run($host.wasi().$call($memory, $fd $(, $arg)*)).await
            }
            Err(no) => Err(no),
        };
        restore($memory, shortened)?;
        done
    }};
}

/// Returns true for the numbers that standard input, output and error have at first.
fn is_std(fd: Fd) -> bool {
    u32::from(fd) < 3
}

/// Makes a buffer as long again as the guest has it.
fn restore<B: GuestType>(
    memory: &mut GuestMemory<'_>,
    shortened: Option<(GuestPtr<B>, B)>,
) -> Result<()> {
    match shortened {
        Some((at, buffer)) => Ok(memory.write(at, buffer)?),
        None => Ok(()),
    }
}

/// Writes the interface for [`Host`]: functions that are the library's alone, those of files that cost a file call,
/// and those with more to look at.
macro_rules! interface {
    (
        plain { $( fn $plain:ident($($plain_arg:ident: $plain_ty:ty),*) -> $plain_result:ty; )* }
        sync_file { $( fn $sync:ident($($sync_arg:ident: $sync_ty:ty),*) -> $sync_result:ty; )* }
        file { $( fn $file:ident($($file_arg:ident: $file_ty:ty),*) -> $file_result:ty; )* }
        path { $(
            fn $path:ident($($path_arg:ident: $path_ty:ty),*) -> $path_result:ty,
            $paths:expr;
        )* }
        $($special:item)*
    ) => {
        impl WasiSnapshotPreview1 for Host {
            fn set_hostcall_fuel(&mut self, fuel: usize) {
                self.wasi().set_hostcall_fuel(fuel);
            }

            $( fn $plain(
                &mut self,
                memory: &mut GuestMemory<'_>,
                $($plain_arg: $plain_ty),*
            ) -> Result<$plain_result> {
                self.pay(Work::NONE)?;
                self.wasi().$plain(memory, $($plain_arg),*)
            } )*

            $( fn $sync(
                &mut self,
                memory: &mut GuestMemory<'_>,
                $($sync_arg: $sync_ty),*
            ) -> Result<$sync_result> {
                self.pay(self.prices.file)?;
                self.wasi().$sync(memory, $($sync_arg),*)
            } )*

            $( async fn $file(
                &mut self,
                memory: &mut GuestMemory<'_>,
                $($file_arg: $file_ty),*
            ) -> Result<$file_result> {
                self.pay(self.prices.file)?;
                let thread = self.file_thread().await;
                thread.run(self.wasi().$file(memory, $($file_arg),*)).await
            } )*

            $( async fn $path(
                &mut self,
                memory: &mut GuestMemory<'_>,
                $($path_arg: $path_ty),*
            ) -> Result<$path_result> {
                self.with_paths(&$paths)?;
                let thread = self.file_thread().await;
                thread.run(self.wasi().$path(memory, $($path_arg),*)).await
            } )*

            $($special)*
        }
    };
}

interface! {
    plain {
        fn args_get(argv: GuestPtr<GuestPtr<u8>>, buf: GuestPtr<u8>) -> ();
        fn args_sizes_get() -> (Size, Size);
        fn environ_get(environ: GuestPtr<GuestPtr<u8>>, buf: GuestPtr<u8>) -> ();
        fn environ_sizes_get() -> (Size, Size);
        fn clock_res_get(id: Clockid) -> Timestamp;
        fn clock_time_get(id: Clockid, precision: Timestamp) -> Timestamp;
        fn proc_raise(signal: Signal) -> ();
        fn sched_yield() -> ();
        fn sock_accept(fd: Fd, flags: Fdflags) -> Fd;
        fn sock_recv(fd: Fd, data: IovecArray, flags: Riflags) -> (Size, Roflags);
        fn sock_send(fd: Fd, data: CiovecArray, flags: Siflags) -> Size;
        fn sock_shutdown(fd: Fd, how: Sdflags) -> ();
    }
    sync_file {
        fn fd_allocate(fd: Fd, offset: Filesize, len: Filesize) -> ();
        fn fd_fdstat_set_flags(fd: Fd, flags: Fdflags) -> ();
        fn fd_fdstat_set_rights(fd: Fd, base: Rights, inheriting: Rights) -> ();
        fn fd_prestat_get(fd: Fd) -> Prestat;
        fn fd_prestat_dir_name(fd: Fd, path: GuestPtr<u8>, len: Size) -> ();
        fn fd_tell(fd: Fd) -> Filesize;
    }
    file {
        fn fd_advise(fd: Fd, offset: Filesize, len: Filesize, advice: Advice) -> ();
        fn fd_datasync(fd: Fd) -> ();
        fn fd_fdstat_get(fd: Fd) -> Fdstat;
        fn fd_filestat_get(fd: Fd) -> Filestat;
        fn fd_filestat_set_size(fd: Fd, size: Filesize) -> ();
        fn fd_filestat_set_times(
            fd: Fd, accessed: Timestamp, modified: Timestamp, which: Fstflags
        ) -> ();
        fn fd_seek(fd: Fd, offset: Filedelta, whence: Whence) -> Filesize;
        fn fd_sync(fd: Fd) -> ();
    }
    path {
        fn path_create_directory(fd: Fd, path: GuestPtr<str>) -> (), [path];
        fn path_filestat_get(fd: Fd, flags: Lookupflags, path: GuestPtr<str>) -> Filestat, [path];
        fn path_link(
            fd: Fd, flags: Lookupflags, path: GuestPtr<str>, to: Fd, to_path: GuestPtr<str>
        ) -> (), [path, to_path];
        fn path_readlink(
            fd: Fd, path: GuestPtr<str>, buf: GuestPtr<u8>, len: Size
        ) -> Size, [path];
        fn path_remove_directory(fd: Fd, path: GuestPtr<str>) -> (), [path];
        fn path_rename(
            fd: Fd, path: GuestPtr<str>, to: Fd, to_path: GuestPtr<str>
        ) -> (), [path, to_path];
        fn path_unlink_file(fd: Fd, path: GuestPtr<str>) -> (), [path];
    }

    async fn fd_close(&mut self, memory: &mut GuestMemory<'_>, fd: Fd) -> Result<()> {
        self.pay(self.prices.file)?;
        self.has_plain_std &= !is_std(fd);
        let thread = self.file_thread().await;
        thread.run(self.wasi().fd_close(memory, fd)).await
    }

    async fn fd_renumber(
        &mut self,
        memory: &mut GuestMemory<'_>,
        from: Fd,
        to: Fd,
    ) -> Result<()> {
        self.pay(self.prices.file)?;
        self.has_plain_std &= !is_std(from) && !is_std(to);
        let thread = self.file_thread().await;
        thread.run(self.wasi().fd_renumber(memory, from, to)).await
    }

    async fn path_open(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
        open: Oflags,
        base: Rights,
        inheriting: Rights,
        fdflags: Fdflags,
    ) -> Result<Fd> {
        self.with_paths(&[path])?;
        if !may_open(self) {
            return Err(Errno::Mfile.into());
        }
        let thread = self.file_thread().await;
        let open = async {
            self.look(memory, fd, flags, path).await?;
            let waiting = Waiting::begin(self);
            let wasi = self.wasi();
            let done = wasi.path_open(memory, fd, flags, path, open, base, inheriting, fdflags);
            waiting.until(done).await
        };
        thread.run(open).await
    }

    async fn path_filestat_set_times(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
        accessed: Timestamp,
        modified: Timestamp,
        which: Fstflags,
    ) -> Result<()> {
        self.with_paths(&[path])?;
        let thread = self.file_thread().await;
        let set = async {
            self.look(memory, fd, flags, path).await?;
            let waiting = Waiting::begin(self);
            let done = self
                .wasi()
                .path_filestat_set_times(memory, fd, flags, path, accessed, modified, which);
            waiting.until(done).await
        };
        thread.run(set).await
    }

    async fn path_symlink(
        &mut self,
        memory: &mut GuestMemory<'_>,
        text: GuestPtr<str>,
        fd: Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        self.with_paths(&[text, path])?;
        if text.len() as usize > MAX_LINK_BYTES {
            return Err(Errno::Nametoolong.into());
        }
        let thread = self.file_thread().await;
        thread.run(self.wasi().path_symlink(memory, text, fd, path)).await
    }

    async fn fd_read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: IovecArray,
    ) -> Result<Size> {
        in_a_piece!(self, memory, piece_read(buffers), read_of, fd_read(fd, buffers))
    }

    async fn fd_pread(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: IovecArray,
        offset: Filesize,
    ) -> Result<Size> {
        in_a_piece!(self, memory, piece_read(buffers), read_of, fd_pread(fd, buffers, offset))
    }

    async fn fd_write(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: CiovecArray,
    ) -> Result<Size> {
        in_a_piece!(self, memory, piece_written(buffers), write_of, fd_write(fd, buffers))
    }

    async fn fd_pwrite(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: CiovecArray,
        offset: Filesize,
    ) -> Result<Size> {
        in_a_piece!(self, memory, piece_written(buffers), write_of, fd_pwrite(fd, buffers, offset))
    }

    /// The library lists the whole folder at each call, and looks at every file in it.
    async fn fd_readdir(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buf: GuestPtr<u8>,
        len: Size,
        cookie: Dircookie,
    ) -> Result<Size> {
        self.pay(self.prices.file)?;
        let thread = self.file_thread().await;
        let list = async {
            let number = self.wasi().fd_filestat_get(memory, fd).await?.ino;
            let Some(found) = folder::with_number(self, number).await? else {
                return self.wasi().fd_readdir(memory, fd, buf, len, cookie).await;
            };
            let contents = folder::contents(self, found, self.prices.file).await?;
            self.pay(contents.price)?;
            let _kept = self.keep(contents.bytes)?;
            self.wasi().fd_readdir(memory, fd, buf, len, cookie).await
        };
        thread.run(list).await
    }

    async fn poll_oneoff(
        &mut self,
        memory: &mut GuestMemory<'_>,
        subscriptions: GuestPtr<Subscription>,
        events: GuestPtr<Event>,
        count: Size,
    ) -> Result<Size> {
        self.pay(self.prices.polled * count as usize)?;
        // Each may take a stream, too.
        if count as usize > free_places(self) / 2 {
            return Err(Errno::Nomem.into());
        }
        self.wasi().poll_oneoff(memory, subscriptions, events, count).await
    }

    fn random_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        buf: GuestPtr<u8>,
        len: Size,
    ) -> Result<()> {
        self.pay(self.prices.random(len as usize))?;
        let mut done = 0;
        while done < len {
            let piece = (len - done).min(RANDOM_PIECE);
            self.wasi().random_get(memory, buf.add(done)?, piece)?;
            done += piece;
        }
        Ok(())
    }

    fn proc_exit(&mut self, memory: &mut GuestMemory<'_>, status: Exitcode) -> wasmtime::Error {
        self.wasi().proc_exit(memory, status)
    }
}
