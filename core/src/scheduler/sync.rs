//! The types by which threads synchronise. The model of them has its own ([`super::model`]).

pub(super) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

pub(super) use crossbeam_utils::sync::{Parker, Unparker};
pub(super) use parking_lot::Mutex;
