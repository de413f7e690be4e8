//! What a script sends, and how it waits for room.

use std::borrow::Cow;
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::core::{Core, Party, not_found};
use super::following::{Following, Waiting as By};
use super::posting::{Commit, Post, Posting};
use super::sending::{Sending, Terms, To};
use crate::agent::{Lane, Letter, Refusal, Waiter};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;
use crate::message::{Draft, Envelope, Filter, Message, Sender, Stamp, Traceparent, name};
use crate::sandbox::Places;
use crate::store::Serial;

/// The most names under which a script may speak.
const MAX_SPEAKERS: usize = 65_536;

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
    traceparent: Option<Traceparent>,
}

impl<'a> Speaker<'a> {
    fn new(name: Cow<'a, str>, serial: u64) -> Self {
        Speaker { name, serial, traceparent: crate::trace::current() }
    }

    /// What the host adds to a message of this program's.
    pub fn stamp(&self) -> Stamp<'_> {
        let traceparent = self.traceparent.as_ref();
        Stamp { sender: Some(&self.name), traceparent, ..Stamp::default() }
    }
}

impl Core {
    /// Sends a message, and waits for room where a mailbox is full. In a runtime with a store it
    /// returns when the message is on disk.
    pub async fn send(&self, draft: &Draft, timeout: Option<Duration>) -> Result<(), Error> {
        self.check_signals();
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
        self.check_signals();
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
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let written: OnceLock<Message> = OnceLock::new();
        let sending = async {
            if let Some(journal) = &self.journal {
                journal.wait_for_room(speaker.serial).await;
            }
            let prepare = |post: Post<'_>| self.prepare(&envelope, &speaker, post);
            let (prepared, commit) = self.alone_of(speaker.serial, Post::outside(), prepare);
            let Outgoing { message, letters, following } = prepared?;
            let _ = written.set(message);
            let mut commits = Vec::from_iter(commit);
            for (member, letter) in letters {
                let letter = self.keep_letter_when_taken(&member, letter, speaker.serial);
                commits.extend(letter.commit.clone());
                self.enqueue(&member, letter).await?;
            }
            Ok((commits, following))
        };
        if let Some(sent) = self.within_time(timeout, sending).await {
            return sent;
        }
        let timeout = timeout.unwrap_or_default();
        let text = match written.get() {
            Some(message) => {
                format!("the mailbox of {:?} had no room within {timeout:?}", message.receiver())
            }
            None => format!(
                "the store was behind, and took nothing more within {timeout:?}; try again later"
            ),
        };
        Err(Error::new(ErrorKind::Timeout, text))
    }

    /// Lets a letter be written down as soon as a mailbox takes it, where there is a store.
    fn keep_letter_when_taken(&self, to: &Member, letter: Letter, queue: Serial) -> Letter {
        let Some(journal) = &self.journal else {
            return letter;
        };
        let posting = Posting::of(queue);
        let post = Post { posting: Some(&posting), ..Post::outside() };
        let letter = self.hold_letter(to, letter, post);
        let mut parts = posting.finish().1;
        parts.charge = Some(self.account.charge(parts.bytes()));
        let commit = Commit::own(queue, journal, parts);
        Letter { commit: Some(commit), ..letter }
    }

    /// Refuses what does not wait for the store, where that is behind.
    fn check_store(&self, queue: Serial) -> Result<(), Error> {
        match &self.journal {
            Some(journal) if !journal.has_room(queue) => {
                let text = "the store is behind: too much waits to be written; try again later, or \
                            wait with `send`";
                Err(Error::new(ErrorKind::MailboxFull, text))
            }
            _ => Ok(()),
        }
    }

