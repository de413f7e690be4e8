//! The desks of a host agent: one, or of `ams` and `df` one for each who asks.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::HostAgent;
use super::desk::Desk;
use crate::directory::Member;
use crate::limits::Limits;
use crate::runtime::Party;
use crate::store::Serial;

pub(crate) struct Desks(Inner);

enum Inner {
    One(Arc<Desk>),
    ForEach { limits: Arc<Limits>, open: Mutex<Open> },
}

#[derive(Default)]
struct Open {
    /// Desks by the serial of whose messages they take; only those that have something to do.
    desks: HashMap<Serial, Arc<Desk>, RandomState>,
    /// No message is taken any more.
    ended: bool,
}

impl Desks {
    pub fn one(desk: Arc<Desk>) -> Self {
        Desks(Inner::One(desk))
    }

    /// Desks with mailboxes of these limits.
    pub fn for_each_sender(limits: Limits) -> Self {
        Desks(Inner::ForEach { limits: Arc::new(limits), open: Mutex::default() })
    }

    /// The only desk, where that takes everybody's messages.
    pub fn only(&self) -> Option<&Arc<Desk>> {
        match &self.0 {
            Inner::One(desk) => Some(desk),
            Inner::ForEach { .. } => None,
        }
    }

    /// The desk that takes what comes by this queue of the journal: it is its sender's.
    pub fn of(&self, host: &Arc<HostAgent>, queue: Option<Serial>) -> Arc<Desk> {
        let (limits, open) = match &self.0 {
            Inner::One(desk) => return desk.clone(),
            Inner::ForEach { limits, open } => (limits, open),
        };
        let sender = queue.unwrap_or(Party::AMS.0);
        if let Some(desk) = open.lock().desks.get(&sender) {
            return desk.clone();
        }
        // Looking its account up takes locks of the directory: not under this one.
        let made = made_for(host, sender, limits);
        let mut open = open.lock();
        if open.ended {
            drop(open);
            drop(made.end());
            return made;
        }
        open.desks.entry(sender).or_insert(made).clone()
    }

    /// The desk that takes what comes by this queue, if there is one.
    pub fn find(&self, queue: Serial) -> Option<Arc<Desk>> {
        match &self.0 {
            Inner::One(desk) => Some(desk.clone()),
            Inner::ForEach { open, .. } => open.lock().desks.get(&queue).cloned(),
        }
    }

    pub fn all(&self) -> Vec<Arc<Desk>> {
        match &self.0 {
            Inner::One(desk) => vec![desk.clone()],
            Inner::ForEach { open, .. } => open.lock().desks.values().cloned().collect(),
        }
    }

    /// All of them, after which no other is opened.
    pub fn end(&self) -> Vec<Arc<Desk>> {
        if let Inner::ForEach { open, .. } = &self.0 {
            open.lock().ended = true;
        }
        self.all()
    }

    /// Ends a desk that has nothing to do, unless somebody is about to use it, who will leave it in turn.
    pub fn leave(&self, desk: &Arc<Desk>) {
        let Inner::ForEach { open, .. } = &self.0 else { return };
        let mut open = open.lock();
        // One that is held here and by the caller alone has no task in flight.
        if !open.ended && Arc::strong_count(desk) == 2 && desk.mailbox.len() == 0 {
            open.desks.remove(&desk.sender);
        }
    }
}

/// A desk for the messages of whoever has this serial.
fn made_for(host: &Arc<HostAgent>, sender: Serial, limits: &Limits) -> Arc<Desk> {
    let core = &host.core;
    let (account, payer) = match core.directory.member(sender) {
        Some(Member::Agent(agent)) => (agent.pace.account().share(), Some(agent.face.clone())),
        Some(Member::Host(sender)) => match sender.account() {
            Some(account) => (account.share(), None),
            None => (core.cpu.share(), None),
        },
        None => (core.cpu.share(), None),
    };
    Desk::new(Arc::downgrade(host), core, sender, limits, account, payer)
}
