//! Auctions: one whose price goes up (FIPA XC00031), and one whose price goes down (XC00032).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::contract_net::{number, price, with_price};
use super::exchange::{Came, Exchange, LATE};
use super::outcome::{Outcome, Status};
use crate::conversation::{Protocol, Stage};
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Message, Performative};
use crate::runtime::{Core, DEFAULT_TIMEOUT};

/// The most rounds of one auction.
const MAX_ROUNDS: u32 = 100_000;
/// The bidders of an auction whose price goes up can keep it going for so many times the deadline of a round.
const MAX_DEADLINES: u32 = 100;
/// How long bids are waited for, unless it is said otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// What both auctions have in common.
#[derive(Debug, Clone)]
struct Terms {
    item: Result<String, Error>,
    bidders: Vec<String>,
    start: f64,
    step: f64,
    reserve: Option<f64>,
    deadline: Duration,
    timeout: Option<Duration>,
    delivers: bool,
    within: Option<Within>,
}

/// An item that is sold to whoever bids most. The price goes up by a step after each round in which
/// somebody has bid.
#[derive(Debug, Clone)]
pub struct EnglishAuction(Terms);

/// An item that is sold to whoever bids first. The price goes down by a step after each round in
/// which nobody has bid.
#[derive(Debug, Clone)]
pub struct DutchAuction(Terms);

macro_rules! terms {
    ($auction:ident) => {
        impl $auction {
            /// Sells `item` to these bidders, at `start` first and then in steps of `step`.
            pub fn new(
                item: &impl Serialize,
                bidders: impl IntoIterator<Item = impl Into<String>>,
                start: f64,
                step: f64,
            ) -> Self {
                let item = serde_json::to_string(item).map_err(|wrong| {
                    let text = format!("the item is not JSON: {wrong}");
                    Error::new(ErrorKind::InvalidMessage, text)
                });
                $auction(Terms {
                    item,
                    bidders: bidders.into_iter().map(Into::into).collect(),
                    start,
                    step,
                    reserve: None,
                    deadline: DEFAULT_DEADLINE,
                    timeout: Some(DEFAULT_TIMEOUT),
                    delivers: false,
                    within: None,
                })
            }

            /// The price below which it is not sold.
            #[must_use]
            pub fn reserve(mut self, reserve: impl Into<Option<f64>>) -> Self {
                self.0.reserve = reserve.into();
                self
            }

            /// Time for bids in each round; 5 seconds unless said otherwise. In an auction whose
            /// price goes up, who has said nothing in a round is not waited for in later ones while others bid. No
            /// round begins after a hundred times the deadline.
            #[must_use]
            pub fn deadline(mut self, deadline: Duration) -> Self {
                self.0.deadline = deadline;
                self
            }

            /// Says that the call is made while a host agent handles a task.
            #[must_use]
            pub fn within(mut self, task: impl Into<Option<Within>>) -> Self {
                self.0.within = task.into();
                self
            }
        }
    };
}

terms!(EnglishAuction);
terms!(DutchAuction);

impl EnglishAuction {
    /// Requests of the winner what it has bid for, and waits for the result; see
    /// [`EnglishAuction::timeout`].
    #[must_use]
    pub fn deliver(mut self) -> Self {
        self.0.delivers = true;
        self
    }

    /// How long the result of the winner is waited for; 30 seconds unless said otherwise. `None` waits
    /// for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.0.timeout = timeout.into();
        self
    }
}

/// An auction that is being held.
struct Auction {
    exchange: Exchange,
    terms: Terms,
    item: String,
    outcome: Outcome,
    /// Who has bid most so far, and what.
    leader: Option<(usize, f64)>,
    /// The bidders that said nothing when they were called last.
    silent: HashSet<usize>,
    /// No round begins after this time, where the price goes up.
    until: u64,
}

impl Terms {
    fn check(&self) -> Result<(), Error> {
        let are_numbers = self.start.is_finite()
            && self.step.is_finite()
            && self.reserve.is_none_or(f64::is_finite);
        if are_numbers && self.step > 0.0 {
            return Ok(());
        }
        let (start, step) = (self.start, self.step);
        let text = format!(
            "an auction from {start} in steps of {step}: expected numbers, and a step above 0"
        );
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }
}

impl Core {
    pub async fn english_auction(
        self: &Arc<Self>,
        auction: EnglishAuction,
    ) -> Result<Outcome, Error> {
        let mut auction = Auction::open(self, Protocol::EnglishAuction, auction.0).await?;
        let mut price = auction.terms.start;
        while auction.has_time() {
            let bids = auction.round(price).await?;
            let Some((winner, best)) = highest(&bids, price) else { break };
            auction.decide(winner, best, &bids).await?;
            price = best + auction.terms.step;
            if price <= best {
                // A step is lost in so high a price.
                break;
            }
        }
        let is_sold = match (auction.leader, auction.terms.reserve) {
            (Some((_, price)), Some(reserve)) => price >= reserve,
            (leader, _) => leader.is_some(),
        };
        if !is_sold {
            auction.no_sale();
        }
        auction.reject_undecided().await?;
        auction.end().await?;
        if auction.terms.delivers && auction.leader.is_some() {
            auction.deliver().await?;
        }
        Ok(auction.told())
    }

