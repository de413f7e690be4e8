//! What an agent is to the world, and what the world is to its guest.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;

use super::log::{LogRing, Voice};
use super::rate::{Bucket, Quiet};
use super::stats::Counters;
use super::{Holdings, LogLine, Stats};
use crate::account::Account;
use crate::datum::Datum;
use crate::directory::{Member, Profile};
use crate::error::Error;
use crate::files::{FileThreads, User};
use crate::grants::{Grants, OpenFolder};
use crate::limits::Limits;
use crate::message::{ContentLimits, Envelope, Filter, Message, Stamp, Traceparent};
use crate::runtime::{Core, EventKind, Owed, Post};
use crate::sandbox::{
    Addressee, Cost, Found, IN_MEMORY, Level, Made, NoPlace, Place, Prices, WITH_STORE, World,
};
use crate::scheduler::CpuAccount;
use crate::shares::Owner;

/// An agent's identity, its log and its counts; it outlives each instance.
pub(crate) struct Face {
    pub name: Arc<str>,
    pub id: Arc<str>,
    /// Unique in the runtime, and never used again.
    pub serial: u64,
    pub counters: Counters,
    /// Memory that the host keeps for it; shared with who deployed it through `ams`.
    pub account: Arc<Account>,
    pub profile: Profile,
    pub holdings: Holdings,
    /// The answers that it owes.
    pub owed: Owed,
    pub limits: Arc<Limits>,
    /// Of what it sends and is sent: its own, or the runtime's.
    pub content_limits: Option<Arc<ContentLimits>>,
    pub grants: Arc<Grants>,
    /// The folders that it has been granted, until it is gone.
    folders: Mutex<Arc<[OpenFolder]>>,
    /// Folders in which files were being opened when their instances ended.
    openings: Mutex<Vec<Weak<File>>>,
    /// The workers' time that it and its agents have had; shared with who deployed it through `ams`.
    pub cpu: Arc<CpuAccount>,
    /// True once it is to be removed.
    hurries: AtomicBool,
    core: Arc<Core>,
    log: Arc<LogRing>,
    bucket: Bucket,
    /// Dead letters that it sent while it handled failures.
    pub quiet: Quiet,
    /// Places that turns have left unused.
    unused: Mutex<VecDeque<Place>>,
    has_unused: AtomicBool,
}

impl Face {
    pub fn new(
        core: Arc<Core>,
        name: Arc<str>,
        id: Arc<str>,
        serial: u64,
        limits: Arc<Limits>,
    ) -> Self {
        Face {
            quiet: Quiet::default(),
            unused: Mutex::default(),
            has_unused: AtomicBool::new(false),
            account: Account::new(limits.max_host_bytes),
            cpu: CpuAccount::new(limits.cpu_share),
            hurries: AtomicBool::new(false),
            log: LogRing::new(limits.max_log_bytes, &core.logs),
            bucket: Bucket::new(limits.max_messages_per_second),
            counters: Counters::default(),
            profile: Profile::default(),
            holdings: Holdings::default(),
            owed: Owed::default(),
            name,
            id,
            serial,
            limits,
            content_limits: None,
            grants: Arc::default(),
            folders: Mutex::new(Arc::new([])),
            openings: Mutex::default(),
            core,
        }
    }

    /// Takes at most `most` of the places that turns have left unused, to be freed.
    pub fn unused(&self, most: usize) -> Vec<Place> {
        let mut unused = self.unused.lock();
        let most = most.min(unused.len());
        let taken = unused.drain(..most).collect();
        self.has_unused.store(!unused.is_empty(), Ordering::Release);
        taken
    }

    /// Returns true if turns have left places unused.
    pub fn has_unused(&self) -> bool {
        self.has_unused.load(Ordering::Acquire)
    }

    /// Gives it folders, which its instances see from now on.
    pub fn hold_folders(&self, folders: Arc<[OpenFolder]>) {
        let before = std::mem::replace(&mut *self.folders.lock(), folders);
        drop(before);
    }

    /// Lets its folders go: a handle of it that a program keeps is to keep none.
    pub fn release_folders(&self) {
        self.hold_folders(Arc::new([]));
    }

    /// Hands its log, which can still be read, to the runtime.
    pub fn leave_log(&self) {
        self.log.leave_to(&Owner::gone(&self.core.account));
    }

    /// Writes to its log what has become of it, or of a turn of its: such a line is kept.
    pub fn log(&self, level: Level, text: &str) {
        self.write(Voice::Runtime, level, text);
    }

    fn write(&self, voice: Voice, level: Level, text: &str) -> bool {
        self.log.push(self.core.source.now_micros(), voice, level, text, &self.account)
    }

    pub fn logs(&self) -> Vec<LogLine> {
        self.log.lines()
    }

    pub fn stats(&self, mailbox_messages: usize) -> Stats {
        Stats {
            stored_bytes: self.holdings.data_bytes(),
            host_bytes: self.account.bytes(),
            mailbox_messages: mailbox_messages as u64,
            log_lines_dropped: self.log.dropped(),
            ..self.counters.read()
        }
    }

    /// Lets the agent's calls on files come before those of others from now on.
    pub fn hurry(&self) {
        self.hurries.store(true, Ordering::Relaxed);
        self.core.files.hurry(self);
    }
}

impl User for Face {
    fn line(&self) -> usize {
        Arc::as_ptr(&self.cpu).addr()
    }

    fn held(&self) -> &AtomicU64 {
        &self.cpu.held_files
    }

    fn usual(&self) -> &AtomicU64 {
        &self.cpu.usual_file_call
    }

    fn weighted(&self, nanos: u64) -> u64 {
        self.cpu.weighted(nanos)
    }

