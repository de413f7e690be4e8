//! The interaction protocols (FIPA SC00026 to SC00036), each as the list of the steps that it allows.

use super::machine::Role::{Initiator as I, Participant as P};
use super::machine::Stage::{self, *};
use super::machine::{Role, Step};
use crate::choice::choice;
use crate::message::Performative as Act;

/// An interaction protocol that the runtime follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// To have something done (FIPA SC00026).
    Request,
    /// To be told something (FIPA SC00027).
    Query,
    /// To have something done once a condition holds (FIPA SC00028).
    RequestWhen,
    /// To offer to do something (FIPA SC00036).
    Propose,
    /// To be told something again and again (FIPA SC00035).
    Subscribe,
    /// To give a task to who makes the best offer (FIPA SC00029).
    ContractNet,
    /// The same over several rounds (FIPA SC00030).
    IteratedContractNet,
    /// An auction whose price goes up (FIPA XC00031).
    EnglishAuction,
    /// An auction whose price goes down (FIPA XC00032).
    DutchAuction,
    /// To have somebody find agents, and hand on what they answer (FIPA SC00033).
    Brokering,
    /// To have somebody find agents, who answer directly (FIPA SC00034).
    Recruiting,
}

choice!(Protocol, "the protocol",
    Request => "fipa-request", Query => "fipa-query", RequestWhen => "fipa-request-when",
    Propose => "fipa-propose", Subscribe => "fipa-subscribe",
    ContractNet => "fipa-contract-net", IteratedContractNet => "fipa-iterated-contract-net",
    EnglishAuction => "fipa-auction-english", DutchAuction => "fipa-auction-dutch",
    Brokering => "fipa-brokering", Recruiting => "fipa-recruiting");

const fn step(at: Stage, by: Role, acts: &'static [Act], to: Stage) -> Step {
    Step { at, by, acts, to }
}

/// What a participant that was asked for something answers, and its result.
const RESULT: &[Step] = &[
    step(Asked, P, &[Act::Refuse], Refused),
    step(Asked, P, &[Act::Agree], Agreed),
    step(Asked, P, &[Act::Failure], Failed),
    step(Asked, P, &[Act::Inform], Done),
    step(Agreed, P, &[Act::Failure], Failed),
    step(Agreed, P, &[Act::Inform], Done),
];

const REQUEST: &[Step] = &[step(Start, I, &[Act::Request], Asked)];

const QUERY: &[Step] = &[step(Start, I, &[Act::QueryIf, Act::QueryRef], Asked)];

const REQUEST_WHEN: &[Step] = &[
    step(Start, I, &[Act::RequestWhen], Asked),
    step(Asked, P, &[Act::Refuse], Refused),
    step(Asked, P, &[Act::Agree], Agreed),
    step(Agreed, P, &[Act::Failure], Failed),
    step(Agreed, P, &[Act::Inform], Done),
];

const PROPOSE: &[Step] = &[
    step(Start, I, &[Act::Propose], Proposed),
    step(Proposed, P, &[Act::AcceptProposal], Accepted),
    step(Proposed, P, &[Act::RejectProposal], Rejected),
];

const SUBSCRIBE: &[Step] = &[
    step(Start, I, &[Act::Subscribe], Asked),
    step(Asked, P, &[Act::Refuse], Refused),
    step(Asked, P, &[Act::Agree, Act::Inform], Subscribed),
    step(Asked, P, &[Act::Failure], Failed),
    step(Subscribed, P, &[Act::Inform], Subscribed),
    step(Subscribed, P, &[Act::Failure], Failed),
];

const CONTRACT_NET: &[Step] = &[
    step(Start, I, &[Act::Cfp], Called),
    step(Called, P, &[Act::Refuse], Refused),
    step(Called, P, &[Act::Propose], Proposed),
    step(Proposed, I, &[Act::RejectProposal], Rejected),
    step(Proposed, I, &[Act::AcceptProposal], Accepted),
    step(Accepted, P, &[Act::Failure], Failed),
    step(Accepted, P, &[Act::Inform], Done),
];

/// Beside what a contract net allows.
const ITERATED_CONTRACT_NET: &[Step] = &[step(Proposed, I, &[Act::Cfp], Called)];

