//! A conversation of the program with several participants, all of whose answers are collected.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;

use super::outcome::{Answer, Outcome};
use super::room::Room;
use crate::agent::Letter;
use crate::conversation::{Protocol, Stage};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Draft, Envelope, Message, Performative, Stamp};
use crate::runtime::{
    Ask, AskParts, Awaits, Begun, Core, DEFAULT_TIMEOUT, FollowedBy, Party, Post,
};

/// The most participants of one exchange.
pub(super) const MAX_PARTICIPANTS: usize = 10_000;

/// A conversation that the program has begun. When it is dropped, what has not come to its end is
/// cancelled; answers that still come are taken, and late proposals rejected.
pub(crate) struct Exchange {
    core: Arc<Core>,
    ask: Arc<Ask>,
    pub protocol: Protocol,
    pub conversation_id: String,
    participants: Vec<Member>,
    /// Participants by their names.
    places: HashMap<Arc<str>, usize>,
    /// To whom something was said that may have to be cancelled.
    pending: Vec<bool>,
    /// What each was asked last.
    asked: Vec<Option<Message>>,
    /// How often proposals were called for, and what answers to the last call name.
    calls: u32,
    key: String,
    /// Room for what is kept until the outcome is told.
    pub room: Room,
}

/// What came, and from whom.
pub(super) enum Came {
    /// The participant in this place said something.
    From(usize, Message),
    /// Somebody else did, to whom the conversation was passed on.
    Other(Message),
    /// The runtime says that the participant in this place will not answer.
    Fault(usize, Message),
}