    pub async fn dutch_auction(self: &Arc<Self>, auction: DutchAuction) -> Result<Outcome, Error> {
        let mut auction = Auction::open(self, Protocol::DutchAuction, auction.0).await?;
        let (mut price, reserve) = (auction.terms.start, auction.terms.reserve.unwrap_or(0.0));
        for _ in 0..MAX_ROUNDS {
            if price < reserve {
                break;
            }
            let bids = auction.round(price).await?;
            if let Some((first, _)) = bids.first() {
                auction.decide(*first, price, &bids).await?;
                break;
            }
            price -= auction.terms.step;
        }
        auction.reject_undecided().await?;
        auction.end().await?;
        Ok(auction.told())
    }
}

impl Auction {
    async fn open(core: &Arc<Core>, protocol: Protocol, terms: Terms) -> Result<Self, Error> {
        terms.check()?;
        let mut exchange = Exchange::open(core, protocol, &terms.bidders, terms.within)?;
        let item = terms.item.clone()?;
        let outcome = exchange.outcome();
        let everybody: Vec<usize> = (0..exchange.len()).collect();
        let announced = with_price(&item, terms.start);
        exchange.say(Performative::Inform, &everybody, &announced, None).await?;
        let until = exchange.after(terms.deadline.saturating_mul(MAX_DEADLINES));
        let silent = HashSet::new();
        Ok(Auction { exchange, terms, item, outcome, leader: None, silent, until })
    }

    /// Returns false when another round would be one too many, where the price goes up.
    fn has_time(&self) -> bool {
        self.outcome.rounds < MAX_ROUNDS && self.exchange.now() < self.until
    }

    /// The outcome, when all is over.
    fn told(mut self) -> Outcome {
        self.outcome.missed += self.exchange.missed();
        self.outcome
    }

    /// Who may still bid: everybody who has not gone, but the one that leads.
    fn bidders(&self) -> Vec<usize> {
        let leads = self.leader.map(|(leader, _)| leader);
        let may_bid = |place: &usize| {
            let status = self.outcome.answers[*place].status;
            Some(*place) != leads
                && !matches!(status, Status::Failed | Status::NotUnderstood | Status::Refused)
        };
        (0..self.exchange.len()).filter(may_bid).collect()
    }

    /// Rejects the bids that nobody has decided upon: they came after their round.
    async fn reject_undecided(&mut self) -> Result<(), Error> {
        let late = self.exchange.places_at(&[Stage::Proposed, Stage::Overbidding]);
        self.exchange.say(Performative::RejectProposal, &late, LATE, None).await?;
        Ok(())
    }

    /// Calls a price out; the bids that come before the deadline, in their order.
    async fn round(&mut self, price: f64) -> Result<Vec<(usize, Message)>, Error> {
        self.outcome.rounds += 1;
        self.reject_undecided().await?;
        let called = self.bidders();
        if called.is_empty() {
            return Ok(Vec::new());
        }
        let until = self.exchange.after(self.terms.deadline);
        let content = with_price(&self.item, price);
        let failed = self.exchange.say(Performative::Cfp, &called, &content, Some(until)).await?;
        let mut gone = failed.len();
        // While nobody bids, everybody is waited for.
        let mut awaited: HashSet<usize> = called.iter().copied().collect();
        for (place, error) in failed {
            awaited.remove(&place);
            // A bid that came at this very moment stands in the way of the call.
            if error.kind() != ErrorKind::InvalidMessage {
                self.outcome.answers[place].status = Status::Failed;
            }
            self.exchange.settled(place);
        }
        let is_dutch = self.exchange.protocol == Protocol::DutchAuction;
        let mut bids: Vec<(usize, Message)> = Vec::new();
        // Who has been silent is not waited for once somebody bids.
        let mut left = awaited.difference(&self.silent).count();
        while bids.len() + gone < called.len() && (bids.is_empty() || !is_dutch && left > 0) {
            let (place, message) = match self.exchange.next(Some(until)).await? {
                None => break,
                Some(Came::Other(message)) => {
                    self.outcome.forward(message, &mut self.exchange.room);
                    continue;
                }
                Some(Came::From(place, message) | Came::Fault(place, message)) => (place, message),
            };
            if !called.contains(&place) {
                continue;
            }
            let answer = &mut self.outcome.answers[place];
            match message.performative() {
                // One of an earlier round, or for less than was called out, is late.
                Performative::Propose
                    if !self.exchange.answers_call(&message)
                        || self::price(&message).is_some_and(|offered| offered < price) => {}
                Performative::Propose if bids.iter().any(|(bidder, _)| *bidder == place) => {}
                Performative::Propose => {
                    left -= usize::from(awaited.remove(&place) && !self.silent.contains(&place));
                    bids.push((place, message));
                }
                act @ (Performative::Failure
                | Performative::NotUnderstood
                | Performative::Refuse) => {
                    answer.status = match act {
                        Performative::Failure => Status::Failed,
                        Performative::Refuse => Status::Refused,
                        _ => Status::NotUnderstood,
                    };
                    answer.message = Some(message);
                    self.exchange.settled(place);
                    left -= usize::from(awaited.remove(&place) && !self.silent.contains(&place));
                    gone += 1;
                }
                _ => {}
            }
        }
        self.silent.retain(|place| awaited.contains(place));
        if !bids.is_empty() {
            self.silent.extend(awaited);
        }
        Ok(bids)
    }

