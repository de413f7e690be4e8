//! The inbox: the block in the guest's memory that a message is copied into.
//!
//! The block is kept and used again for the next message that fits, so the allocator is rarely
//! called. The host frees what it allocated; the guest never owns the inbox.

use wasmtime::{Memory, Store};

use super::allocator::Functions;
use super::guest::refill;
use crate::sandbox::fault::{Fault, FaultKind};
use crate::sandbox::host::Host;

/// A block above this size is given back after its turn.
const KEPT_BYTES: u32 = 64 << 10;
/// The least that is allocated, so that messages of a usual size fit from the start.
const LEAST_BYTES: u32 = 2 << 10;
const PAGE: u64 = 65536;
/// What the system hands out at a time, as a rule.
const SYSTEM_PAGE: u64 = 4096;
/// How often the host itself may enter the allocator for one message: to free, and to allocate.
const HOSTS_ALLOCATIONS: u64 = 2;
/// What stands at the end of pages that the host added. Some heaps (AssemblyScript's, wasi-libc's)
/// take all memory that is present when they first allocate, and then write their bookkeeping
/// there. Pages whose guard is broken belong to the guest, and the host takes others.
const GUARD: [u8; 64] = *b"This is the end of the inbox of Caxton. Do not write beyond it.\0";
/// Memory in front of pages that a heap may still take, in messages, up to [`MAX_SLACK`]. The heap
/// uses this up first, so that the message which makes it do so can still be read.
const SLACK_FACTOR: u64 = 16;
const MAX_SLACK: u64 = 16 << 20;

pub(in crate::sandbox) struct Inbox {
    way: Way,
    block: Option<Block>,
    /// Where the first pages of the host began: from there on a heap that first allocates now would
    /// take all memory.
    base: Option<u64>,
}

pub(in crate::sandbox) enum Way {
    Allocator(Functions),
    Pages,
}

#[derive(Clone, Copy)]
struct Block {
    address: u32,
    len: u32,
    /// Where the host's own pages begin, which end with the block and its guard.
    pages: u32,
}

impl Block {
    /// Whether the block and its guard are the last of a memory of `size` bytes.
    fn ends_at(&self, size: u64) -> bool {
        u64::from(self.address) + u64::from(self.len) + GUARD.len() as u64 == size
    }
}

impl Inbox {
    pub fn new(way: Way) -> Self {
        Inbox { way, block: None, base: None }
    }

    /// Copies `bytes` into the guest; the address.
    pub async fn put(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
        bytes: &[u8],
    ) -> wasmtime::Result<i32> {
        let needed = u32::try_from(bytes.len()).map_err(wasmtime::Error::new)?;
        let address = self.room(&mut *store, memory, needed).await?;
        memory.write(&mut *store, address as u32 as usize, bytes)?;
        Ok(address)
    }

    /// Has room for `needed` bytes in the guest; the address.
    pub async fn room(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
        needed: u32,
    ) -> wasmtime::Result<i32> {
        let block = match self.block {
            Some(block) if block.len >= needed => block,
            // Seldom, so that its future need not have room in that of every turn.
            _ => Box::pin(self.renew(store, memory, needed.max(LEAST_BYTES))).await?,
        };
        // The allocator is the guest's: what it returned is checked like any other pointer.
        let end = u64::from(block.address) + u64::from(needed);
        if block.address == 0 || end > memory.data_size(&*store) as u64 {
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
        if matches!(self.way, Way::Allocator(_)) {
            return self.forget_large(store).await;
        }
        if self.keeps_guard(store, memory, sent) {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Trap,
            "its heap has taken the memory that the message was in; \
             export an allocator (caxton_alloc and caxton_free, or malloc and free)",
        )
        .into())
    }

    /// Ends a call that wrote into the inbox.
    pub async fn end_call(
        &mut self,
        store: &mut Store<Host>,
        memory: Memory,
    ) -> wasmtime::Result<()> {
        match self.way {
            Way::Allocator(_) => self.forget_large(store).await,
            Way::Pages => {
                self.keeps_guard(store, memory, &[]);
                Ok(())
            }
        }
    }

    /// Gives a large block back.
    async fn forget_large(&mut self, store: &mut Store<Host>) -> wasmtime::Result<()> {
        if let Some(block) = self.block
            && block.len > KEPT_BYTES
            && let Way::Allocator(functions) = &self.way
        {
            self.block = None;
            refill(store, HOSTS_ALLOCATIONS)?;
            Box::pin(functions.free(store, block.address as i32, block.len as i32)).await?;
        }
        Ok(())
    }

    /// Forgets pages that the guest's heap has taken. Where it has written over the message as well,
    /// which this tells, nobody knows what the guest has read, and the turn must not count.
    fn keeps_guard(&mut self, store: &Store<Host>, memory: Memory, sent: &[u8]) -> bool {
        let Some(block) = self.block else {
            return true;
        };
        let start = block.address as usize;
        let end = start + block.len as usize;
        let data = memory.data(store);
        if data.get(end..end + GUARD.len()) == Some(GUARD.as_slice()) {
            return true;
        }
        self.block = None;
        data.get(start..start + sent.len()) == Some(sent)
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
                refill(store, HOSTS_ALLOCATIONS)?;
                if let Some(old) = old {
                    functions.free(&mut *store, old.address as i32, old.len as i32).await?;
                }
                let address = functions.allocate(&mut *store, len as i32).await?;
                // What the host needs is not the guest's doing.
                refill(store, 0)?;
                Block { address: address as u32, len, pages: address as u32 }
            }
            Way::Pages => {
                let size = memory.data_size(&*store) as u64;
                // Where the old pages are still the last ones, they are made longer; else they are
                // lost. Nobody has grown the memory then, so a heap may still take all of it.
                let old = old.filter(|old| old.ends_at(size)).map(|old| u64::from(old.pages));
                let (least, base) = match (old, self.base) {
                    (Some(old), Some(base)) => (old, Some(base)),
                    (_, Some(_)) => (size, None),
                    (_, None) => (size, Some(size)),
                };
                self.base = self.base.or(base);
                let mut slack = (u64::from(len) * SLACK_FACTOR).min(MAX_SLACK);
                let block = loop {
                    let start = base.map_or(least, |base| least.max(base + slack));
                    match grow(store, memory, len, start).await {
                        // A limit that has no room for all of it may have room for less.
                        Err(_) if start > least => slack /= 2,
                        grown => break grown?,
                    }
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

/// Takes pages at the end of the memory, from `start` on, for a block that stands at their end, with the
/// guard behind it: a page of the system holds both, if the message is not too long.
async fn grow(
    store: &mut Store<Host>,
    memory: Memory,
    len: u32,
    start: u64,
) -> wasmtime::Result<Block> {
    let guard = GUARD.len() as u64;
    let size = memory.data_size(&*store) as u64;
    let block = (u64::from(len) + guard).next_multiple_of(SYSTEM_PAGE);
    let pages = (start + block).saturating_sub(size).div_ceil(PAGE);
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
    let narrow = u32::try_from;
    match (narrow(start), narrow(end - block), narrow(block - guard)) {
        (Ok(pages), Ok(address), Ok(len)) => Ok(Block { address, len, pages }),
        _ => Err(Fault::new(FaultKind::Memory, "its memory is full").into()),
    }
}
