//! What a script sends, and how it waits: for room, and for answers.

use std::borrow::Cow;
use std::collections::HashSet;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::ask::{Ask, AskParts, Awaits};
use super::core::{Core, Party, not_found};
use super::following::{Following, Waiting as By};
use super::outcome;
use super::posting::{Commit, Post, Posting};
use super::waiting::Waiting;
use crate::agent::{Claim, Letter, Refusal, Waiter, run_claimed};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;
use crate::host_agent::Within;
use crate::message::{Draft, Envelope, Filter, Message, Sender, Stamp, name};
use crate::scheduler::Lane;

/// How long a call waits unless it says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// A message above this size is handled by the pool, not on the calling thread.
const INLINE_BYTES: usize = 64 << 10;
/// The most names under which a script may speak.
const MAX_SPEAKERS: usize = 65_536;

/// A message whose answer is waited for. Nothing is sent before it is awaited.
///
/// # Cancel safety
///
/// When the future is dropped, a message that still waits in the mailbox is taken out; a turn that
/// has begun goes on and commits, and its reply becomes a dead letter.
#[must_use = "nothing is sent before the call is awaited"]
pub struct Call<T = Message> {
    core: Arc<Core>,
    draft: Result<Draft, Error>,
    /// What the answer comes to.
    read: fn(Message) -> Result<T, Error>,
    asking: Asking,
}

/// How an answer is waited for.
#[derive(Clone, Copy)]
struct Asking {
    awaits: Awaits,
    timeout: Option<Duration>,
    /// By when there has to be an answer of any kind, an `agree` too.
    deadline: Option<Duration>,
    within: Option<Within>,
}

impl Call {
    /// Waits for the first answer, whatever its act.
    pub(crate) fn of_ask(core: Arc<Core>, draft: Result<Draft, Error>) -> Self {
        Call::new(core, draft, Awaits::First, Ok)
    }

    /// Waits for the result, or the error that the answer stands for.
    pub(crate) fn of_request(core: Arc<Core>, draft: Result<Draft, Error>) -> Self {
        Call::new(core, draft, Awaits::Result, outcome::of_request)
    }
}

impl<T> Call<T> {
    pub(crate) fn new(
        core: Arc<Core>,
        draft: Result<Draft, Error>,
        awaits: Awaits,
        read: fn(Message) -> Result<T, Error>,
    ) -> Self {
        let asking =
            Asking { awaits, timeout: Some(DEFAULT_TIMEOUT), deadline: None, within: None };
        Call { core, draft, read, asking }
    }

    /// Waits this long, and fails with [`ErrorKind::Timeout`] after that; 30 seconds unless said
    /// otherwise. `None` waits for ever.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.asking.timeout = timeout.into();
        self
    }

    /// Says by when there has to be an answer of any kind, an `agree` too; it fails with
    /// [`ErrorKind::Timeout`] after that. The result may come later, within the timeout.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.asking.deadline = deadline.into();
        self
    }

    /// Says that the call is made while a host agent handles a task: if it would come back to a
    /// handler that waits for it, it fails at once.
    pub fn within(mut self, task: impl Into<Option<Within>>) -> Self {
        self.asking.within = task.into();
        self
    }

    async fn run(self) -> Result<T, Error> {
        (self.read)(self.core.ask(&self.draft?, self.asking).await?)
    }
}

impl<T: 'static> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Waits until all of it is on disk.
async fn settle(commits: Vec<Arc<Commit>>) -> Result<(), Error> {
    for commit in commits {
        commit.settled().await?;
    }
    Ok(())
}

/// A script's message, and the letters that it came to.
struct Outgoing<'a> {
    message: Message,
    letters: Vec<(Member, Letter)>,
    following: Following<'a>,
}

/// In whose name a script's message goes out.
pub(crate) struct Speaker<'a> {
    pub name: Cow<'a, str>,
    pub serial: u64,
}

impl Speaker<'_> {
    /// What the host adds to a message of this program's.
    pub fn stamp(&self) -> Stamp<'_> {
        let traceparent = crate::trace::current();
        Stamp { sender: Some(&self.name), traceparent, ..Stamp::default() }
    }
}

