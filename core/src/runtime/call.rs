//! Calls: messages whose answers a program waits for, one or many at once.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;
use smallvec::SmallVec;

use super::ask::{Ask, AskParts, Awaits};
use super::core::{Core, Party};
use super::following::{Following, Waiting as By};
use super::outcome;
use super::posting::Post;
use super::send::PlaceInLine;
use super::waiting::Waiting;
use crate::agent::{Claim, Lane, Letter, run_claimed};
use crate::blocking;
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::lent::lending;
use crate::message::{Draft, Message, Stamp, name};

/// How long a call waits unless it says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// A message above this size is handled by the pool, not on the calling thread.
const INLINE_BYTES: usize = 64 << 10;

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
        (self.read)(lending(self.core.ask(&self.draft?, self.asking)).await?)
    }
}

impl<T: 'static> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A message that has been written and has to be handed over, and the ask that it begins.
struct Asked<'a> {
    waiting: Waiting<'a>,
    /// Nothing once the message is on its way.
    following: Option<Following<'a>>,
    /// The serial of who asks.
    from: u64,
}

impl Asked<'_> {
    fn letter(&self) -> Letter {
        let Waiting { message, ask, .. } = &self.waiting;
        Letter::direct(message.clone(), Some(ask.clone())).sent_by(self.from)
    }

    fn is_on_its_way(&mut self) {
        if let Some(following) = self.following.take() {
            following.keep();
        }
    }

    fn fail(&mut self, error: Error) {
        self.following = None;
        self.waiting.ask.fail(error);
    }
}

/// Many asks that are waited for together: whoever waits is woken once, by the last answer.
#[derive(Default)]
pub(crate) struct Gathering {
    unanswered: AtomicUsize,
    waker: AtomicWaker,
}

