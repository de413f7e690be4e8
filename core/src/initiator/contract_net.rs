//! Contract nets: a task is offered, proposals come, the best is accepted (FIPA SC00029, SC00030).

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::exchange::{Came, Exchange, LATE};
use super::outcome::{Answer, Outcome, Status};
use crate::choice::choice;
use crate::conversation::Protocol;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Message, Performative};
use crate::runtime::{Core, DEFAULT_TIMEOUT};

/// How many rounds an iterated contract net has at the most, unless it is said otherwise.
const DEFAULT_ROUNDS: u32 = 3;

/// A task to be given to whoever makes the best offer.
#[derive(Debug, Clone)]
pub struct ContractNet {
    pub(super) task: Result<String, Error>,
    participants: Vec<String>,
    deadline: Duration,
    timeout: Option<Duration>,
    rounds: u32,
    within: Option<Within>,
}

/// Which proposal is the best. Its price is its content, where that is a number, or the `price` in
/// it; a proposal without a price is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Choose {
    /// The one with the lowest price; of those with the same, the first that came.
    #[default]
    Lowest,
    /// The one with the highest price; of those with the same, the first that came.
    Highest,
}

choice!(Choose, "the choice", Lowest => "lowest", Highest => "highest");

impl ContractNet {
    /// Offers `task` to these participants.
    pub fn new(
        task: &impl Serialize,
        participants: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let task = serde_json::to_string(task).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("the task is not JSON: {wrong}"))
        });
        ContractNet {
            task,
            participants: participants.into_iter().map(Into::into).collect(),
            deadline: DEFAULT_TIMEOUT,
            timeout: Some(DEFAULT_TIMEOUT),
            rounds: DEFAULT_ROUNDS,
            within: None,
        }
    }

    /// How long proposals are waited for, in each round; 30 seconds unless said otherwise. When all
    /// have answered, nobody waits.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long results are waited for, once proposals have been accepted; 30 seconds unless said
    /// otherwise. `None` waits for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// How many rounds an iterated contract net has at the most; 3 unless said otherwise.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(1);
        self
    }

    /// Says that the call is made while a host agent handles a task.
    #[must_use]
    pub fn within(mut self, task: impl Into<Option<Within>>) -> Self {
        self.within = task.into();
        self
    }
}

/// Proposals that wait to be decided upon. When it is dropped, those that were not are cancelled.
pub struct Tender {
    exchange: Exchange,
    task: String,
    outcome: Outcome,
    deadline: Duration,
    timeout: Option<Duration>,
    /// Those who were called in this round and have not answered.
    called: usize,
}

impl Core {
    /// Calls for proposals, and waits until all have answered or the deadline has passed.
    pub async fn call_for_proposals(
        self: &Arc<Self>,
        net: ContractNet,
        protocol: Protocol,
    ) -> Result<Tender, Error> {
        let exchange = Exchange::open(self, protocol, &net.participants, net.within)?;
        let outcome = exchange.outcome();
        let mut tender = Tender {
            outcome,
            exchange,
            task: net.task?,
            deadline: net.deadline,
            timeout: net.timeout,
            called: 0,
        };
        let everybody: Vec<usize> = (0..tender.exchange.len()).collect();
        tender.call(&everybody, tender.task.clone()).await?;
        Ok(tender)
    }

    /// A contract net whose best proposal is chosen by its price.
    pub async fn contract_net(
        self: &Arc<Self>,
        net: ContractNet,
        choose: Choose,
    ) -> Result<Outcome, Error> {
        let tender = self.call_for_proposals(net, Protocol::ContractNet).await?;
        let best = tender.best(choose);
        tender.award_places(&Vec::from_iter(best)).await
    }

    /// The same over several rounds: everybody who has proposed is told the best price, as the
    /// `price` of the task, and may propose again, until nobody offers a better one.
    pub async fn iterated_contract_net(
        self: &Arc<Self>,
        net: ContractNet,
        choose: Choose,
    ) -> Result<Outcome, Error> {
        let rounds = net.rounds;
        let mut tender = self.call_for_proposals(net, Protocol::IteratedContractNet).await?;
        for _ in 1..rounds {
            let Some(best) = tender.best(choose) else { break };
            let Some(price) = tender.price_of(best) else { break };
            let proposers = tender.places_with(Status::Proposed);
            let task = with_price(&tender.task, price);
            tender.call(&proposers, task).await?;
            let again = tender.best(choose).and_then(|best| tender.price_of(best));
            if again.is_none_or(|again| !choose.is_better(again, price)) {
                break;
            }
        }
        let best = tender.best(choose);
        tender.award_places(&Vec::from_iter(best)).await
    }
}

impl Choose {
    /// Whether one price is better than another.
    pub(super) fn is_better(self, price: f64, than: f64) -> bool {
        match self {
            Choose::Lowest => price < than,
            Choose::Highest => price > than,
        }
    }
}

