//! WASI preview 1.
//!
//! Everybody has clocks, random numbers, standard output and error (which become log lines), exit, and
//! polling of clocks. Files, environment and arguments are there as far as they were granted; sockets
//! are not.

mod component;
mod folder;
mod opening;
mod preview1;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::filesystem::FsPerms;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, I32Exit, WasiCtx, WasiView};

use super::host::{Host, Level, World};
use super::prices::Work;
use crate::account::Charge;
use crate::grants::{Access, Stdout};

pub(super) use component::link as link_component;

/// The module name of WASI preview 1.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// Files and folders that one agent may have open at once, beside those that it was granted: they are
/// the whole program's, which may have no more than a thousand.
const MAX_OPEN: usize = 64;
/// Places in WASI's table for what is open only while a call lasts, and for standard input and output.
const OWN_PLACES: usize = 16;
/// Those among them that are never given away for longer.
const FEW_PLACES: usize = 4;

/// The most random bytes that one call gives to a component.
const MAX_RANDOM_BYTES: u64 = 1 << 20;

/// The longest path that is looked at, in bytes.
const MAX_PATH_BYTES: usize = 4096;
/// The longest text of a symbolic link that an agent makes, in bytes: the system walks over it, and over those of
/// the links that it leads to, at each use.
const MAX_LINK_BYTES: usize = 255;
/// What the host keeps for an agent that uses WASI, beside buffers: tables, and what is open.
pub(super) const CONTEXT_BYTES: usize = 16 << 10;

/// The longest line of output that is kept together, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;

/// Every function of WASI preview 1.
pub(super) const FUNCTIONS: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "environ_get",
    "environ_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "sched_yield",
    "random_get",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Puts WASI into a linker.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wasmtime_wasi::p1::wasi_snapshot_preview1::add_to_linker(linker, |host: &mut Host| host)?;
    // The library calls a code above 125 an error of its own; here it is an exit like any other.
    linker.func_wrap(MODULE, "proc_exit", |code: i32| Err::<(), _>(I32Exit(code).into()))?;
    Ok(())
}

/// What a guest sees through WASI.
pub(super) fn context(world: &Arc<dyn World>) -> WasiP1Ctx {
    let mut builder = WasiCtx::builder();
    let grants = world.grants();
    match grants.stdout {
        Stdout::Log => {
            builder
                .stdout(Output { world: world.clone(), level: Level::Info })
                .stderr(Output { world: world.clone(), level: Level::Error });
        }
        Stdout::Inherit => {
            builder.inherit_stdout().inherit_stderr();
        }
        // The builder's own streams lead nowhere.
        Stdout::Discard => {}
    }
    builder
        .envs(&grants.env)
        .args(&grants.args)
        .allow_blocking_current_thread(false)
        .max_random_size(MAX_RANDOM_BYTES)
        // Whoever asks for a socket gets none.
        .allow_tcp(false)
        .allow_udp(false);
    let folders = world.folders();
    let most_open = places(folders.len());
    for folder in &*folders {
        let access = match folder.access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        // The library takes paths only. This one leads to the folder that was granted, whatever has
        // become of the path to it.
        let opened = folder.by_handle().map_err(|error| error.to_string()).and_then(|path| {
            let opened = builder.preopened_dir(path, &folder.guest, access);
            opened.map(drop).map_err(|error| format!("{}: {error}", folder.place.display()))
        });
        if let Err(why) = opened {
            world.remark(Level::Warn, &format!("it has one folder less: {why}"));
        }
    }
    let mut context = builder
        .secure_random(world.fork_random())
        .insecure_random(world.fork_random())
        .insecure_random_seed(u128::from(world.random_u32()))
        .wall_clock(Clock(world.clone()))
        .monotonic_clock(Clock(world.clone()))
        .build_p1();
    context.ctx().table.set_max_capacity(most_open);
    context
}

/// The places in WASI's table of an agent with so many folders.
fn places(folders: usize) -> usize {
    MAX_OPEN + OWN_PLACES + folders
}

/// Adds up what a call with paths of so many bytes costs; `None` where one is too long to be looked at.
fn price_of_paths(host: &Host, paths: impl IntoIterator<Item = usize>) -> Option<Work> {
    paths.into_iter().try_fold(host.prices.file, |work, bytes| {
        (bytes <= MAX_PATH_BYTES).then(|| work + host.prices.path(bytes))
    })
}

/// Number of free places in WASI's table.
fn free_places(host: &mut Host) -> usize {
    let most = places(host.world.folders().len());
    let table = host.wasi().ctx().table;
    let taken = (0..most as u32).filter(|place| table.get_any_mut(*place).is_ok()).count();
    most - taken
}

/// Whether the guest may open one thing more. The log says so where it may not.
fn may_open(host: &mut Host) -> bool {
    let may = free_places(host) > FEW_PLACES;
    if !may {
        host.log(
            Level::Warn,
            "it has as much open through WASI as it may, and nothing more is opened",
        );
    }
    may
}

/// The runtime's clock, as WASI sees it.
struct Clock(Arc<dyn World>);

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.now_micros())
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1000
    }

    fn now(&self) -> u64 {
        self.0.now_micros().saturating_mul(1000)
    }
}

/// Standard output or error: whole lines become lines of the agent's log.
#[derive(Clone)]
struct Output {
    world: Arc<dyn World>,
    level: Level,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines::new(self.clone()))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines::new(self.clone()))
    }
}

/// Bytes that become lines. Writing never waits: the log bounds itself.
struct Lines {
    output: Output,
    line: Vec<u8>,
    /// What the longest line takes, once there is one.
    charge: Option<Charge>,
}

impl Lines {
    fn new(output: Output) -> Self {
        Lines { output, line: Vec::new(), charge: None }
    }

    fn push(&mut self, bytes: &[u8]) {
        let account = self.output.world.account();
        self.charge.get_or_insert_with(|| account.charge(MAX_LINE_BYTES));
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = MAX_LINE_BYTES - self.line.len();
            let end = rest.iter().take(room + 1).position(|byte| *byte == b'\n');
            let piece = &rest[..end.unwrap_or(rest.len().min(room))];
            self.line.extend_from_slice(piece);
            rest = &rest[piece.len() + usize::from(end.is_some())..];
            let is_full = self.line.len() == MAX_LINE_BYTES && !rest.is_empty();
            if (end.is_some() || is_full) && !self.end_line() {
                // Nothing of this turn is kept any more: its lines are only counted.
                let ends = rest.iter().filter(|byte| **byte == b'\n').count();
                self.output.world.log_dropped(ends as u64);
                let last = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                rest = &rest[last.max(rest.len().saturating_sub(MAX_LINE_BYTES))..];
                self.line.extend_from_slice(rest);
                return;
            }
        }
    }

    /// Writes the line; returns true if it is kept.
    fn end_line(&mut self) -> bool {
        let text = String::from_utf8_lossy(&self.line);
        let is_kept = self.output.world.write_line(self.output.level, &text);
        self.line.clear();
        is_kept
    }
}

/// What was written last is a line too, if it does not end like one.
impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > MAX_LINE_BYTES {
            return Err(StreamError::trap("it wrote more than it was permitted to"));
        }
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE_BYTES)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