impl Gathering {
    /// One more ask has come to its end.
    pub fn answered(&self) {
        if self.unanswered.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        match self.unanswered.load(Ordering::Acquire) {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl Core {
    /// Sends a message and waits for its answer. Where the receiver is idle, and its turn is expected to
    /// be short or keeps nobody waiting, that is run on this thread, to its end or to the first
    /// preemption point.
    async fn ask(&self, draft: &Draft, asking: Asking) -> Result<Message, Error> {
        self.check_signals();
        let mut asked = self.begin_ask(draft, &asking, None)?;
        let Asking { timeout, deadline, .. } = asking;
        let answering = async {
            for member in &asked.waiting.members {
                let letter = asked.letter();
                match member {
                    Member::Agent(agent)
                        if letter.message.charge() <= INLINE_BYTES
                            && agent.pace.may_run_on_caller() =>
                    {
                        match agent.mailbox.claim(letter) {
                            Claim::Run(letter) => run_claimed(agent, letter),
                            Claim::Queued { wake: true } => {
                                agent.schedule(Lane::outside());
                            }
                            Claim::Queued { wake: false } => blocking::stands_in_line(),
                            Claim::Refused(letter) => {
                                Box::pin(self.enqueue(member, letter)).await?
                            }
                        }
                    }
                    _ => Box::pin(self.enqueue(member, letter)).await?,
                }
            }
            asked.is_on_its_way();
            let ask = &asked.waiting.ask;
            let answering = poll_fn(|context| ask.poll(context));
            let Some(deadline) = deadline else { return answering.await };
            let mut answering = pin!(answering);
            match Box::pin(self.within_time(Some(deadline), answering.as_mut())).await {
                Some(answer) => answer,
                None if ask.has_agreed() => answering.await,
                None => Err(asked.waiting.timed_out(deadline)),
            }
        };
        match self.within_time(timeout, answering).await {
            Some(answer) => answer,
            None => Err(asked.waiting.timed_out(timeout.unwrap_or_default())),
        }
    }

    /// Sends all of `drafts` and waits for all of the answers, which come in the same order. The pool
    /// runs the turns: a calling thread would run them one after the other.
    pub async fn ask_many(
        &self,
        drafts: &[Draft],
        timeout: Option<Duration>,
        within: Option<Within>,
    ) -> Vec<Result<Message, Error>> {
        let asking = Asking { awaits: Awaits::First, timeout, deadline: None, within };
        if let [draft] = drafts {
            return vec![self.ask(draft, asking).await];
        }
        self.check_signals();
        let gathering = Arc::new(Gathering::default());
        let mut all = Vec::with_capacity(drafts.len());
        let mut in_line = FuturesUnordered::new();
        for draft in drafts {
            let mut asked = self.begin_ask(draft, &asking, Some(&gathering));
            if let Ok(asked) = &mut asked {
                match self.hand_over(asked) {
                    Ok(places) if places.is_empty() => asked.is_on_its_way(),
                    Ok(places) => {
                        let at = all.len();
                        in_line.push(async move {
                            for mut place in places {
                                if let Err(error) = poll_fn(|context| place.poll(context)).await {
                                    return (at, Err(error));
                                }
                            }
                            (at, Ok(()))
                        });
                    }
                    Err(error) => asked.fail(error),
                }
            }
            all.push(asked);
        }
        let answered = poll_fn(|context| {
            while let Poll::Ready(Some((at, placed))) = in_line.poll_next_unpin(context) {
                if let Ok(asked) = &mut all[at] {
                    match placed {
                        Ok(()) => asked.is_on_its_way(),
                        Err(error) => asked.fail(error),
                    }
                }
            }
            gathering.poll(context)
        });
        self.within_time(timeout, answered).await;
        let mut context = Context::from_waker(Waker::noop());
        let answers = all.into_iter().map(|asked| {
            let waiting = asked?.waiting;
            match waiting.ask.poll(&mut context) {
                Poll::Ready(answer) => answer,
                Poll::Pending => Err(waiting.timed_out(timeout.unwrap_or_default())),
            }
        });
        answers.collect()
    }

    /// Gives a message to the mailboxes of its receivers, and to the pool what that makes ready; the
    /// places in line where there was no room.
    fn hand_over(&self, asked: &Asked<'_>) -> Result<Vec<PlaceInLine>, Error> {
        let mut places = Vec::new();
        for member in &asked.waiting.members {
            let letter = match member {
                Member::Agent(agent) => match agent.mailbox.push(asked.letter()) {
                    Ok(wake) => {
                        if wake {
                            agent.schedule(Lane::outside());
                        }
                        continue;
                    }
                    Err((_, letter)) => letter,
                },
                Member::Host(_) => asked.letter(),
            };
            places.extend(self.line_up(member, letter)?);
        }
        Ok(places)
    }

    /// Reads and writes the message of an ask, finds all of its receivers, and enters the ask.
    fn begin_ask(
        &self,
        draft: &Draft,
        asking: &Asking,
        gathering: Option<&Arc<Gathering>>,
    ) -> Result<Asked<'_>, Error> {
        let Asking { awaits, timeout, deadline, within } = *asking;
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let id = self.new_id();
        let reply_by = deadline
            .or(timeout)
            .and_then(|timeout| id.made_at.checked_add(u64::try_from(timeout.as_micros()).ok()?));
        // What an answer names is the message itself.
        let stamp = Stamp { reply_with: Some(id.as_str()), reply_by, ..speaker.stamp() };
        let message = self.stamp_as(&id, &envelope, stamp)?;
        let mut members: SmallVec<[Member; 1]> = SmallVec::new();
        for to in message.receivers() {
            if name::topic_of(to).is_some() {
                return Err(Error::new(
                    ErrorKind::InvalidMessage,
                    format!("an ask needs an agent to answer it, and {to:?} is a topic"),
                ));
            }
            let member = self.member(to)?;
            self.check_content(&message, Some(&member))?;
            if !members.iter().any(|other| other.serial() == member.serial()) {
                members.push(member);
            }
        }
        let ask = Ask::new(AskParts {
            key: message.reply_with().unwrap_or_default(),
            conversation_id: message.conversation_id(),
            asker: match message.sender() {
                own if *own == *self.name => self.name.clone(),
                other => other.into(),
            },
            awaits,
            parent: within.and_then(|within| self.ask_within(within)),
            handler: within,
            gathering: gathering.cloned(),
        });
        for member in &members {
            ask.allow(member.serial());
        }
        let from = speaker.serial;
        let waiting = Waiting::enter(self, ask, message, members);
        // Closing ends the asks that it finds; one that came after that must not wait.
        self.check_open()?;
        let following =
            self.follow_own(Party(from), &waiting.message, By::Caller, Post::outside())?;
        self.observe(&waiting.message, Post::outside());
        if let Some(gathering) = gathering {
            gathering.unanswered.fetch_add(1, Ordering::AcqRel);
        }
        Ok(Asked { waiting, following: Some(following), from })
    }
}