impl Tender {
    /// What everybody has answered so far.
    pub fn answers(&self) -> &[Answer] {
        &self.outcome.answers
    }

    /// The proposals, in the order in which the participants were named.
    pub fn proposals(&self) -> impl Iterator<Item = &Answer> {
        self.outcome.with(Status::Proposed)
    }

    /// The conversation's id.
    pub fn conversation_id(&self) -> &str {
        &self.exchange.conversation_id
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> u32 {
        self.outcome.rounds
    }

    /// The participant with the best proposal, by its price.
    pub fn choose(&self, choose: Choose) -> Option<&Answer> {
        self.best(choose).map(|place| &self.outcome.answers[place])
    }

    /// Accepts the proposals of these participants, rejects the others, and waits for the results of
    /// those that were accepted.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if one of them has no proposal, and as [`Runtime::send`](crate::Runtime::send).
    ///
    /// # Cancel safety
    ///
    /// What was accepted is cancelled when the future is dropped.
    pub async fn award(self, to: &[impl AsRef<str>]) -> Result<Outcome, Error> {
        let places = self.places_of(to)?;
        self.award_places(&places).await
    }

    /// Calls these participants again, with another task, in an iterated contract net; rejects the
    /// other proposals. Returns when all have answered or the deadline has passed.
    ///
    /// # Errors
    ///
    /// As [`Tender::award`]; `InvalidArgument` in a contract net that has one round.
    pub async fn call_again(
        &mut self,
        task: &impl Serialize,
        to: &[impl AsRef<str>],
    ) -> Result<(), Error> {
        if self.exchange.protocol != Protocol::IteratedContractNet {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a contract net has one call; use an iterated contract net for several",
            ));
        }
        let places = self.places_of(to)?;
        let task = serde_json::to_string(task).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("the task is not JSON: {wrong}"))
        })?;
        self.reject_but(&places).await?;
        self.call(&places, task).await
    }

    fn places_of(&self, names: &[impl AsRef<str>]) -> Result<Vec<usize>, Error> {
        let place = |name: &str| {
            let found = self.outcome.answers.iter().position(|answer| answer.agent == name);
            let found = found.filter(|at| self.outcome.answers[*at].status == Status::Proposed);
            found.ok_or_else(|| {
                let text = format!("{name:?} has made no proposal that could be accepted");
                Error::new(ErrorKind::InvalidArgument, text)
            })
        };
        let mut places = Vec::new();
        for name in names {
            let place = place(name.as_ref())?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }

    pub(super) fn places_with(&self, status: Status) -> Vec<usize> {
        let answers = self.outcome.answers.iter().enumerate();
        answers.filter(|(_, answer)| answer.status == status).map(|(place, _)| place).collect()
    }

    fn price_of(&self, place: usize) -> Option<f64> {
        price(self.outcome.answers[place].proposal.as_ref()?)
    }

    fn best(&self, choose: Choose) -> Option<usize> {
        let mut best: Option<(usize, f64, u64)> = None;
        for place in self.places_with(Status::Proposed) {
            let Some(proposal) = &self.outcome.answers[place].proposal else { continue };
            let (Some(price), at) = (price(proposal), proposal.sent_at()) else { continue };
            let is_better = match best {
                None => true,
                Some((_, best, first)) => {
                    choose.is_better(price, best) || (price == best && at < first)
                }
            };
            if is_better {
                best = Some((place, price, at));
            }
        }
        best.map(|(place, ..)| place)
    }

    /// Calls for proposals, and waits for them.
    async fn call(&mut self, to: &[usize], task: String) -> Result<(), Error> {
        let until = self.exchange.after(self.deadline);
        self.outcome.rounds += 1;
        for place in to {
            let answer = &mut self.outcome.answers[*place];
            (answer.status, answer.proposal) = (Status::Silent, None);
        }
        self.called = to.len();
        let failed = self.exchange.say(Performative::Cfp, to, &task, Some(until)).await?;
        for (place, error) in failed {
            self.fail(place, error);
        }
        while self.called > 0 {
            match self.exchange.next(Some(until)).await? {
                Some(came) => self.note(came),
                None => break,
            }
        }
        for place in to {
            if self.outcome.answers[*place].status == Status::Silent {
                self.exchange.is_silent(*place);
            }
        }
        Ok(())
    }

    /// A message could not be delivered.
    fn fail(&mut self, place: usize, error: Error) {
        tracing::debug!(%error, "a participant could not be called");
        let answer = &mut self.outcome.answers[place];
        if answer.status == Status::Silent {
            self.called = self.called.saturating_sub(1);
        }
        answer.status = Status::Failed;
        answer.message = error.reply().cloned();
        self.exchange.settled(place);
        self.exchange.is_silent(place);
    }

    fn note(&mut self, came: Came) {
        let (place, message) = match came {
            Came::From(place, message) => (place, message),
            Came::Fault(place, message) => (place, message),
            Came::Other(message) => {
                return self.outcome.forward(message, &mut self.exchange.room);
            }
        };
        let answer = &mut self.outcome.answers[place];
        if answer.status != Status::Silent || !self.exchange.answers_call(&message) {
            // What is said twice counts once, and what answers an earlier call not here.
            return;
        }
        answer.status = match message.performative() {
            Performative::Propose => Status::Proposed,
            Performative::Refuse => Status::Refused,
            Performative::NotUnderstood => Status::NotUnderstood,
            Performative::Failure => Status::Failed,
            _ => return,
        };
        self.called = self.called.saturating_sub(1);
        if answer.status == Status::Proposed {
            // Until it is decided upon, whoever made it waits to hear.
            answer.proposal = Some(message);
        } else {
            answer.message = Some(message);
            self.exchange.settled(place);
        }
    }

    /// Rejects every proposal but these.
    async fn reject_but(&mut self, but: &[usize]) -> Result<(), Error> {
        let mut others = self.places_with(Status::Proposed);
        others.retain(|place| !but.contains(place));
        self.exchange.say(Performative::RejectProposal, &others, "null", None).await?;
        for place in others {
            self.outcome.answers[place].status = Status::Rejected;
        }
        Ok(())
    }

    async fn award_places(mut self, to: &[usize]) -> Result<Outcome, Error> {
        self.reject_but(to).await?;
        let until = self.timeout.map(|timeout| self.exchange.after(timeout));
        let mut left = 0;
        for place in to {
            let proposal = self.outcome.answers[*place].proposal.as_ref();
            let content = proposal.map_or("null", |proposal| proposal.content()).to_owned();
            let act = Performative::AcceptProposal;
            let failed = self.exchange.say(act, &[*place], &content, until).await?;
            self.outcome.answers[*place].status = Status::Accepted;
            match failed.into_iter().next() {
                Some((place, error)) => self.fail(place, error),
                None => left += 1,
            }
        }
        while left > 0 {
            let Some(came) = self.exchange.next(until).await? else { break };
            left -= usize::from(self.conclude(came).await?);
        }
        for place in self.places_with(Status::Accepted) {
            self.exchange.is_silent(place);
        }
        // Who said nothing is not bothered: what it still says is rejected as late.
        for place in self.places_with(Status::Silent) {
            self.exchange.settled(place);
        }
        self.outcome.missed += self.exchange.missed();
        Ok(self.outcome)
    }

    /// Notes what came after the proposals were decided upon; whether it is a result.
    async fn conclude(&mut self, came: Came) -> Result<bool, Error> {
        let (place, message) = match came {
            Came::From(place, message) => (place, message),
            Came::Fault(place, message) => (place, message),
            Came::Other(message) => {
                self.outcome.forward(message, &mut self.exchange.room);
                return Ok(false);
            }
        };
        let answer = &mut self.outcome.answers[place];
        match (answer.status, message.performative()) {
            (Status::Accepted, act) => {
                answer.status = match act {
                    Performative::Inform => Status::Done,
                    Performative::Failure | Performative::Refuse => Status::Failed,
                    Performative::NotUnderstood => Status::NotUnderstood,
                    _ => return Ok(false),
                };
                answer.message = Some(message);
                self.exchange.settled(place);
                Ok(true)
            }
            (Status::Silent, Performative::Propose) => {
                answer.status = Status::Late;
                answer.proposal = Some(message);
                self.exchange.settled(place);
                let act = Performative::RejectProposal;
                self.exchange.say(act, &[place], LATE, None).await?;
                Ok(false)
            }
            (Status::Silent, _) => {
                self.called += 1;
                let came = Came::From(place, message);
                self.note(came);
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

/// The price that a proposal names.
pub(super) fn price(proposal: &Message) -> Option<f64> {
    let content: Value = proposal.read_content().ok()?;
    let price = content.as_f64().or_else(|| content.get("price")?.as_f64())?;
    price.is_finite().then_some(price)
}

/// A task with a price; one that is no object becomes the `task` of one.
pub(super) fn with_price(task: &str, price: f64) -> String {
    let mut object = match serde_json::from_str(task) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Null) | Err(_) => Map::new(),
        Ok(other) => Map::from_iter([("task".to_owned(), other)]),
    };
    object.insert("price".to_owned(), number(price));
    Value::Object(object).to_string()
}

/// A price as JSON: whole ones without a point.
pub(super) fn number(price: f64) -> Value {
    if price.fract() == 0.0 && price.abs() < 9e15 {
        return Value::from(price as i64);
    }
    Value::from(price)
}