impl Exchange {
    pub fn open(
        core: &Arc<Core>,
        protocol: Protocol,
        participants: &[String],
        within: Option<Within>,
    ) -> Result<Self, Error> {
        core.check_open()?;
        if participants.len() > MAX_PARTICIPANTS {
            let (most, count) = (MAX_PARTICIPANTS as u64, participants.len() as u64);
            return Err(Error::limit("participants", most, count));
        }
        let mut members = Vec::with_capacity(participants.len());
        let mut places = HashMap::with_capacity(participants.len());
        for name in participants {
            let member = core.member(name)?;
            if places.insert(member.name().clone(), members.len()).is_some() {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("{name:?} stands there twice among the participants"),
                ));
            }
            members.push(member);
        }
        let (key, conversation) = (core.new_id(), core.new_id());
        let ask = Ask::new(AskParts {
            key: key.as_str(),
            conversation_id: Some(conversation.as_str()),
            asker: core.name.clone(),
            awaits: Awaits::Every(protocol),
            parent: within.and_then(|within| core.ask_within(within)),
            handler: within,
            gathering: None,
        });
        for member in &members {
            ask.allow(member.serial());
        }
        core.asks.enter(&ask);
        Ok(Exchange {
            pending: vec![false; members.len()],
            asked: vec![None; members.len()],
            calls: 0,
            room: Room::default(),
            key: key.as_str().to_owned(),
            core: core.clone(),
            ask,
            protocol,
            conversation_id: conversation.as_str().to_owned(),
            participants: members,
            places,
        })
    }

    /// The name of the participant in this place.
    pub fn name(&self, place: usize) -> &Arc<str> {
        self.participants[place].name()
    }

    pub fn len(&self) -> usize {
        self.participants.len()
    }

    /// What it has come to when nobody has answered.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            conversation_id: self.conversation_id.clone(),
            answers: self.participants.iter().map(|it| Answer::of(it.name())).collect(),
            forwarded: Vec::new(),
            missed: 0,
            rounds: 0,
            price: None,
        }
    }

    /// The time on the runtime's clock, in microseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        self.core.source.now_micros()
    }

    /// The end of a time that begins now.
    pub fn after(&self, time: Duration) -> u64 {
        self.now().saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// Says something to the participants in these places, and waits for room in their mailboxes until
    /// `reply_by` at most, or for 30 seconds; to whom it could not be said, and why.
    pub async fn say(
        &mut self,
        act: Performative,
        to: &[usize],
        content: &str,
        reply_by: Option<u64>,
    ) -> Result<Vec<(usize, Error)>, Error> {
        self.core.check_open()?;
        if let Some(first) = to.first() {
            // What nobody may be told is an error of the call.
            self.write(act, self.name(*first), content, reply_by)?;
        }
        if act == Performative::Cfp {
            self.calls += 1;
            if self.calls > 1 {
                self.key = self.ask.key_of(self.calls);
            }
        }
        for place in to {
            // Only what is asked for can be withdrawn, and only what was asked for is.
            self.pending[*place] = act.asks() || act == Performative::AcceptProposal;
            self.asked[*place] = None;
        }
        let this = &*self;
        let sending = join_all(to.iter().map(|place| async move {
            let sent = this.say_one(act, *place, content, reply_by).await;
            (*place, sent)
        }));
        let left = reply_by
            .map_or(DEFAULT_TIMEOUT, |by| Duration::from_micros(by.saturating_sub(self.now())));
        let sent = self.core.within_time(Some(left), sending).await.unwrap_or_else(|| {
            tracing::debug!("some participants had no room for a message in time");
            Vec::new()
        });
        let mut refused = Vec::new();
        for (place, sent) in sent {
            match sent {
                Ok(message) => self.asked[place] = Some(message),
                Err(error) => refused.push((place, error)),
            }
        }
        self.core.check_open()?;
        Ok(refused)
    }

    async fn say_one(
        &self,
        act: Performative,
        place: usize,
        content: &str,
        reply_by: Option<u64>,
    ) -> Result<Message, Error> {
        let member = &self.participants[place];
        let message = self.write(act, member.name(), content, reply_by)?;
        self.core.check_content(&message, Some(member))?;
        let by = FollowedBy::Caller;
        let following = self.core.follow_own(Party::SCRIPT, &message, by, Post::outside())?;
        self.core.observe(&message, Post::outside());
        let letter = Letter::direct(message.clone(), Some(self.ask.clone()));
        self.core.enqueue(member, letter).await?;
        following.keep();
        Ok(message)
    }

    fn write(
        &self,
        act: Performative,
        to: &str,
        content: &str,
        reply_by: Option<u64>,
    ) -> Result<Message, Error> {
        let draft = Draft::with_raw_content(act.as_str(), Some(to), content.as_bytes())
            .field("protocol", self.protocol.as_str())
            .field("conversation_id", &self.conversation_id);
        let traceparent = crate::trace::current();
        let stamp = Stamp {
            sender: Some(&self.core.name),
            traceparent: traceparent.as_ref(),
            reply_with: Some(&self.key),
            reply_by,
            ..Stamp::default()
        };
        self.core.read_draft(&draft)?;
        self.core.stamp(&Envelope::read(draft.as_bytes())?, stamp)
    }

    /// The next that comes until `until`; `None` after that.
    pub async fn next(&mut self, until: Option<u64>) -> Result<Option<Came>, Error> {
        let left = match until {
            Some(until) => {
                let left = until.saturating_sub(self.now());
                if left == 0 {
                    // What is there already came in time.
                    return self
                        .core
                        .within_time(Some(Duration::ZERO), self.answer())
                        .await
                        .map_or(Ok(None), |answer| answer.map(|message| Some(self.read(message))));
                }
                Some(Duration::from_micros(left))
            }
            None => None,
        };
        match self.core.within_time(left, self.answer()).await {
            Some(answer) => answer.map(|message| Some(self.read(message))),
            None => Ok(None),
        }
    }

    /// The next that comes, as a poll.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Came, Error>> {
        self.ask.poll(context).map(|answer| answer.map(|message| self.read(message)))
    }

    async fn answer(&self) -> Result<Message, Error> {
        poll_fn(|context| self.ask.poll(context)).await
    }

    fn read(&mut self, message: Message) -> Came {
        if message.sender() == crate::message::name::AMS {
            #[derive(serde::Deserialize)]
            struct Reported {
                agent: String,
            }
            let reported: Option<Reported> = message.read_content().ok();
            return match reported.and_then(|it| self.places.get(it.agent.as_str()).copied()) {
                Some(place) => {
                    self.pending[place] = false;
                    Came::Fault(place, message)
                }
                None => match self.places.get(message.sender()).copied() {
                    Some(place) => Came::From(place, message),
                    None => Came::Other(message),
                },
            };
        }
        match self.places.get(message.sender()).copied() {
            Some(place) => Came::From(place, message),
            None => Came::Other(message),
        }
    }

    /// The participant in this place has said its last.
    pub fn settled(&mut self, place: usize) {
        self.pending[place] = false;
    }

    /// The participant in this place did not answer in time.
    pub fn is_silent(&mut self, place: usize) {
        let asked = self.participants[place].name();
        let now = self.core.source.now_micros();
        self.core.book.gave_up(&self.conversation_id, &self.core.name, asked, now);
        if let Some(message) = self.asked[place].take().filter(|it| it.reply_by().is_some()) {
            self.core.tell_deadline(&message, asked, Post::outside());
        }
    }

    /// Whether this answers the last call for proposals, as far as it says.
    pub fn answers_call(&self, message: &Message) -> bool {
        message.in_reply_to().is_none_or(|named| named == self.key)
    }

    /// The places of the participants that have come to one of these stages.
    pub fn places_at(&self, stages: &[Stage]) -> Vec<usize> {
        let asker = &self.core.name;
        let at = self.core.book.asked_at(&self.conversation_id, asker, stages);
        let mut places: Vec<usize> =
            at.iter().filter_map(|name| self.places.get(name).copied()).collect();
        places.sort_unstable();
        places
    }

    /// How many answers found no room.
    pub fn missed(&self) -> u64 {
        self.ask.missed()
    }

    /// Withdraws what was asked of the participants that have not come to their end, without waiting
    /// for room.
    pub fn cancel(&mut self) {
        let begun = Begun {
            ask: &self.ask,
            protocol: self.protocol.as_str(),
            conversation_id: &self.conversation_id,
        };
        for (pending, member) in self.pending.iter_mut().zip(&self.participants) {
            if std::mem::take(pending) {
                self.core.cancel(&begun, member);
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.core.check_open().is_err() {
            self.core.asks.remove(&self.ask);
            return;
        }
        self.cancel();
        self.core.let_linger(&self.ask);
    }
}

impl Core {
    /// Rejects a proposal that came when all had been decided.
    pub fn reject_late(&self, ask: &Ask, proposal: &Message, post: Post<'_>) {
        // What was decided upon already is not decided upon again.
        let undecided = [Stage::Proposed, Stage::Overbidding];
        let is_undecided = proposal.conversation_id().is_none_or(|id| {
            let asked = self.book.asked_at(id, &self.name, &undecided);
            asked.iter().any(|name| **name == *proposal.sender())
        });
        if ask.asker() != &*self.name || !is_undecided {
            return;
        }
        let draft = Draft::raw_reply(proposal, Performative::RejectProposal, LATE.as_bytes());
        let rejected = self.stamp_draft(&draft, &self.name);
        match rejected {
            Ok(message) => self.route(crate::runtime::Party::SCRIPT, message, None, post),
            Err(error) => tracing::warn!(%error, "a late proposal could not be rejected"),
        }
    }
}

/// What a late proposal is rejected with.
pub(super) const LATE: &str = r#"{"reason":"late"}"#;
