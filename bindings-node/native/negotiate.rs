//! The initiator's side of FIPA's protocols.

use std::time::Duration;

use caxton::{
    Brokered, Choose, ContractNet, DutchAuction, EnglishAuction, Error, ErrorKind, Message,
};
use napi_derive::napi;
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::hub::{CallId, begin};
use crate::options::timeout;
use crate::outcome::{Outcome, Value, failed};
use crate::runtime::RuntimeHandle;

/// A contract net.
#[napi(object)]
pub struct NetOptions {
    /// JSON.
    pub task: String,
    pub participants: Vec<String>,
    pub deadline: f64,
    pub timeout: Option<f64>,
    /// How many rounds an iterated one has at the most; any other has none.
    pub rounds: Option<f64>,
    pub within: Option<CallId>,
}

/// An auction.
#[napi(object)]
pub struct AuctionOptions {
    /// JSON.
    pub item: String,
    pub bidders: Vec<String>,
    pub start: f64,
    pub step: f64,
    pub reserve: Option<f64>,
    pub deadline: f64,
    pub delivers: Option<bool>,
    pub timeout: Option<f64>,
    pub within: Option<CallId>,
}

/// Something to be brokered.
#[napi(object)]
pub struct BrokeredOptions {
    pub broker: String,
    /// JSON.
    pub description: String,
    /// JSON.
    pub message: String,
    pub max_results: Option<f64>,
    pub timeout: Option<f64>,
    pub within: Option<CallId>,
}

/// JSON that is sent as it is.
pub fn raw(json: String, what: &str) -> Result<Box<RawValue>, Box<Fault>> {
    RawValue::from_string(json).map_err(|wrong| {
        let text = format!("the {what} is not JSON: {wrong}");
        Box::new(Fault::new(ErrorKind::InvalidMessage, text))
    })
}

/// A deadline in milliseconds; one that is too long for a `Duration` never comes.
pub fn deadline(millis: f64) -> Duration {
    timeout(Some(millis)).unwrap_or(Duration::MAX)
}