/// Who does not bid stays silent, and hears the next price or the end.
const ENGLISH_AUCTION: &[Step] = &[
    step(Start, I, &[Act::Inform], Announced),
    step(Announced, I, &[Act::Cfp], Called),
    step(Announced, I, &[Act::Inform], Closed),
    step(Called, P, &[Act::Propose], Proposed),
    step(Called, I, &[Act::Cfp], Called),
    step(Called, I, &[Act::Inform], Closed),
    step(Proposed, I, &[Act::AcceptProposal], Leading),
    step(Proposed, I, &[Act::RejectProposal], Outbid),
    step(Leading, I, &[Act::Cfp], Defending),
    step(Leading, I, &[Act::Inform], Won),
    step(Defending, P, &[Act::Propose], Overbidding),
    step(Defending, I, &[Act::Cfp], Defending),
    step(Defending, I, &[Act::Inform], Won),
    step(Overbidding, I, &[Act::AcceptProposal, Act::RejectProposal], Leading),
    step(Outbid, I, &[Act::Cfp], Called),
    step(Outbid, I, &[Act::Inform], Closed),
    step(Won, I, &[Act::Request], Asked),
];

const DUTCH_AUCTION: &[Step] = &[
    step(Start, I, &[Act::Inform], Announced),
    step(Announced, I, &[Act::Cfp], Called),
    step(Announced, I, &[Act::Inform], Closed),
    step(Called, P, &[Act::Propose], Proposed),
    step(Called, I, &[Act::Cfp], Called),
    step(Called, I, &[Act::Inform], Closed),
    step(Proposed, I, &[Act::AcceptProposal], Accepted),
    step(Proposed, I, &[Act::RejectProposal], Rejected),
];

/// What agents that were found may answer: the replies of every protocol that can be brokered.
pub(crate) const FORWARDED: &[Act] = &[
    Act::AcceptProposal,
    Act::Confirm,
    Act::Disconfirm,
    Act::Inform,
    Act::Propose,
    Act::Refuse,
    Act::RejectProposal,
];

const BROKERING: &[Step] = &[
    step(Start, I, &[Act::Proxy], Asked),
    step(Asked, P, &[Act::Refuse], Refused),
    step(Asked, P, &[Act::Agree], Agreed),
    step(Agreed, P, &[Act::Failure], Failed),
    step(Agreed, P, FORWARDED, Answered),
    step(Answered, P, FORWARDED, Answered),
    step(Answered, P, &[Act::Failure], Answered),
];

const RECRUITING: &[Step] = &[
    step(Start, I, &[Act::Proxy], Asked),
    step(Asked, P, &[Act::Refuse], Refused),
    step(Asked, P, &[Act::Agree], Agreed),
    step(Agreed, P, &[Act::Failure], Failed),
    step(Agreed, P, &[Act::Inform], Done),
];

impl Protocol {
    /// The protocol that a message names; `None` if it is none that the runtime follows.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.as_str() == name)
    }

    /// Every step that the protocol allows. Beside them, both sides may say `not-understood` at any
    /// point, and the initiator `cancel`.
    pub(crate) fn steps(self) -> impl Iterator<Item = &'static Step> {
        let (own, shared): (&[Step], &[Step]) = match self {
            Protocol::Request => (REQUEST, RESULT),
            Protocol::Query => (QUERY, RESULT),
            Protocol::RequestWhen => (REQUEST_WHEN, &[]),
            Protocol::Propose => (PROPOSE, &[]),
            Protocol::Subscribe => (SUBSCRIBE, &[]),
            Protocol::ContractNet => (CONTRACT_NET, &[]),
            Protocol::IteratedContractNet => (ITERATED_CONTRACT_NET, CONTRACT_NET),
            Protocol::EnglishAuction => (ENGLISH_AUCTION, RESULT),
            Protocol::DutchAuction => (DUTCH_AUCTION, &[]),
            Protocol::Brokering => (BROKERING, &[]),
            Protocol::Recruiting => (RECRUITING, &[]),
        };
        own.iter().chain(shared)
    }

    /// The acts that begin a conversation.
    pub(crate) fn openings(self) -> &'static [Act] {
        let opening = self.steps().find(|step| step.at == Start && step.by == I);
        opening.map_or(&[], |step| step.acts)
    }

    /// Returns true if this act begins a conversation.
    pub(crate) fn opens(self, act: Act) -> bool {
        self.openings().contains(&act)
    }

    /// The stages at which nothing more has to be said.
    pub(crate) fn ends(self) -> &'static [Stage] {
        match self {
            Protocol::Propose | Protocol::DutchAuction => &[Accepted, Rejected, Closed],
            _ => &[Done, Refused, Failed, Rejected, Closed, Won, Answered],
        }
    }
}
