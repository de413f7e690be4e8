//! Host agents: the program itself as an agent, through a callback.

mod answer;
mod desk;
mod desks;
mod task;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

pub(crate) use self::desk::{After, Desk};
pub(crate) use self::desks::Desks;
pub use self::task::{Handler, Reply, Task, Within};
use crate::agent::{Lane, Letter, Refusal, Settled, Waiter};
use crate::directory::{Description, Profile};
use crate::limits::Limits;
use crate::message::{Filter, Message, Performative};
use crate::runtime::{Ask, Core, Loss, Owed, Post};
use crate::scheduler::CpuAccount;
use crate::store::{HostRow, SERIALS, Serial};

pub(crate) struct HostAgent {
    pub name: Arc<str>,
    pub id: Arc<str>,
    pub serial: u64,
    pub profile: Profile,
    pub core: Arc<Core>,
    /// What the script has registered; nothing yet for one that only a store knows.
    registered: OnceLock<Registered>,
    next_key: AtomicU64,
    desks: Desks,
    /// The answers that it owes.
    pub owed: Owed,
}

/// What the script says of a host agent.
pub(crate) struct Registered {
    pub declared: Description,
    pub concurrency: usize,
    /// Who takes which messages.
    pub routes: RwLock<Vec<Route>>,
}

/// A handler, and the messages that it takes.
pub(crate) struct Route {
    /// Messages with this act; any if it says none.
    pub act: Option<Performative>,
    /// Messages that name this protocol; any if it says none.
    pub protocol: Option<Box<str>>,
    pub handler: Arc<dyn Handler>,
}

impl Route {
    fn takes(&self, message: &Message) -> bool {
        self.act.is_none_or(|act| act == message.performative())
            && self.protocol.as_ref().is_none_or(|named| message.protocol() == Some(&**named))
    }

    /// How much it says of the messages that it takes: the act before the protocol.
    fn says(&self) -> (bool, bool) {
        (self.act.is_some(), self.protocol.is_some())
    }
}

impl Registered {
    /// The handler that says most of the messages that it takes, this one among them.
    fn handler_of(&self, message: &Message) -> Option<Arc<dyn Handler>> {
        let routes = self.routes.read();
        let taking = routes.iter().filter(|route| route.takes(message));
        taking.max_by_key(|route| route.says()).map(|route| route.handler.clone())
    }

    /// Adds a handler, unless there is one for the same messages.
    fn add(&self, route: Route) -> bool {
        let mut routes = self.routes.write();
        let is_taken =
            routes.iter().any(|other| other.act == route.act && other.protocol == route.protocol);
        if !is_taken {
            routes.push(route);
        }
        !is_taken
    }
}

impl HostAgent {
    /// A host agent of the program's, with an account of its own.
    pub fn new(core: Arc<Core>, row: &HostRow, limits: &Limits) -> Arc<Self> {
        let make = |host: &_| {
            Desks::one(Desk::new(
                std::sync::Weak::clone(host),
                &core,
                row.serial,
                limits,
                CpuAccount::new(limits.cpu_share),
                None,
            ))
        };
        Self::with_desks(&core, row, make)
    }

    /// `ams` or `df`, whose work is charged to whoever asks for it. These are the limits of each desk.
    pub fn service(core: Arc<Core>, row: &HostRow, limits: Limits) -> Arc<Self> {
        Self::with_desks(&core, row, |_| Desks::for_each_sender(limits))
    }

    fn with_desks(
        core: &Arc<Core>,
        row: &HostRow,
        desks: impl FnOnce(&std::sync::Weak<Self>) -> Desks,
    ) -> Arc<Self> {
        Arc::new_cyclic(|host| HostAgent {
            name: row.name.clone(),
            id: row.id.clone(),
            serial: row.serial,
            profile: Profile::default(),
            core: core.clone(),
            registered: OnceLock::new(),
            next_key: AtomicU64::new(1),
            desks: desks(host),
            owed: Owed::default(),
        })
    }

    /// Takes messages from now on; whether nobody was registered before.
    pub fn register(&self, registered: Registered) -> bool {
        let declared = registered.declared.clone();
        let is_first = self.registered.set(registered).is_ok();
        if is_first {
            self.profile.declare(Arc::new(declared));
            self.begin();
        }
        is_first
    }

    /// Adds a handler for some of the messages; whether there was none for the same.
    pub fn on(&self, route: Route) -> bool {
        self.registered.get().is_some_and(|registered| registered.add(route))
    }

    /// Whether it has what `filter` says of agents.
    pub fn matches(&self, filter: &Filter) -> bool {
        self.is_registered() && self.profile.match_filter(filter, || self.core.source.now_micros())
    }

    /// Whether its handler is there.
    pub fn is_registered(&self) -> bool {
        self.registered.get().is_some()
    }

    fn registered(&self) -> Option<&Registered> {
        self.registered.get()
    }

    fn concurrency(&self) -> usize {
        self.registered.get().map_or(1, |registered| registered.concurrency)
    }

