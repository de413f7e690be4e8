//! Protocols with one participant and one result, and the calls of the runtime that begin a protocol.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{
    Brokered, Choose, ContractNet, DutchAuction, EnglishAuction, Informs, Outcome, Tender,
};
use crate::conversation::Protocol;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Draft, Message, Performative};
use crate::runtime::{Awaits, Call, Runtime, outcome_of_request};

impl Runtime {
    /// Asks whether something is true (FIPA SC00027): waits through `agree`. The answer's content is a
    /// truth value, or an object with one under `result`.
    ///
    /// # Errors
    ///
    /// As [`Runtime::request`]; `InvalidMessage` if the answer is no truth value.
    pub fn query_if(&self, agent: &str, proposition: &impl Serialize) -> Call<bool> {
        let draft = Draft::new(Performative::QueryIf, agent, proposition);
        self.single(draft, Protocol::Query, truth)
    }

    /// Asks what something is (FIPA SC00027): waits through `agree` and gives the `inform`.
    ///
    /// # Errors
    ///
    /// As [`Runtime::request`].
    pub fn query_ref(&self, agent: &str, reference: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::QueryRef, agent, reference);
        self.single(draft, Protocol::Query, outcome_of_request)
    }

    /// Has something done once a condition holds (FIPA SC00028): waits through `agree`, for as long as
    /// that takes unless a timeout is said, and gives the `inform`. [`Call::deadline`] says by when the
    /// agent has to agree. The content is `{"action": …, "condition": …}`.
    ///
    /// # Errors
    ///
    /// As [`Runtime::request`].
    pub fn request_when(
        &self,
        agent: &str,
        action: &impl Serialize,
        condition: &impl Serialize,
    ) -> Call {
        #[derive(Serialize)]
        struct Content<'a, A, C> {
            action: &'a A,
            condition: &'a C,
        }
        let content = Content { action, condition };
        let draft = Draft::new(Performative::RequestWhen, agent, &content);
        self.single(draft, Protocol::RequestWhen, outcome_of_request).timeout(None)
    }

    /// Offers to do something (FIPA SC00036): gives the `accept-proposal` or the `reject-proposal`.
    ///
    /// # Errors
    ///
    /// As [`Runtime::request`].
    pub fn propose(&self, agent: &str, proposal: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::Propose, agent, proposal);
        self.single(draft, Protocol::Propose, outcome_of_request)
    }

    fn single<T>(
        &self,
        draft: Result<Draft, Error>,
        protocol: Protocol,
        read: fn(Message) -> Result<T, Error>,
    ) -> Call<T> {
        let draft = draft.map(|draft| draft.field("protocol", protocol.as_str()));
        Call::new(self.core().clone(), draft, Awaits::Result, read)
    }

    /// Subscribes to what an agent tells (FIPA SC00035). Returns when the message is in its mailbox;
    /// whether the agent refuses is seen when the first `inform` is waited for. Within `timeout` it has to
    /// have room, and to have agreed or told something; `None` is no limit.
    ///
    /// # Errors
    ///
    /// As [`Runtime::send`].
    ///
    /// # Cancel safety
    ///
    /// The subscription is cancelled when the future is dropped.
    pub async fn subscribe_to(
        &self,
        agent: &str,
        content: &impl Serialize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Informs, Error> {
        let content = json(content)?;
        self.core().subscribe_to(agent, content.get(), None, timeout.into()).await
    }

    /// The same from within a host agent's task: see [`Call::within`].
    ///
    /// # Errors
    ///
    /// As [`Runtime::subscribe_to`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::subscribe_to`].
    pub async fn subscribe_to_within(
        &self,
        agent: &str,
        content: &impl Serialize,
        timeout: impl Into<Option<Duration>>,
        within: Option<Within>,
    ) -> Result<Informs, Error> {
        let content = json(content)?;
        self.core().subscribe_to(agent, content.get(), within, timeout.into()).await
    }

    /// Offers a task, accepts the best proposal by its price, and waits for the result (FIPA SC00029).
    ///
    /// # Errors
    ///
    /// `AgentNotFound` if one of the participants is not here, `InvalidArgument` if one is named
    /// twice, `InvalidMessage`, `LimitExceeded`, `Closed`. That participants fail is no error: see
    /// [`Outcome`].
    ///
    /// # Cancel safety
    ///
    /// What participants were asked for is cancelled when the future is dropped.
    pub async fn contract_net(&self, net: ContractNet, choose: Choose) -> Result<Outcome, Error> {
        self.core().contract_net(net, choose).await
    }

    /// Offers a task and waits for proposals, for the program to decide upon: see [`Tender`].
    ///
    /// # Errors
    ///
    /// As [`Runtime::contract_net`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn call_for_proposals(&self, net: ContractNet) -> Result<Tender, Error> {
        self.core().call_for_proposals(net, Protocol::ContractNet).await
    }

    /// The same for several rounds: see [`Tender::call_again`].
    ///
    /// # Errors
    ///
    /// As [`Runtime::contract_net`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn call_for_iterated_proposals(&self, net: ContractNet) -> Result<Tender, Error> {
        self.core().call_for_proposals(net, Protocol::IteratedContractNet).await
    }

    /// A contract net of several rounds (FIPA SC00030): all that have proposed are called again with
    /// the best price so far, until nobody makes a better offer or the rounds are over.
    ///
    /// # Errors
    ///
    /// As [`Runtime::contract_net`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn iterated_contract_net(
        &self,
        net: ContractNet,
        choose: Choose,
    ) -> Result<Outcome, Error> {
        self.core().iterated_contract_net(net, choose).await
    }

    /// Sells something to whoever bids most (FIPA XC00031).
    ///
    /// # Errors
    ///
    /// As [`Runtime::contract_net`]; `InvalidArgument` if the step is not above 0.
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn english_auction(&self, auction: EnglishAuction) -> Result<Outcome, Error> {
        self.core().english_auction(auction).await
    }

    /// Sells something to whoever bids first while the price goes down (FIPA XC00032).
    ///
    /// # Errors
    ///
    /// As [`Runtime::english_auction`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn dutch_auction(&self, auction: DutchAuction) -> Result<Outcome, Error> {
        self.core().dutch_auction(auction).await
    }

    /// Has a broker find agents and pass a message on to them; what they answer (FIPA SC00033).
    ///
    /// # Errors
    ///
    /// `Refused`, `NotUnderstood`, `Failed` (nobody matches), `Timeout` if the broker did not answer,
    /// and as [`Runtime::contract_net`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn broker(&self, brokered: Brokered) -> Result<Vec<Message>, Error> {
        self.core().brokered(brokered, Protocol::Brokering).await
    }

    /// Has a recruiter find agents, which answer directly; what they answer (FIPA SC00034).
    ///
    /// # Errors
    ///
    /// As [`Runtime::broker`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::contract_net`].
    pub async fn recruit(&self, brokered: Brokered) -> Result<Vec<Message>, Error> {
        self.core().brokered(brokered, Protocol::Recruiting).await
    }
}

fn json(content: &impl Serialize) -> Result<Box<RawValue>, Error> {
    serde_json::value::to_raw_value(content).map_err(|wrong| {
        Error::new(ErrorKind::InvalidMessage, format!("the content is not JSON: {wrong}"))
    })
}

/// The truth value in the answer to a `query-if`.
fn truth(reply: Message) -> Result<bool, Error> {
    let reply = outcome_of_request(reply)?;
    let content: Value = reply.read_content()?;
    let truth = content.as_bool().or_else(|| content.get("result")?.as_bool());
    truth.ok_or_else(|| {
        let shown: String = reply.content().chars().take(200).collect();
        let text = format!(
            "{:?} answered {shown}, expected true or false, or an object with one under `result`",
            reply.sender()
        );
        Error::new(ErrorKind::InvalidMessage, text).with_reply(reply)
    })
}