impl Core {
    /// Sends a message, and waits for room where a mailbox is full. In a runtime with a store it
    /// returns when the message is on disk.
    pub async fn send(&self, draft: &Draft, timeout: Option<Duration>) -> Result<(), Error> {
        let (commits, following) = self.hand_in(draft, timeout).await?;
        settle(commits).await?;
        following.keep();
        Ok(())
    }

    /// Sends messages one after the other; returns when all are on disk, where there is a store.
    pub async fn send_many(
        &self,
        drafts: &[Draft],
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        let mut sent = Vec::new();
        let mut failed = None;
        for draft in drafts {
            match self.hand_in(draft, timeout).await {
                Ok(one) => sent.push(one),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let mut unkept = None;
        for (commits, following) in sent {
            match settle(commits).await {
                Ok(()) => following.keep(),
                Err(error) => unkept = unkept.or(Some(error)),
            }
        }
        unkept.or(failed).map_or(Ok(()), Err)
    }

    /// Puts a message into the mailboxes of its receivers; what has to be on disk before it counts as
    /// sent.
    async fn hand_in(
        &self,
        draft: &Draft,
        timeout: Option<Duration>,
    ) -> Result<(Vec<Arc<Commit>>, Following<'_>), Error> {
        let (prepared, commit) = self.alone(Post::outside(), |post| self.prepare(draft, post));
        let Outgoing { message, letters, following } = prepared?;
        let mut commits = Vec::from_iter(commit);
        let sending = async {
            for (member, letter) in letters {
                let letter = self.keep_letter_when_taken(&member, letter);
                commits.extend(letter.commit.clone());
                self.enqueue(&member, letter).await?;
            }
            Ok(())
        };
        match self.within_time(timeout, sending).await {
            Some(sent) => sent.map(|()| (commits, following)),
            None => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "the mailbox of {:?} had no room within {:?}",
                    message.receiver(),
                    timeout.unwrap_or_default()
                ),
            )),
        }
    }

    /// Lets a letter be written down as soon as a mailbox takes it, where there is a store.
    fn keep_letter_when_taken(&self, to: &Member, letter: Letter) -> Letter {
        let Some(journal) = &self.journal else {
            return letter;
        };
        let posting = Posting::default();
        let post = Post { posting: Some(&posting), ..Post::outside() };
        let letter = self.hold_letter(to, letter, post);
        let commit = Commit::own(journal, posting.finish().1);
        Letter { commit: Some(commit), ..letter }
    }

    /// Sends a message if every receiver has room now. In a runtime with a store it does not wait
    /// until the message is on disk.
    pub fn try_send(&self, draft: &Draft) -> Result<(), Error> {
        let send = |post: Post<'_>| {
            let Outgoing { letters, following, .. } = self.prepare(draft, post)?;
            for (member, letter) in letters {
                self.deliver(&member, letter, post)
                    .map_err(|(refusal, _)| self.refused(refusal, member.name()))?;
            }
            following.keep_with(post);
            Ok(())
        };
        self.alone(Post::outside(), send).0
    }

    /// Reads and writes a script's message, and finds all of its receivers before any of them gets
    /// it. What is for topics, for names of the script itself, or the answer to an ask is dealt
    /// with; the letters for everybody else are left.
    fn prepare(&self, draft: &Draft, post: Post<'_>) -> Result<Outgoing<'_>, Error> {
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let message = self.stamp(&envelope, speaker.stamp())?;
        let mut receivers = Vec::new();
        let mut seen_serials = HashSet::new();
        for to in message.receivers() {
            match self.directory.find(to) {
                Some(member) if !seen_serials.insert(member.serial()) => {}
                Some(member) => receivers.push((to, Some(member))),
                None if name::topic_of(to).is_some() => {}
                None if self.is_speaker(to) => receivers.push((to, None)),
                None => return Err(not_found(to)),
            }
        }
        for (_, member) in &receivers {
            self.check_content(&message, member.as_ref())?;
        }
        if message.topic().is_some() {
            self.check_content(&message, None)?;
        }
        let following = self.follow_own(&message, By::Runtime, post)?;
        let from = Party(speaker.serial);
        let seen = self.observe(&message, post);
        if message.topic().is_some() {
            self.publish(&message, from.0, post);
        }
        let mut letters = Vec::new();
        for (to, member) in receivers {
            if self.answer(from.0, to, &message, None, post) {
                continue;
            }
            if let Some(member) = member {
                let ask = self.passed_on(from, &member, &message, None);
                let letter = Letter::direct(message.clone(), ask).sent_by(from.0);
                letters.push((member, letter));
            } else if !seen {
                let reason = format!("nobody waits for it at {to:?}");
                self.keep_dead(message.clone(), reason, post);
            }
        }
        Ok(Outgoing { message, letters, following })
    }

    /// Sends to everybody whom `filter` means; how many there are. Those without room are skipped.
    pub fn broadcast(&self, filter: Filter, draft: &Draft) -> Result<u64, Error> {
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let message =
            self.stamp(&envelope, Stamp { receiver: Some(name::EVERYBODY), ..speaker.stamp() })?;
        self.check_content(&message, None)?;
        let (places, _skipped) =
            self.reserve_matching(filter, &message, speaker.serial, &Grants::default());
        let receivers = places.len() as u64;
        let from = Party(speaker.serial);
        self.alone(Post::outside(), |post| self.fill_places(from, &message, places, None, post));
        Ok(receivers)
    }

    /// Sends a message and waits for its answer. Where the receiver is idle, its turn is run on
    /// this thread, to its end or to the first preemption point.
    async fn ask(&self, draft: &Draft, asking: Asking) -> Result<Message, Error> {
        let Asking { awaits, timeout, deadline, within } = asking;
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let key = self.new_id();
        let reply_by = deadline.or(timeout).and_then(|timeout| {
            self.source.now_micros().checked_add(u64::try_from(timeout.as_micros()).ok()?)
        });
        let stamp = Stamp { reply_with: Some(key.as_str()), reply_by, ..speaker.stamp() };
        let message = self.stamp(&envelope, stamp)?;
        let mut members = Vec::new();
        for to in message.receivers() {
            if name::topic_of(to).is_some() {
                return Err(Error::new(
                    ErrorKind::InvalidMessage,
                    format!("an ask needs an agent to answer it, and {to:?} is a topic"),
                ));
            }
            let member = self.member(to)?;
            self.check_content(&message, Some(&member))?;
            if !members.iter().any(|other: &Member| other.serial() == member.serial()) {
                members.push(member);
            }
        }
        let ask = Ask::new(AskParts {
            key: message.reply_with().unwrap_or_default(),
            conversation_id: message.conversation_id(),
            asker: message.sender(),
            awaits,
            parent: within.and_then(|within| self.ask_within(within)),
            handler: within.map(|Within(host, _)| host),
        });
        for member in &members {
            ask.allow(member.serial());
        }
        let waiting = Waiting::enter(self, &ask, &message, &members);
        // Closing ends the asks that it finds; one that came after that must not wait.
        self.check_open()?;
        let following = self.follow_own(&message, By::Caller, Post::outside())?;
        self.observe(&message, Post::outside());
        let asking = async {
            for member in &members {
                let letter = Letter::direct(message.clone(), Some(ask.clone()));
                let letter = letter.sent_by(speaker.serial);
                match member {
                    Member::Agent(agent) if message.charge() <= INLINE_BYTES => {
                        match agent.mailbox.claim(letter) {
                            Claim::Run(letter) => run_claimed(agent, letter),
                            Claim::Queued { wake: true } => {
                                self.scheduler.push(agent.clone(), Lane::outside());
                            }
                            Claim::Queued { wake: false } => {}
                            Claim::Refused(letter) => self.enqueue(member, letter).await?,
                        }
                    }
                    _ => self.enqueue(member, letter).await?,
                }
            }
            following.keep();
            let answering = poll_fn(|context| ask.poll(context));
            let Some(deadline) = deadline else { return answering.await };
            let mut answering = pin!(answering);
            match self.within_time(Some(deadline), answering.as_mut()).await {
                Some(answer) => answer,
                None if ask.has_agreed() => answering.await,
                None => Err(waiting.timed_out(deadline)),
            }
        };
        match self.within_time(timeout, asking).await {
            Some(answer) => answer,
            None => Err(waiting.timed_out(timeout.unwrap_or_default())),
        }
    }

    /// Puts a letter into a mailbox as soon as there is room, in the order in which scripts came.
    pub async fn enqueue(&self, member: &Member, letter: Letter) -> Result<(), Error> {
        if let Member::Host(host) = member
            && host.would_deadlock(&letter)
        {
            // The failure that follows answers the ask.
            return match self.deliver(member, letter, Post::outside()) {
                Ok(()) => Ok(()),
                Err((refusal, _)) => Err(self.refused(refusal, member.name())),
            };
        }
        let waiter = Waiter::new(letter);
        let withdraw = Withdraw { waiter: &waiter, member };
        let taken = match member {
            Member::Agent(agent) => match agent.mailbox.wait(&waiter) {
                Ok(true) => {
                    self.scheduler.push(agent.clone(), Lane::outside());
                    Ok(())
                }
                other => other.map(drop),
            },
            Member::Host(host) => host.wait(&waiter),
        };
        let taken = match taken {
            Ok(()) => poll_fn(|context| waiter.poll(context)).await,
            refused => refused,
        };
        drop(withdraw);
        taken.map_err(|refusal| self.refused(refusal, member.name()))
    }

    /// The error of a message that a mailbox did not take.
    fn refused(&self, refusal: Refusal, name: &str) -> Error {
        match self.check_open() {
            Ok(()) => refusal.to_error(name),
            Err(closed) => closed,
        }
    }

    /// In whose name the script speaks: its own, any that is neither reserved nor an agent's, or
    /// one of its host agents.
    pub fn speaker<'a>(&'a self, envelope: &'a Envelope<'_>) -> Result<Speaker<'a>, Error> {
        let script = Party::SCRIPT.0;
        let claimed = match &envelope.sender {
            None => {
                return Ok(Speaker { name: Cow::Borrowed(&self.name), serial: script });
            }
            Some(Sender::One(claimed)) if **claimed == *self.name => {
                return Ok(Speaker { name: Cow::Borrowed(&self.name), serial: script });
            }
            Some(Sender::One(claimed)) => claimed,
            Some(Sender::Many(_)) => {
                return Err(Error::new(
                    ErrorKind::InvalidMessage,
                    "`sender` is one name, not an array",
                ));
            }
        };
        name::check(claimed)?;
        if name::is_reserved(claimed) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("{claimed:?} is a name of the runtime; nobody else can speak under it"),
            ));
        }
        match self.directory.find(claimed) {
            Some(Member::Host(host)) => {
                Ok(Speaker { name: Cow::Owned(host.name.to_string()), serial: host.serial })
            }
            Some(Member::Agent(_)) => Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("{claimed:?} is an agent, and nobody else can speak in its name"),
            )),
            None => {
                if !self.speakers.contains(claimed.as_ref()) {
                    if self.speakers.len() >= MAX_SPEAKERS {
                        return Err(Error::limit(
                            "senders",
                            MAX_SPEAKERS as u64,
                            MAX_SPEAKERS as u64 + 1,
                        ));
                    }
                    self.speakers.insert(claimed.as_ref().into());
                }
                Ok(Speaker { name: Cow::Borrowed(claimed), serial: script })
            }
        }
    }

    /// Runs `future` for at most `timeout`. A timer is only made if it is not ready at once.
    pub async fn within_time<F: Future>(
        &self,
        timeout: Option<Duration>,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut timer = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            let Some(timeout) = timeout else {
                return Poll::Pending;
            };
            let timer = timer.get_or_insert_with(|| self.sleep(timeout));
            timer.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

/// Takes a message back that nobody waits any more to see delivered.
struct Withdraw<'a> {
    waiter: &'a Arc<Waiter>,
    member: &'a Member,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        match self.member {
            Member::Agent(agent) => {
                if agent.mailbox.forget(self.waiter) {
                    agent.core.scheduler.push(agent.clone(), Lane::outside());
                }
            }
            Member::Host(host) => host.forget(self.waiter),
        }
    }
}