    /// Sends a message if every receiver has room now. In a runtime with a store it does not wait
    /// until the message is on disk.
    pub fn try_send(&self, draft: &Draft) -> Result<(), Error> {
        self.check_signals();
        self.check_open()?;
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        self.check_store(speaker.serial)?;
        let send = |post: Post<'_>| {
            let Outgoing { letters, following, .. } = self.prepare(&envelope, &speaker, post)?;
            for (member, letter) in letters {
                self.deliver(&member, letter, post)
                    .map_err(|(refusal, _)| self.refused(refusal, member.name()))?;
            }
            following.keep_with(post);
            Ok(())
        };
        self.alone_of(speaker.serial, Post::outside(), send).0
    }

    /// Writes a script's message, and finds all of its receivers before any of them gets it. What is for topics, for names of the script itself, or the answer to an ask is dealt
    /// with; the letters for everybody else are left.
    fn prepare(
        &self,
        envelope: &Envelope<'_>,
        speaker: &Speaker<'_>,
        post: Post<'_>,
    ) -> Result<Outgoing<'_>, Error> {
        self.check_open()?;
        let message = self.stamp(envelope, speaker.stamp())?;
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
        let from = Party(speaker.serial);
        let following = self.follow_own(from, &message, By::Runtime, post)?;
        let seen = self.publish(from, &message, post);
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
        self.check_signals();
        let envelope = self.read_draft(draft)?;
        let speaker = self.speaker(&envelope)?;
        let message =
            self.stamp(&envelope, Stamp { receiver: Some(name::EVERYBODY), ..speaker.stamp() })?;
        self.check_content(&message, None)?;
        self.check_store(speaker.serial)?;
        let members = self.matching(filter, &message, speaker.serial, &Grants::default());
        let (places, _skipped) = self.reserve_all(members.into_iter(), &message, speaker.serial);
        let receivers = places.len() as u64;
        let to = To::Reserved(Places::of_program(places));
        let sending = Sending::new(Party(speaker.serial), message, to, None, Terms::default());
        let finish = |post: Post<'_>| sending.finish(self, post);
        self.alone_of(speaker.serial, Post::outside(), finish);
        Ok(receivers)
    }

    /// Puts a letter into a mailbox as soon as there is room, in the order in which scripts came.
    pub async fn enqueue(&self, member: &Member, letter: Letter) -> Result<(), Error> {
        match self.line_up(member, letter)? {
            Some(mut place) => poll_fn(|context| place.poll(context)).await,
            None => Ok(()),
        }
    }

    /// Puts a letter into a mailbox, or else in line for room there.
    pub fn line_up(&self, member: &Member, letter: Letter) -> Result<Option<PlaceInLine>, Error> {
        if let Member::Host(host) = member
            && host.would_deadlock(&letter)
        {
            // The failure that follows answers the ask.
            return match self.deliver(member, letter, Post::outside()) {
                Ok(()) => Ok(None),
                Err((refusal, _)) => Err(self.refused(refusal, member.name())),
            };
        }
        let waiter = Waiter::new(letter);
        let taken = match member {
            Member::Agent(agent) => agent.mailbox.wait(&waiter).map(|wakes| {
                if wakes {
                    agent.schedule(Lane::outside());
                }
            }),
            Member::Host(host) => host.wait(&waiter),
        };
        taken.map_err(|refusal| self.refused(refusal, member.name()))?;
        let place = PlaceInLine { waiter, member: member.clone() };
        Ok(if place.has_come() { None } else { Some(place) })
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
                return Ok(Speaker::new(Cow::Borrowed(&self.name), script));
            }
            Some(Sender::One(claimed)) if **claimed == *self.name => {
                return Ok(Speaker::new(Cow::Borrowed(&self.name), script));
            }
            Some(Sender::One(claimed)) => claimed,
            Some(Sender::Many(_)) => {
                return Err(Error::new(
                    ErrorKind::InvalidMessage,
                    "`sender` is one name, not an array",
                ));
            }
        };
        let found = self.directory.find(claimed);
        // What is in other letters takes longer to look at, and has been looked at before.
        let is_known = !claimed.is_ascii() && self.speakers.contains(claimed.as_ref());
        if !is_known {
            name::check(claimed)?;
        }
        if !is_known && name::is_reserved(claimed) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("{claimed:?} is a name of the runtime; nobody else can speak under it"),
            ));
        }
        match found {
            Some(Member::Host(host)) => {
                Ok(Speaker::new(Cow::Owned(host.name.to_string()), host.serial))
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
                Ok(Speaker::new(Cow::Borrowed(claimed), script))
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

/// A letter that stands in line for room in a mailbox. Dropped before there was any, it is taken back.
pub(crate) struct PlaceInLine {
    waiter: Arc<Waiter>,
    member: Member,
}

impl PlaceInLine {
    /// Whether the mailbox has taken the letter, or never will.
    fn has_come(&self) -> bool {
        self.waiter.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Whether the mailbox has taken the letter.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let refused = |refusal| self.member.core().refused(refusal, self.member.name());
        self.waiter.poll(context).map_err(refused)
    }
}

impl Drop for PlaceInLine {
    fn drop(&mut self) {
        match &self.member {
            Member::Agent(agent) => {
                if agent.mailbox.forget(&self.waiter) {
                    agent.schedule(Lane::outside());
                }
            }
            Member::Host(host) => host.forget(&self.waiter),
        }
    }
}
