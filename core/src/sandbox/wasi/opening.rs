//! Opening files through WASI: plain files and folders only.
//!
//! The system waits until somebody is at the other end of a named pipe, and of some devices; whoever opens
//! one would keep a thread for ever. So what stands at a path is looked at before wasmtime's own
//! function opens it. What takes its place in between still costs a thread, one of those for files: an
//! agent opens nothing more until that has come back.

use std::fs::File;
use std::sync::{Arc, Weak};

use wasmtime::component::Resource;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::filesystem::types::Descriptor;

use super::places;
use crate::error::shown;
use crate::sandbox::host::{Host, Level, World};

pub(super) fn refuse(host: &Host, path: &str) {
    let text = format!("{:?} is neither a plain file nor a folder, and is not opened", shown(path));
    host.log(Level::Warn, &text);
}

/// An opening that goes on. Whoever opens a file holds the folder that it is in, also where nobody waits
/// for the outcome any more: the instance and its folders are gone then, and only that holds one of them.
pub(super) struct Waiting {
    world: Arc<dyn World>,
    folders: Vec<Weak<File>>,
}

impl Waiting {
    pub fn begin(host: &mut Host) -> Self {
        let places = places(host.world.folders().len()) as u32;
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

    pub async fn until<T>(mut self, done: impl Future<Output = T>) -> T {
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
pub(super) fn is_waiting(host: &Host) -> bool {
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
