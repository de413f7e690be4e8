//! The inbox: the block in the guest's memory that a message is copied into.
//!
//! The block is kept and used again for the next message that fits, so the allocator is rarely
//! called. The host frees what it allocated; the guest never owns the inbox.

use wasmtime::{Memory, Store};

use super::allocator::Functions;
use super::fault::{Fault, FaultKind};
use super::host::Host;

/// A block above this size is given back after its turn.
const KEPT_BYTES: u32 = 64 << 10;
/// The least that is allocated, so that messages of a usual size fit from the start.
const LEAST_BYTES: u32 = 2 << 10;
const PAGE: u64 = 65536;
/// What stands at the end of pages that the host added. Some heaps (AssemblyScript's, wasi-libc's)
/// take all memory that is present when they first allocate, and then write their bookkeeping
/// there. Pages whose guard is broken belong to the guest, and the host takes others.
const GUARD: [u8; 64] = *b"This is the end of the inbox of Caxton. Do not write beyond it.\0";
/// Memory in front of the first pages, in messages, up to [`MAX_SLACK`]. A heap that takes them uses
/// this up first, so that the message which makes it do so can still be read.
const SLACK_FACTOR: u32 = 8;
const MAX_SLACK: u32 = 4 << 20;

pub(super) struct Inbox {
    way: Way,
    block: Option<Block>,
    /// No pages have been taken yet, so the guest's heap may still claim the first ones.
    first: bool,
}

pub(super) enum Way {
    Allocator(Functions),
    Pages,
}

#[derive(Clone, Copy)]
struct Block {
    address: u32,
    len: u32,
}

impl Inbox {
    pub fn new(way: Way) -> Self {
        Inbox { way, block: None, first: true }
    }

    /// Copies `bytes` into the guest; the address.
    pub async fn put(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
        bytes: &[u8],
    ) -> wasmtime::Result<i32> {
        let needed = u32::try_from(bytes.len()).map_err(wasmtime::Error::new)?;
        let block = match self.block {
            Some(block) if block.len >= needed => block,
            _ => self.renew(store, memory, needed.max(LEAST_BYTES)).await?,
        };
        // The allocator is the guest's: what it returned is checked like any other pointer.
        if block.address == 0 || memory.write(&mut *store, block.address as usize, bytes).is_err() {
            self.block = None;
            return Err(Fault::new(
                FaultKind::Trap,
                format!(
                    "its allocator gave {needed} bytes at {:#x}, which is not inside its memory",
                    block.address
                ),
            )
            .into());
        }
        Ok(block.address as i32)
    }

    /// Ends a turn in which `sent` was in the inbox.
    pub async fn end_turn(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
        sent: &[u8],
    ) -> wasmtime::Result<()> {
        match &self.way {
            Way::Allocator(_) => self.forget_large(store).await,
            Way::Pages => self.check_guard(store, memory, sent),
        }
    }

    /// Gives a large block back.
    pub async fn forget_large(&mut self, store: &mut Store<Host>) -> wasmtime::Result<()> {
        if let Some(block) = self.block
            && block.len > KEPT_BYTES
            && let Way::Allocator(functions) = &self.way
        {
            self.block = None;
            functions.free(store, block.address as i32, block.len as i32).await?;
        }
        Ok(())
    }

    /// Forgets pages that the guest's heap has taken. If it has written over the message as well,
    /// nobody knows what the guest has read, and the turn must not count.
    fn check_guard(
        &mut self,
        store: &Store<Host>,
        memory: Memory,
        sent: &[u8],
    ) -> wasmtime::Result<()> {
        let Some(block) = self.block else {
            return Ok(());
        };
        let start = block.address as usize;
        let end = start + block.len as usize;
        let data = memory.data(store);
        if data.get(end..end + GUARD.len()) == Some(GUARD.as_slice()) {
            return Ok(());
        }
        self.block = None;
        if data.get(start..start + sent.len()) == Some(sent) {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Trap,
            "its heap has taken the memory that the message was in; \
             export an allocator (caxton_alloc and caxton_free, or malloc and free)",
        )
        .into())
    }

    async fn renew(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
        len: u32,
    ) -> wasmtime::Result<Block> {
        let old = self.block.take();
        let block = match &self.way {
            Way::Allocator(functions) => {
                if let Some(old) = old {
                    functions.free(&mut *store, old.address as i32, old.len as i32).await?;
                }
                let address = functions.allocate(&mut *store, len as i32).await?;
                Block { address: address as u32, len }
            }
            Way::Pages => {
                let slack = if std::mem::take(&mut self.first) {
                    len.saturating_mul(SLACK_FACTOR).min(MAX_SLACK)
                } else {
                    0
                };
                let block = match grow(store, memory, len, slack, old).await {
                    Err(_) if slack > 0 => grow(store, memory, len, 0, old).await?,
                    grown => grown?,
                };
                let end = block.address as usize + block.len as usize;
                memory.write(&mut *store, end, &GUARD)?;
                block
            }
        };
        self.block = Some(block);
        Ok(block)
    }
}

/// Takes pages at the end of the memory, behind `slack` bytes that stay free.
async fn grow(
    store: &mut Store<Host>,
    memory: Memory,
    len: u32,
    slack: u32,
    old: Option<Block>,
) -> wasmtime::Result<Block> {
    let guard = GUARD.len() as u64;
    let size = memory.data_size(&*store) as u64;
    // Where the old pages are still the last ones, they are made longer; else they are lost.
    let start = match old {
        Some(old) if u64::from(old.address) + u64::from(old.len) + guard == size => {
            u64::from(old.address)
        }
        _ => size + u64::from(slack),
    };
    let pages = (start + u64::from(len) + guard).saturating_sub(size).div_ceil(PAGE);
    if memory.grow_async(&mut *store, pages).await.is_err() {
        let limit = store.data().memory_ceiling();
        return Err(Fault::limit(
            FaultKind::Memory,
            format!(
                "its memory has no room for a message of {len} bytes, with a limit of {limit} bytes"
            ),
            limit,
            size + pages * PAGE,
        )
        .into());
    }
    // What the host itself tried for is not the guest's doing.
    store.data_mut().turn.denied_memory = None;
    let end = size + pages * PAGE;
    match (u32::try_from(start), u32::try_from(end - start - guard)) {
        (Ok(address), Ok(len)) => Ok(Block { address, len }),
        _ => Err(Fault::new(FaultKind::Memory, "its memory is full").into()),
    }
}
