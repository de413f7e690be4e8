//! The threads that compile: two for an engine, which are there while something is to be compiled. They have a lower
//! priority than those that run agents, and nothing else waits for them: what has been compiled is loaded elsewhere.
#![allow(unsafe_code)] // setpriority

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::estimate::Estimate;
use super::template::Template;
use crate::error::{Error, ErrorKind};
use crate::source::monotonic;

/// Who takes what: the first is there for what is compiled soon, so that it never waits for what takes long.
const LANES: [Lane; 2] = [Lane { most: 10_000_000, nice: 5 }, Lane { most: u64::MAX, nice: 10 }];
/// What is compiled at the same time takes so many bytes at most, by its estimates; what takes more is compiled alone.
const MAX_BYTES: u64 = 2 << 30;
/// The stack of a thread, in bytes.
const STACK: usize = 16 << 20;

struct Lane {
    /// The most that a module may take, in microseconds.
    most: u64,
    /// How far the thread stands back behind the others of the process, beside which it has a third (5) or a tenth (10)
    /// of the time of one.
    nice: i32,
}

/// What an engine has to compile.
#[derive(Default)]
pub(super) struct Compilers {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What waits, by when it is due: a module comes before those that came earlier, but not by more than they take
    /// themselves, so that none waits for ever.
    waiting: BTreeMap<Due, Job>,
    begun: Option<Instant>,
    submitted: u64,
    /// The estimates of what is being compiled.
    bytes: u64,
    compiling: usize,
    /// Which threads are there.
    is_staffed: [bool; LANES.len()],
}

/// Microseconds since the first module, and a number of its own.
type Due = (u64, u64);

struct Job {
    estimate: Estimate,
    /// Gone when nobody waits for it any more.
    ticket: Weak<Ticket>,
    work: Work,
}

/// Compiles the module, and tells what came of it.
type Work = Box<dyn FnOnce(&Ticket) + Send>;

/// A module that is to be compiled, shared by all who wait for it. It is taken out of the queue when nobody does any
/// more; what is being compiled already goes on to its end.
pub(super) struct Ticket {
    compilers: &'static Compilers,
    due: Due,
    pub estimate: Estimate,
    outcome: watch::Sender<Option<Result<Arc<Template>, Error>>>,
}

impl Ticket {
    /// Tells all who wait what came of it.
    pub fn tell(&self, outcome: Result<Arc<Template>, Error>) {
        self.outcome.send_replace(Some(outcome));
    }

    /// Waits for what comes of it.
    pub async fn outcome(&self) -> Result<Arc<Template>, Error> {
        let mut outcome = self.outcome.subscribe();
        let told = outcome.wait_for(Option::is_some).await;
        // The sender is part of this ticket.
        told.ok().and_then(|told| told.clone()).unwrap_or_else(|| Err(Error::closed()))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let withdrawn = self.compilers.inner.lock().waiting.remove(&self.due);
        drop(withdrawn);
    }
}

impl Compilers {
    /// Takes a module to be compiled by `work`, once its turn has come.
    pub fn submit(&'static self, estimate: Estimate, work: Work) -> Result<Arc<Ticket>, Error> {
        let mut inner = self.inner.lock();
        let now = monotonic();
        let waited = now.saturating_duration_since(*inner.begun.get_or_insert(now));
        inner.submitted += 1;
        let due = (waited.as_micros() as u64).saturating_add(estimate.micros);
        let ticket = Arc::new(Ticket {
            compilers: self,
            due: (due, inner.submitted),
            estimate,
            outcome: watch::Sender::new(None),
        });
        let job = Job { estimate, ticket: Arc::downgrade(&ticket), work };
        inner.waiting.insert(ticket.due, job);
        let staffed = self.staff(&mut inner);
        let is_lost = !inner.is_staffed.contains(&true);
        drop(inner);
        match staffed {
            Err(error) if is_lost => {
                let text = format!("the system gives no threads to compile with: {error}");
                Err(Error::new(ErrorKind::Internal, text))
            }
            _ => Ok(ticket),
        }
    }

    /// Starts the threads that have something to do and are not there.
    fn staff(&'static self, inner: &mut Inner) -> io::Result<()> {
        for (at, lane) in LANES.iter().enumerate() {
            if inner.is_staffed[at] || inner.next(lane).is_none() {
                continue;
            }
            std::thread::Builder::new()
                .name("caxton-compile".to_owned())
                .stack_size(STACK)
                .spawn(move || self.work(at))?;
            inner.is_staffed[at] = true;
        }
        Ok(())
    }

    /// Compiles what there is for one of the threads.
    fn work(&'static self, at: usize) {
        let lane = &LANES[at];
        stand_back(lane.nice);
        while let Some(job) = self.take(at) {
            let Job { estimate, ticket, work } = job;
            // Whoever asks for the same module meanwhile finds the ticket.
            if let Some(ticket) = ticket.upgrade() {
                let worked = catch_unwind(AssertUnwindSafe(|| work(&ticket)));
                if let Err(panic) = worked {
                    ticket.tell(Err(failed(&*panic)));
                }
            }
            let mut inner = self.inner.lock();
            inner.bytes -= bytes_of(&estimate);
            inner.compiling -= 1;
            // What did not fit beside this one may do so now. Where there is no thread to be had, this one goes on.
            drop(self.staff(&mut inner));
        }
    }

    /// Takes the next module; without one the thread is not there any more.
    fn take(&self, at: usize) -> Option<Job> {
        let mut inner = self.inner.lock();
        let due = inner.next(&LANES[at]);
        let Some(job) = due.and_then(|due| inner.waiting.remove(&due)) else {
            inner.is_staffed[at] = false;
            return None;
        };
        inner.bytes += bytes_of(&job.estimate);
        inner.compiling += 1;
        Some(job)
    }
}

impl Inner {
    fn next(&self, lane: &Lane) -> Option<Due> {
        let fits = |job: &Job| {
            let bytes = self.bytes + bytes_of(&job.estimate);
            job.estimate.micros <= lane.most && (self.compiling == 0 || bytes <= MAX_BYTES)
        };
        self.waiting.iter().find(|(_, job)| fits(job)).map(|(due, _)| *due)
    }
}

/// The error of a module over which the compiler panicked: it is one of this module alone.
fn failed(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    Error::new(ErrorKind::Internal, format!("the compiler failed on this module: {text}"))
}

/// What a module takes of [`MAX_BYTES`].
fn bytes_of(estimate: &Estimate) -> u64 {
    estimate.function_bytes.saturating_add(estimate.kept_bytes).min(MAX_BYTES)
}

/// Lets other threads go before this one.
#[cfg(target_os = "linux")]
pub(crate) fn stand_back(by: i32) {
    // SAFETY: both take the number 0 for the calling thread, and change nothing but its priority. A thread that may not
    // change it keeps the one that it has.
    unsafe {
        let now = libc::getpriority(libc::PRIO_PROCESS as _, 0);
        libc::setpriority(libc::PRIO_PROCESS as _, 0, now.saturating_add(by));
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stand_back(_by: i32) {}

#[cfg(test)]
mod tests;
