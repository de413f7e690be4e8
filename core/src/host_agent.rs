//! Host agents: the program itself as an agent, through a callback.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use crate::agent::{Kind, Letter, Mailbox, Next, Refusal, Rest, Settled, Waiter};
use crate::conversation::Protocol;
use crate::directory::{Description, Profile};
use crate::error::ErrorKind;
use crate::lent::lend_after;
use crate::limits::Limits;
use crate::message::{Draft, Filter, Message, Performative};
use crate::runtime::{Core, Party, Post, Posting, Unwritten};
use crate::store::{HostRow, SERIALS, Serial};

/// Takes the messages of a host agent.
///
/// `handle` is called on whatever thread delivered the message, a worker's included, so it must not
/// block: it hands the task to somebody who may.
pub trait Handler: Send + Sync + 'static {
    /// Takes one message. At most `concurrency` tasks are given out at once, in order.
    fn handle(&self, task: Task);
}

/// One message that a host agent has to handle. A task that is dropped without an answer fails.
pub struct Task {
    letter: Letter,
    key: u64,
    host: Option<Arc<HostAgent>>,
}

/// What a host agent answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// This content, as JSON, in the act that says yes to the message: a `propose` to a `cfp`, an
    /// `accept-proposal` to a `propose`, and else an `inform`.
    Content(Vec<u8>),
    /// This message. Its receiver, and what ties it to the message that it answers, may be missing.
    Message(Vec<u8>),
    /// A `failure` with this sentence.
    Failure(String),
    /// A `refuse` with this sentence, or what stands for it in the message's protocol: a
    /// `reject-proposal` to a `propose`, and a `failure` of what was agreed to before.
    Refusal(String),
    /// A `not-understood` with this sentence.
    NotUnderstood(String),
}

impl Reply {
    /// What a handler answers that has failed with an error of this code: `refused` is a `refuse`,
    /// `not_understood` a `not-understood`, and anything else a `failure`.
    pub fn of_error(code: &str, text: String) -> Self {
        if code == ErrorKind::Refused.code() {
            Reply::Refusal(text)
        } else if code == ErrorKind::NotUnderstood.code() {
            Reply::NotUnderstood(text)
        } else {
            Reply::Failure(text)
        }
    }
}

/// Names a task that is being handled, so that an ask made from within it can be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Within(pub(crate) u64, pub(crate) u64);

impl Task {
    /// The message.
    pub fn message(&self) -> &Message {
        &self.letter.message
    }

    /// To be given to asks that are made while this task is handled: one that would come back to a
    /// handler that waits for it fails at once.
    pub fn within(&self) -> Within {
        Within(self.host.as_ref().map_or(0, |host| host.serial), self.key)
    }

    /// Ends a task that no handler takes: what wants an answer is not understood.
    fn finish_unhandled(self) {
        let act = self.letter.message.performative();
        // An auction's winner has nothing to say.
        let is_award = act == Performative::AcceptProposal
            && matches!(
                self.letter.message.protocol().and_then(Protocol::named),
                Some(Protocol::ContractNet | Protocol::IteratedContractNet)
            );
        let wants_answer = act.asks() || is_award || act == Performative::Cancel;
        let reply = match wants_answer {
            true => Reply::NotUnderstood(format!("there is no handler for {act} here")),
            false => Reply::Nothing,
        };
        self.finish(reply);
    }

    /// Answers the message and ends the task.
    pub fn finish(mut self, reply: Reply) {
        if let Some(host) = self.host.take() {
            lend_after(|| host.finish(self.key, &self.letter, reply));
        }
    }

    /// Ends the task with `work`: what that changes and sends is in one commit with the message.
    pub(crate) fn settle(mut self, work: impl FnOnce(&Arc<Core>, &Letter, Post<'_>)) {
        if let Some(host) = self.host.take() {
            host.settle(self.key, &self.letter, |post| work(&host.core, &self.letter, post));
        }
    }

    /// The runtime of the host agent. Only a task that has been answered has none, and is gone.
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        self.host.as_ref().map(|host| &host.core)
    }

    pub(crate) fn letter(&self) -> &Letter {
        &self.letter
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(host) = self.host.take() {
            let text = "the handler ended without an answer".to_owned();
            host.finish(self.key, &self.letter, Reply::Failure(text));
        }
    }
}

pub(crate) struct HostAgent {
    pub name: Arc<str>,
    pub id: Arc<str>,
    pub serial: u64,
    pub profile: Profile,
    mailbox: Mailbox,
    pub core: Arc<Core>,
    /// What the script has registered; nothing yet for one that only a store knows.
    registered: OnceLock<Registered>,
    next_key: AtomicU64,
    flight: Mutex<Flight>,
}