    fn charge(&self, nanos: u64) {
        self.cpu.charge(nanos);
        self.counters.served(nanos);
    }

    fn charge_anywhere(&self) {
        self.cpu.charge_anywhere();
    }

    fn hurries(&self) -> bool {
        self.hurries.load(Ordering::Relaxed)
    }
}

impl World for Face {
    fn is_me(&self, name: &str) -> bool {
        name == &*self.name || name == &*self.id
    }

    fn now_micros(&self) -> u64 {
        self.core.source.now_micros()
    }

    fn random_u32(&self) -> u32 {
        self.core.source.random_u32()
    }

    fn fork_random(&self) -> StdRng {
        self.core.source.fork_random()
    }

    fn stamp(
        &self,
        envelope: &Envelope<'_>,
        receiver: Option<&str>,
        traceparent: Option<&Traceparent>,
    ) -> Result<Message, Error> {
        let sender = Some(&*self.name);
        let stamp = Stamp { sender, receiver, traceparent, ..Stamp::default() };
        let message = self.core.stamp(envelope, stamp)?;
        if let Some(limits) = &self.content_limits {
            limits.check_message(&message)?;
        }
        Ok(message)
    }

    fn reserve(&self, to: &str, message: &Message) -> Result<Place, NoPlace> {
        self.core.reserve(to, message, self.serial)
    }

    fn prices(&self) -> &'static Prices {
        if self.core.journal.is_some() { &WITH_STORE } else { &IN_MEMORY }
    }

    fn find(&self, name: &str) -> Addressee {
        self.core.addressee(name)
    }

    fn members(&self) -> usize {
        self.core.directory.len()
    }

    fn searches(&self) -> usize {
        self.core.directory.searches()
    }

    fn subscribers(&self, topic: &str) -> usize {
        self.core.agent_subscriptions.read().to_topic(topic)
    }

    fn filters(&self, has_topic: bool) -> usize {
        if !has_topic && self.core.observers.load(Ordering::Acquire) == 0 {
            return 0;
        }
        self.core.agent_subscriptions.read().tried(has_topic)
    }

    fn looked_at(&self, filter: &Filter) -> usize {
        filter.receivers().map_or_else(|| self.core.directory.len(), |names| names.len())
    }

    fn matching(&self, filter: Filter, message: &Message) -> Vec<Found> {
        let found = self.core.matching(filter, message, self.serial, &self.grants);
        found.into_iter().map(Member::into_found).collect()
    }

    fn reserve_all(&self, found: Vec<Found>, message: &Message) -> (Vec<Place>, u64) {
        let members = found.into_iter().filter_map(|found| Member::from_found(&found));
        self.core.reserve_all(members, message, self.serial)
    }

    fn account(&self) -> &Arc<Account> {
        &self.account
    }

    fn give_back(&self, places: Vec<Place>) {
        let mut unused = self.unused.lock();
        unused.extend(places);
        self.has_unused.store(!unused.is_empty(), Ordering::Release);
    }

    fn may_send(&self) -> bool {
        self.bucket.take(|| self.core.source.elapsed())
    }

    fn load(&self, key: &[u8]) -> Option<Datum> {
        self.holdings.load(key)
    }

    fn stored_bytes(&self) -> u64 {
        self.holdings.data_bytes()
    }

    fn new_timer(&self, extra: usize, fewer: usize, made: Made) -> Option<u32> {
        self.holdings.new_timer(extra, fewer, made, self.limits.max_timers)
    }

    fn has_timer(&self, id: u32) -> bool {
        self.holdings.has_timer(id)
    }

    fn new_subscription(&self, extra: usize, made: Made) -> Option<u32> {
        self.holdings.new_subscription(extra, made, self.limits.max_subscriptions)
    }

    fn subscribed_topics(&self, id: u32) -> Option<usize> {
        let is_its_own = self.holdings.has_subscription(id);
        is_its_own.then(|| self.core.agent_subscriptions.read().topics_of((self.serial, id)))
    }

    fn write_line(&self, level: Level, text: &str) -> bool {
        self.write(Voice::Guest, level, text)
    }

    fn remark(&self, level: Level, text: &str) {
        self.write(Voice::Host, level, text);
    }

    fn spent(&self, cost: Cost) {
        self.counters.host_calls.add_alone(cost.calls);
        self.counters.work.add_alone(cost.work);
        if cost.refused > 0 {
            self.counters.refused_work.add_alone(cost.refused);
        }
    }

    fn begin_turn(&self) {
        self.log.begin_turn();
    }

    fn log_dropped(&self, lines: u64) {
        self.log.count_dropped(lines);
    }

    fn may_send_to(&self, to: &str, found: &Addressee) -> bool {
        let is_granted = |member: Member| self.grants.may_send_to(member.name());
        self.grants.may_send_to(to)
            || matches!(found, Addressee::Member(found) if Member::from_found(found).is_some_and(is_granted))
    }

    fn denied(&self, to: &str) {
        self.core.tell(EventKind::Denied, Some(&self.name), Post::outside(), || {
            [("receiver", to.into())]
        });
        tracing::warn!(agent = %self.name, %to, "an agent tried to send what it may not");
    }

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn folders(&self) -> Arc<[OpenFolder]> {
        self.folders.lock().clone()
    }

    fn files(&self) -> &Arc<FileThreads> {
        &self.core.files
    }

    fn openings(&self) -> &Mutex<Vec<Weak<File>>> {
        &self.openings
    }

    fn forged_sender(&self, claimed: &str) {
        self.core.tell(EventKind::ForgedSender, Some(&self.name), Post::outside(), || {
            [("claimed", claimed.into())]
        });
        tracing::warn!(agent = %self.name, %claimed, "an agent tried to speak in another's name");
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.core.sleep(time)
    }
}
