//! Agents that are plain modules: the host's functions with pointers and lengths, and how messages get into
//! the guest's memory.

mod allocator;
mod assemblyscript;
mod facts;
mod guest;
mod imports;
mod inbox;
mod link;
mod pieces;
mod ration;
mod references;
mod rewrite;
mod straight;

pub(super) use facts::{Facts, InboxKind, Start, kind, producers, signature, vet};
pub(super) use guest::{Guest, is_out_of_ration};
pub(super) use link::link;
pub(super) use pieces::in_pieces;
pub(super) use ration::{VERSION, is_allocator, ration};
pub(super) use references::without_externref;
pub(super) use rewrite::imported_functions;
pub(super) use straight::Straight;