    /// Accepts one bid and rejects the others.
    async fn decide(
        &mut self,
        winner: usize,
        best: f64,
        bids: &[(usize, Message)],
    ) -> Result<(), Error> {
        if let Some((before, _)) = self.leader {
            self.outcome.answers[before].status = Status::Rejected;
        }
        for (place, bid) in bids {
            let answer = &mut self.outcome.answers[*place];
            answer.proposal = Some(bid.clone());
            answer.status = if *place == winner { Status::Accepted } else { Status::Rejected };
        }
        let content = with_price("null", best);
        self.exchange.say(Performative::AcceptProposal, &[winner], &content, None).await?;
        let others: Vec<usize> =
            bids.iter().map(|(place, _)| *place).filter(|place| *place != winner).collect();
        let is_dutch = self.exchange.protocol == Protocol::DutchAuction;
        let reason = if is_dutch { LATE } else { OUTBID };
        self.exchange.say(Performative::RejectProposal, &others, reason, None).await?;
        self.leader = Some((winner, best));
        self.outcome.price = Some(best);
        self.settle_all();
        Ok(())
    }

    fn no_sale(&mut self) {
        if let Some((leader, _)) = self.leader.take() {
            self.outcome.answers[leader].status = Status::Rejected;
        }
        self.outcome.price = None;
    }

    /// Says that it is over, and what came of it.
    async fn end(&mut self) -> Result<(), Error> {
        let content = match self.leader {
            Some((leader, price)) => serde_json::json!({
                "winner": &**self.exchange.name(leader),
                "price": number(price),
            }),
            None => serde_json::json!({ "winner": null }),
        };
        // In an auction whose price goes down, whoever has bid knows.
        let waiting = self.exchange.places_at(&[
            Stage::Announced,
            Stage::Called,
            Stage::Outbid,
            Stage::Leading,
            Stage::Defending,
        ]);
        let act = Performative::Inform;
        self.exchange.say(act, &waiting, &content.to_string(), None).await?;
        self.settle_all();
        Ok(())
    }

    /// Requests of the winner what it has bid for.
    async fn deliver(&mut self) -> Result<(), Error> {
        let Some((winner, price)) = self.leader else { return Ok(()) };
        let until = self.terms.timeout.map(|timeout| self.exchange.after(timeout));
        let content = with_price(&self.item, price);
        self.exchange.say(Performative::Request, &[winner], &content, until).await?;
        loop {
            let (place, message) = match self.exchange.next(until).await? {
                None => {
                    self.exchange.is_silent(winner);
                    return Ok(());
                }
                Some(Came::Other(_)) => continue,
                Some(Came::From(place, message) | Came::Fault(place, message)) => (place, message),
            };
            if place != winner {
                continue;
            }
            let answer = &mut self.outcome.answers[winner];
            answer.status = match message.performative() {
                Performative::Inform => Status::Done,
                Performative::NotUnderstood => Status::NotUnderstood,
                Performative::Failure | Performative::Refuse => Status::Failed,
                _ => continue,
            };
            answer.message = Some(message);
            self.exchange.settled(winner);
            return Ok(());
        }
    }

    /// Nothing has to be withdrawn: who does not bid says nothing.
    fn settle_all(&mut self) {
        for place in 0..self.exchange.len() {
            self.exchange.settled(place);
        }
    }
}

/// What the losers of a round are told.
const OUTBID: &str = r#"{"reason":"outbid"}"#;

/// The highest bid, at or above the price that was called out; of equal ones the first. A bid without
/// a price is one at that price.
fn highest(bids: &[(usize, Message)], called: f64) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (place, bid) in bids {
        let offered = price(bid).unwrap_or(called).max(called);
        if best.is_none_or(|(_, best)| offered > best) {
            best = Some((*place, offered));
        }
    }
    best
}