#[napi]
impl RuntimeHandle {
    #[napi(catch_unwind)]
    pub fn query_if(
        &self,
        agent: String,
        proposition: String,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let proposition = match raw(proposition, "proposition") {
            Ok(proposition) => proposition,
            Err(fault) => return failed(*fault),
        };
        let call = self.runtime.query_if(&agent, &proposition).timeout(timeout(millis));
        let call = call.within(self.hub.within(within));
        begin(&self.hub, async move {
            match call.await {
                Ok(truth) => Outcome::Truth(truth),
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn query_ref(
        &self,
        agent: String,
        reference: String,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let reference = match raw(reference, "reference") {
            Ok(reference) => reference,
            Err(fault) => return failed(*fault),
        };
        let call = self.runtime.query_ref(&agent, &reference).timeout(timeout(millis));
        let call = call.within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn request_when(
        &self,
        agent: String,
        action: String,
        condition: String,
        deadline: Option<f64>,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let (action, condition) = match (raw(action, "action"), raw(condition, "condition")) {
            (Ok(action), Ok(condition)) => (action, condition),
            (Err(fault), _) | (_, Err(fault)) => return failed(*fault),
        };
        let call = self.runtime.request_when(&agent, &action, &condition);
        let call = call.deadline(timeout(deadline)).timeout(timeout(millis));
        let call = call.within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn propose(
        &self,
        agent: String,
        proposal: String,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let proposal = match raw(proposal, "proposal") {
            Ok(proposal) => proposal,
            Err(fault) => return failed(*fault),
        };
        let call = self.runtime.propose(&agent, &proposal).timeout(timeout(millis));
        let call = call.within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn subscribe_to(
        &self,
        agent: String,
        content: String,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let content = match raw(content, "content") {
            Ok(content) => content,
            Err(fault) => return failed(*fault),
        };
        let (runtime, timeout) = (self.runtime.clone(), timeout(millis));
        let within = self.hub.within(within);
        begin(&self.hub, async move {
            match runtime.subscribe_to_within(&agent, &content, timeout, within).await {
                Ok(informs) => Outcome::Informs(Box::new(informs), runtime),
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    /// A contract net, iterated if it has rounds, whose best proposal is chosen by its price.
    #[napi(catch_unwind)]
    pub fn contract_net(&self, options: NetOptions, choose: String) -> Value {
        let choose = match Choose::parse(&choose) {
            Ok(choose) => choose,
            Err(error) => return failed(error),
        };
        let is_iterated = options.rounds.is_some();
        let net = match self.net(options) {
            Ok(net) => net,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move {
            Outcome::of_negotiation(match is_iterated {
                true => runtime.iterated_contract_net(net, choose).await,
                false => runtime.contract_net(net, choose).await,
            })
        })
    }

    /// The same as far as the proposals, which the program decides upon.
    #[napi(catch_unwind)]
    pub fn call_for_proposals(&self, options: NetOptions) -> Value {
        let is_iterated = options.rounds.is_some();
        let net = match self.net(options) {
            Ok(net) => net,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move {
            let tender = match is_iterated {
                true => runtime.call_for_iterated_proposals(net).await,
                false => runtime.call_for_proposals(net).await,
            };
            match tender {
                Ok(tender) => Outcome::Tender(Box::new(tender), runtime),
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn english_auction(&self, options: AuctionOptions) -> Value {
        let item = match raw(options.item, "item") {
            Ok(item) => item,
            Err(fault) => return failed(*fault),
        };
        let mut auction = EnglishAuction::new(&item, options.bidders, options.start, options.step)
            .reserve(options.reserve)
            .deadline(deadline(options.deadline))
            .timeout(timeout(options.timeout))
            .within(self.hub.within(options.within));
        if options.delivers == Some(true) {
            auction = auction.deliver();
        }
        let runtime = self.runtime.clone();
        begin(
            &self.hub,
            async move { Outcome::of_negotiation(runtime.english_auction(auction).await) },
        )
    }

    #[napi(catch_unwind)]
    pub fn dutch_auction(&self, options: AuctionOptions) -> Value {
        let item = match raw(options.item, "item") {
            Ok(item) => item,
            Err(fault) => return failed(*fault),
        };
        let auction = DutchAuction::new(&item, options.bidders, options.start, options.step)
            .reserve(options.reserve)
            .deadline(deadline(options.deadline))
            .within(self.hub.within(options.within));
        let runtime = self.runtime.clone();
        begin(
            &self.hub,
            async move { Outcome::of_negotiation(runtime.dutch_auction(auction).await) },
        )
    }

    #[napi(catch_unwind)]
    pub fn broker(&self, options: BrokeredOptions) -> Value {
        let brokered = match self.brokered(options) {
            Ok(brokered) => brokered,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move { of_answers(runtime.broker(brokered).await) })
    }

    #[napi(catch_unwind)]
    pub fn recruit(&self, options: BrokeredOptions) -> Value {
        let brokered = match self.brokered(options) {
            Ok(brokered) => brokered,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move { of_answers(runtime.recruit(brokered).await) })
    }
}

impl RuntimeHandle {
    fn net(&self, options: NetOptions) -> Result<ContractNet, Box<Fault>> {
        let net = ContractNet::new(&raw(options.task, "task")?, options.participants)
            .deadline(deadline(options.deadline))
            .timeout(timeout(options.timeout))
            .within(self.hub.within(options.within));
        Ok(match options.rounds {
            Some(rounds) => net.rounds(rounds as u32),
            None => net,
        })
    }

    fn brokered(&self, options: BrokeredOptions) -> Result<Brokered, Box<Fault>> {
        let description = raw(options.description, "description")?;
        let message = raw(options.message, "message")?;
        let brokered = Brokered::new(options.broker, &description, &message)
            .timeout(timeout(options.timeout))
            .within(self.hub.within(options.within));
        Ok(match options.max_results {
            Some(most) => brokered.max_results(most as usize),
            None => brokered,
        })
    }
}

fn of_answers(result: Result<Vec<Message>, Error>) -> Outcome {
    match result {
        Ok(answers) => Outcome::Answers(answers.into_iter().map(Ok).collect()),
        Err(error) => Outcome::Failed(error.into()),
    }
}