#[derive(Default)]
struct Flight {
    /// The tasks that are being handled.
    tasks: HashMap<u64, Letter>,
    /// Nobody pumps since there is no room in flight; who ends a task goes on.
    parked: bool,
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
    pub fn new(core: Arc<Core>, row: &HostRow, limits: &Limits) -> Self {
        HostAgent {
            name: row.name.clone(),
            id: row.id.clone(),
            serial: row.serial,
            registered: OnceLock::new(),
            profile: Profile::default(),
            mailbox: Mailbox::new(limits, Unwritten::of_host(core.journal.as_ref())),
            core,
            next_key: AtomicU64::new(1),
            flight: Mutex::default(),
        }
    }

    /// Takes messages from now on; whether nobody was registered before.
    pub fn register(self: &Arc<Self>, registered: Registered) -> bool {
        let declared = registered.declared.clone();
        let is_first = self.registered.set(registered).is_ok();
        if is_first {
            self.profile.declare(Arc::new(declared));
        }
        if is_first && self.mailbox.look_again() {
            self.pump();
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

    fn concurrency(&self) -> usize {
        self.registered.get().map_or(1, |registered| registered.concurrency)
    }

    /// Puts a letter in that the store has kept.
    pub fn restore(&self, letter: Letter) {
        self.mailbox.restore(letter);
    }

    /// Puts a letter into the mailbox and begins what can begin.
    pub fn push(self: &Arc<Self>, letter: Letter) -> Result<(), (Refusal, Letter)> {
        if self.mailbox.push(letter)? {
            self.pump();
        }
        Ok(())
    }

    /// The same for a script that waits for room.
    pub fn wait(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Result<(), Refusal> {
        if self.mailbox.wait(waiter)? {
            self.pump();
        }
        Ok(())
    }

    /// Begins what can begin.
    pub fn begin(self: &Arc<Self>) {
        if self.mailbox.look_again() {
            self.pump();
        }
    }

    /// A commit of the journal's queue `of` is on disk, or never will be. What of it is on disk, where
    /// nothing is taken here any more.
    pub fn settle_mail(self: &Arc<Self>, of: Serial) -> Option<(Refusal, Vec<Letter>)> {
        let Settled { wake, refused } = self.mailbox.settle(of);
        if wake {
            self.pump();
        }
        refused
    }

    /// What ends a task has been handed to the store, with so many bytes.
    pub fn turn_unwritten(&self, bytes: usize) {
        self.mailbox.turn_unwritten(bytes);
    }

    /// The store is through with it.
    pub fn turn_settled(self: &Arc<Self>, bytes: usize) {
        if self.mailbox.turn_settled(bytes) {
            self.pump();
        }
    }

    /// Takes a script out that waits for room no longer.
    pub fn forget(self: &Arc<Self>, waiter: &Arc<Waiter>) {
        if self.mailbox.forget(waiter) {
            self.pump();
        }
    }

    /// Whether `letter` could only be handled once it has been handled: every place in flight is
    /// taken by a handler that waits for an ask that this letter is part of. What wants no answer
    /// can wait until the handlers are through.
    pub fn would_deadlock(&self, letter: &Letter) -> bool {
        let Some(ask) = &letter.ask else { return false };
        letter.wants_answer() && ask.waits_in(self.serial) >= self.concurrency()
    }

    /// The ask that the message of a task is part of.
    pub fn ask_of(&self, key: u64) -> Option<Arc<crate::runtime::Ask>> {
        self.flight.lock().tasks.get(&key)?.ask.clone()
    }

    /// Takes an unanswered ask out of the mailbox.
    pub fn withdraw(&self, message_id: &str) -> bool {
        self.mailbox.withdraw(message_id)
    }

    /// Whether messages wait that no handler has begun.
    pub fn has_messages(&self) -> bool {
        self.mailbox.len() > 0
    }

    /// Takes no more messages; what waited.
    pub fn end(&self) -> Vec<Letter> {
        self.mailbox.request_shutdown().0
    }

    /// Gives out tasks as long as there are messages, and room in flight. Called by whoever holds
    /// the run token of the mailbox, so tasks begin in order.
    fn pump(self: &Arc<Self>) {
        let Some(registered) = self.registered.get() else {
            return self.mailbox.rest();
        };
        loop {
            {
                let mut flight = self.flight.lock();
                if flight.tasks.len() >= registered.concurrency {
                    flight.parked = true;
                    return;
                }
            }
            self.mailbox.begin_slice();
            match self.mailbox.next(true) {
                Next::Message(letter) => {
                    let key = self.next_key.fetch_add(1, Ordering::Relaxed);
                    self.flight.lock().tasks.insert(key, letter.clone());
                    let handler = registered.handler_of(&letter.message);
                    let task = Task { letter, key, host: Some(self.clone()) };
                    let Some(handler) = handler else {
                        task.finish_unhandled();
                        continue;
                    };
                    // A panic fails the one message, by dropping its task: this thread may be a
                    // worker, and the run token must come back.
                    let handling = AssertUnwindSafe(|| handler.handle(task));
                    if catch_unwind(handling).is_err() {
                        tracing::error!(agent = %self.name, "a handler panicked");
                    }
                }
                Next::Init | Next::Timer(_) | Next::Order(_) | Next::Shutdown => {}
                Next::Nothing => {
                    if self.mailbox.requeue_or_rest() != Rest::Queued {
                        return;
                    }
                }
            }
        }
    }

    fn finish(self: &Arc<Self>, key: u64, letter: &Letter, reply: Reply) {
        self.settle(key, letter, |post| self.answer(letter, reply, post));
    }

    fn settle(self: &Arc<Self>, key: u64, letter: &Letter, work: impl FnOnce(Post<'_>)) {
        if self.core.journal.is_some() {
            // The message has been dealt with when its answer is on disk, not before.
            let queue = self.queue_of(letter);
            let posting = Posting::of(queue);
            let post = Post { posting: Some(&posting), ..Post::outside() };
            drop(letter.clone().unhold(post));
            work(post);
            let (commit, mut parts) = posting.finish();
            parts.host = (queue == self.serial).then(|| self.clone());
            self.core.submit(commit, parts);
        } else {
            work(Post::outside());
        }
        let (ended, resumes) = {
            let mut flight = self.flight.lock();
            (flight.tasks.remove(&key), std::mem::take(&mut flight.parked))
        };
        // It may be the last of its ask, and of what waits for that: not under the lock.
        drop(ended);
        if resumes {
            self.pump();
        }
    }

    /// Whose queue of the journal what ends this task stands in: what `ams` and `df` change is whoever
    /// has asked for it.
    fn queue_of(&self, letter: &Letter) -> Serial {
        let asker = || {
            let sender = self.core.directory.find(letter.message.sender());
            letter.from.or(sender.map(|sender| sender.serial()))
        };
        let is_service = self.serial < *SERIALS.start();
        is_service.then(asker).flatten().unwrap_or(self.serial)
    }

    fn answer(&self, letter: &Letter, reply: Reply, post: Post<'_>) {
        let draft = match reply {
            Reply::Nothing => return,
            Reply::Content(json) => {
                let act = letter.message.performative().yes();
                Draft::raw_reply(&letter.message, act, &json)
            }
            Reply::Message(json) => match Draft::complete(&letter.message, &json) {
                Ok(draft) => draft,
                Err(error) => return self.fail(letter, error.message(), post),
            },
            Reply::Failure(text) => return self.fail(letter, &text, post),
            Reply::Refusal(text) => {
                let act = match follows_protocol(&letter.message) {
                    true => letter.message.performative().refusal(),
                    false => Performative::Refuse,
                };
                return self.say_no(letter, act, &text, post);
            }
            Reply::NotUnderstood(text) => {
                return self.say_no(letter, Performative::NotUnderstood, &text, post);
            }
        };
        let sent = self.write(&draft).and_then(|message| {
            self.core.check_content_for_all(&message)?;
            self.send(letter, message, post);
            Ok(())
        });
        if let Err(error) = sent {
            self.fail(letter, error.message(), post);
        }
    }

    fn fail(&self, letter: &Letter, text: &str, post: Post<'_>) {
        // A protocol knows no failure of what nobody has agreed to.
        let act = match follows_protocol(&letter.message) {
            true => letter.message.performative().no(),
            false => Performative::Failure,
        };
        self.say_no(letter, act, text, post);
    }

    fn say_no(&self, letter: &Letter, act: Performative, text: &str, post: Post<'_>) {
        if letter.kind != Kind::Direct || letter.message.performative().ends_talk() {
            tracing::debug!(agent = %self.name, "a handler failed: {text}");
            return;
        }
        let content = serde_json::json!({"error": text, "agent": &*self.name, "kind": "handler"});
        let json = content.to_string();
        let draft = Draft::raw_reply(&letter.message, act, json.as_bytes());
        // Its text is the runtime's: content limits do not keep a failure from who waits for it.
        match self.write(&draft) {
            Ok(failure) => self.send(letter, failure, post),
            Err(error) => {
                tracing::warn!(agent = %self.name, %error, "a failure could not be sent");
            }
        }
    }

    fn write(&self, draft: &Draft) -> Result<Message, crate::Error> {
        self.core.stamp_draft(draft, &self.name)
    }

    fn send(&self, letter: &Letter, message: Message, post: Post<'_>) {
        self.core.route(Party(self.serial), message, letter.ask.as_ref(), post);
    }
}

/// Whether a message names a protocol that the runtime follows.
fn follows_protocol(message: &Message) -> bool {
    message.protocol().and_then(Protocol::named).is_some()
}