    /// A number for a task, which no other task of this host agent has.
    fn next_key(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    /// The account of the program's host agent itself.
    fn account(&self) -> Option<&Arc<CpuAccount>> {
        Some(self.desks.only()?.account())
    }

    /// Puts a letter in that the store has kept.
    pub fn restore(self: &Arc<Self>, letter: Letter) {
        let sender = || self.core.directory.find(letter.message.sender());
        let queue = letter.queue().or_else(|| Some(sender()?.serial()));
        self.desks.of(self, queue).mailbox.restore(letter);
    }

    /// Puts a letter into a mailbox. Where no store has to know of it first, `ams` and `df` handle it in the
    /// time of its sender, before this returns.
    pub fn push(self: &Arc<Self>, letter: Letter, post: Post<'_>) -> Result<(), (Refusal, Letter)> {
        let desk = self.desks.of(self, letter.queue());
        if desk.mailbox.push(letter)? {
            match self.is_service() && post.posting.is_none() {
                true => desk.serve(post.lane),
                false => desk.schedule(post.lane),
            }
        }
        Ok(())
    }

    /// The same for a script that waits for room.
    pub fn wait(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Result<(), Refusal> {
        self.desks.of(self, waiter.queue()).wait(waiter)
    }

    /// Takes a script out that waits for room no longer.
    pub fn forget(self: &Arc<Self>, waiter: &Arc<Waiter>) {
        self.desks.of(self, waiter.queue()).forget(waiter);
    }

    /// Begins what can begin.
    pub fn begin(&self) {
        self.desks.all().iter().for_each(Desk::begin);
    }

    /// Handles all that waits, on this thread.
    pub fn serve(&self) {
        for desk in self.desks.all() {
            if desk.mailbox.look_again() {
                desk.serve(Lane::outside());
            }
        }
    }

    /// A commit of the journal's queue `of` is on disk, or never will be. What of it is on disk, where
    /// nothing is taken here any more.
    pub fn settle_mail(&self, of: Serial) -> Option<(Refusal, Vec<Letter>)> {
        let desk = self.desks.find(of)?;
        let Settled { wake, refused } = desk.mailbox.settle(of);
        if wake {
            desk.schedule(Lane::outside());
        }
        refused
    }

    /// Whether `letter` could only be handled once it has been handled: every place in flight is
    /// taken by a handler that waits for an ask that this letter is part of. What wants no answer
    /// can wait until the handlers are through.
    pub fn would_deadlock(&self, letter: &Letter) -> bool {
        let Some(ask) = &letter.ask else { return false };
        letter.wants_answer() && ask.waiting_in(self).count() >= self.concurrency()
    }

    /// Returns true if one of its handlers is at this task.
    pub fn handles(&self, Within(host, key): Within) -> bool {
        host == self.serial && self.desks.all().iter().any(|desk| desk.handles(key))
    }

    /// The ask that the message of a task is part of.
    pub fn ask_of(&self, key: u64) -> Option<Arc<Ask>> {
        self.desks.all().iter().find_map(|desk| desk.letter_of(key))?.ask
    }

    /// Takes an unanswered ask out of the mailbox.
    pub fn withdraw(&self, message_id: &str) -> bool {
        self.desks.all().iter().any(|desk| desk.mailbox.withdraw(message_id))
    }

    /// Whether messages wait that no handler has begun.
    pub fn has_messages(&self) -> bool {
        self.desks.all().iter().any(|desk| desk.mailbox.len() > 0)
    }

    /// Notes that a letter has been handled. If the agent has been removed meanwhile, no answer comes any more.
    fn has_handled(&self, letter: &Letter, post: Post<'_>) {
        if !self.is_service() {
            let lost = self.owed.note(letter, self.serial);
            self.core.tell_lost(lost, (&self.name, self.serial), Loss::Removed, post);
        }
    }

    /// Takes no more messages; what waited.
    pub fn end(&self) -> Vec<Letter> {
        let ended = self.desks.end();
        ended.iter().flat_map(|desk| desk.end()).collect()
    }

    /// A desk has nothing to do any more: one that was made for a sender ends, unless somebody is about to
    /// use it.
    fn leave_desk(&self, desk: &Arc<Desk>) {
        self.desks.leave(desk);
    }

    /// Whoever has this serial is gone, and asks no more.
    pub fn forget_sender(&self, sender: Serial) {
        if let Some(desk) = self.desks.find(sender) {
            self.desks.leave(&desk);
        }
    }

    /// Does something once all is handled that whoever has this serial has sent so far.
    pub fn once_served(&self, sender: Serial, then: After) {
        match self.desks.find(sender) {
            Some(desk) => desk.once_served(then),
            None => then(),
        }
    }

    fn is_service(&self) -> bool {
        self.serial < *SERIALS.start()
    }

    /// Whose queue of the journal what ends a task stands in that handles this letter: what `ams` and `df`
    /// change is whoever has asked for it.
    fn queue_of(&self, letter: &Letter) -> Serial {
        let asker = || {
            let sender = self.core.directory.find(letter.message.sender());
            letter.from.or(sender.map(|sender| sender.serial()))
        };
        self.is_service().then(asker).flatten().unwrap_or(self.serial)
    }
}

#[cfg(test)]
mod tests;
