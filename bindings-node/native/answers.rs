//! What comes of a protocol with several participants.

use caxton::{Answer, Outcome};
use napi_derive::napi;

use crate::message::{Text, text};

/// The answer of one participant.
#[napi(object, object_from_js = false)]
pub struct OneAnswer {
    pub agent: String,
    pub status: &'static str,
    pub proposal: Option<Text>,
    pub message: Option<Text>,
}

/// What came of a protocol with several participants.
#[napi(object, object_from_js = false)]
pub struct AllAnswers {
    pub conversation_id: String,
    pub answers: Vec<OneAnswer>,
    /// The place of the winner among the answers.
    pub winner: Option<u32>,
    pub forwarded: Vec<Text>,
    pub missed: f64,
    pub rounds: u32,
    pub price: Option<f64>,
}

impl From<&Answer> for OneAnswer {
    fn from(answer: &Answer) -> Self {
        OneAnswer {
            agent: answer.agent.clone(),
            status: answer.status.as_str(),
            proposal: answer.proposal.as_ref().map(text),
            message: answer.message.as_ref().map(text),
        }
    }
}

impl From<Outcome> for AllAnswers {
    fn from(outcome: Outcome) -> Self {
        let winner = outcome.answers.iter().position(Answer::won);
        AllAnswers {
            answers: outcome.answers.iter().map(OneAnswer::from).collect(),
            winner: winner.and_then(|place| u32::try_from(place).ok()),
            forwarded: outcome.forwarded.iter().map(text).collect(),
            missed: outcome.missed as f64,
            rounds: outcome.rounds,
            price: outcome.price,
            conversation_id: outcome.conversation_id,
        }
    }
}
