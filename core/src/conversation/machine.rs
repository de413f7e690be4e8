//! How far one initiator and one participant have come, and what each of them may say next.

use super::protocol::Protocol;
use crate::choice::choice;
use crate::message::Performative;

/// Which side of a protocol somebody is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Who began the conversation.
    Initiator,
    /// Who was asked to take part.
    Participant,
}

impl Role {
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Role::Initiator => Role::Participant,
            Role::Participant => Role::Initiator,
        }
    }
}

/// How far a conversation has come between its initiator and one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Nothing has been said.
    Start,
    /// A request, a query or a subscription waits for its answer.
    Asked,
    /// The participant has agreed, and its result is due.
    Agreed,
    /// A subscription runs.
    Subscribed,
    /// A call for proposals waits for a proposal.
    Called,
    /// A proposal waits for its answer.
    Proposed,
    /// An auction has been announced.
    Announced,
    /// A bid was accepted; it leads unless somebody else bids more.
    Leading,
    /// The next price was called out after a bid that was accepted.
    Defending,
    /// Another bid, after one that was accepted, waits for its answer.
    Overbidding,
    /// A bid was rejected; there may be another round.
    Outbid,
    /// A proposal was accepted, and what was proposed is due.
    Accepted,
    /// Brokered answers have come; there may be more.
    Answered,
    /// It ended well.
    Done,
    /// The participant refused.
    Refused,
    /// The participant tried and failed.
    Failed,
    /// A proposal was rejected.
    Rejected,
    /// An auction is over.
    Closed,
    /// An auction is over, and the participant, whose bid was accepted, may be asked to deliver.
    Won,
    /// The initiator withdrew what it asked for.
    Cancelled,
    /// One side did not understand the other.
    NotUnderstood,
}

choice!(Stage, "the stage of a conversation",
    Start => "start", Asked => "asked", Agreed => "agreed", Subscribed => "subscribed",
    Called => "called", Proposed => "proposed", Announced => "announced", Leading => "leading",
    Defending => "defending", Overbidding => "overbidding", Outbid => "outbid", Accepted => "accepted", Answered => "answered", Done => "done",
    Refused => "refused", Failed => "failed", Rejected => "rejected", Closed => "closed",
    Won => "won", Cancelled => "cancelled", NotUnderstood => "not-understood");

/// What an answer of the participant answers, while a `cancel` of the initiator waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settles {
    /// The `cancel`.
    Cancel,
    /// Something else that was said.
    Other,
}

/// One step that a protocol allows: who says what at which stage, and where that leads.
pub(crate) struct Step {
    pub at: Stage,
    pub by: Role,
    pub acts: &'static [Performative],
    pub to: Stage,
}

/// Where one initiator and one participant are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Progress {
    pub stage: Stage,
    /// A `cancel` waits for its answer.
    pub cancelling: bool,
}

impl Progress {
    pub const START: Progress = Progress { stage: Stage::Start, cancelling: false };

    /// Where an act leads; `None` if the protocol does not allow it here.
    pub fn step(
        self,
        protocol: Protocol,
        by: Role,
        act: Performative,
        settles: Settles,
    ) -> Option<Progress> {
        match (by, act) {
            _ if matches!(self.stage, Stage::Cancelled | Stage::NotUnderstood) => None,
            (_, Performative::NotUnderstood) => self.begun(Stage::NotUnderstood),
            (Role::Initiator, Performative::Cancel) if !self.cancelling => {
                let begun = self.stage != Stage::Start;
                begun.then_some(Progress { cancelling: true, ..self })
            }
            (Role::Participant, act) if self.cancelling && settles == Settles::Cancel => {
                match act {
                    Performative::Inform if self.is_end(protocol) => {
                        Some(Progress { cancelling: false, ..self })
                    }
                    Performative::Inform => self.begun(Stage::Cancelled),
                    // It was too late: what was begun goes on to its own end.
                    Performative::Failure => Some(Progress { cancelling: false, ..self }),
                    _ => None,
                }
            }
            _ => {
                let allowed = |step: &&Step| {
                    step.at == self.stage && step.by == by && step.acts.contains(&act)
                };
                let step = protocol.steps().find(allowed)?;
                Some(Progress { stage: step.to, ..self })
            }
        }
    }

    fn begun(self, stage: Stage) -> Option<Progress> {
        (self.stage != Stage::Start).then_some(Progress { stage, cancelling: false })
    }

    /// Whether nothing more has to be said.
    pub fn is_end(self, protocol: Protocol) -> bool {
        matches!(self.stage, Stage::Cancelled | Stage::NotUnderstood)
            || protocol.ends().contains(&self.stage)
    }

    /// Whose turn it is, if one of them has to say something: while both may, the participant's.
    pub fn due(self, protocol: Protocol) -> Option<Role> {
        if self.cancelling {
            return Some(Role::Participant);
        }
        if self.is_end(protocol) {
            return None;
        }
        let next =
            |role: Role| protocol.steps().any(|step| step.at == self.stage && step.by == role);
        [Role::Participant, Role::Initiator].into_iter().find(|role| next(*role))
    }

    /// What `by` may say here.
    pub fn allowed(self, protocol: Protocol, by: Role) -> Vec<Performative> {
        let may = |act: &Performative| {
            [Settles::Cancel, Settles::Other]
                .iter()
                .any(|settles| self.step(protocol, by, *act, *settles).is_some())
        };
        Performative::ALL.iter().copied().filter(may).collect()
    }
}
