//! Conversations, as they stood when they were looked at.

use caxton::{Conversation, ConversationFilter, Picture};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::fault::Fault;
use crate::message::{Text, text};
use crate::runtime::RuntimeHandle;

/// A conversation that names a protocol.
#[napi(js_name = "Conversation")]
pub struct ConversationHandle(Conversation);

/// What there is to say of a conversation, but for its messages.
#[napi(object, object_from_js = false)]
pub struct Described {
    pub id: String,
    pub protocol: &'static str,
    pub state: &'static str,
    pub initiator: String,
    pub participants: Vec<TakingPart>,
    pub omitted: f64,
    pub began_at: f64,
    pub ended_at: Option<f64>,
}

/// One participant.
#[napi(object, object_from_js = false)]
pub struct TakingPart {
    pub name: String,
    pub asked_by: String,
    pub stage: &'static str,
    pub due: Option<&'static str>,
    pub due_by: Option<f64>,
    pub late: bool,
    pub asked_at: f64,
    pub answered_at: Option<f64>,
}

/// One message of a conversation.
#[napi(object, object_from_js = false)]
pub struct Said {
    pub message: Text,
    pub note: Option<&'static str>,
}

#[napi]
impl ConversationHandle {
    #[napi(catch_unwind)]
    pub fn describe(&self) -> Described {
        let conversation = &self.0;
        let participants = conversation.participants.iter().map(|participant| TakingPart {
            name: participant.name.clone(),
            asked_by: participant.asked_by.clone(),
            stage: participant.stage.as_str(),
            due: participant.due.map(|side| side.as_str()),
            due_by: participant.due_by.map(|at| at as f64),
            late: participant.late,
            asked_at: participant.asked_at as f64,
            answered_at: participant.answered_at.map(|at| at as f64),
        });
        Described {
            id: conversation.id.clone(),
            protocol: conversation.protocol.as_str(),
            state: conversation.state.as_str(),
            initiator: conversation.initiator.clone(),
            participants: participants.collect(),
            omitted: conversation.omitted as f64,
            began_at: conversation.began_at as f64,
            ended_at: conversation.ended_at.map(|at| at as f64),
        }
    }

    #[napi(catch_unwind)]
    pub fn messages(&self) -> Vec<Said> {
        let messages = self.0.messages.iter();
        messages
            .map(|said| Said {
                message: text(&said.message),
                note: said.note.map(|note| note.as_str()),
            })
            .collect()
    }

    #[napi(catch_unwind)]
    pub fn diagram(&self, form: String) -> Either<String, Fault> {
        match Picture::parse(&form) {
            Ok(form) => Either::A(self.0.diagram(form)),
            Err(error) => Either::B(error.into()),
        }
    }
}

#[napi]
impl RuntimeHandle {
    #[napi(catch_unwind)]
    pub fn conversation(&self, id: String) -> Option<ConversationHandle> {
        self.runtime.conversation(&id).map(ConversationHandle)
    }

    /// `filter` is a JSON object.
    #[napi(catch_unwind)]
    pub fn conversations(&self, filter: String) -> Either<Vec<ConversationHandle>, Fault> {
        match ConversationFilter::read(filter.as_bytes()) {
            Ok(filter) => {
                let found = self.runtime.conversations(&filter);
                Either::A(found.into_iter().map(ConversationHandle).collect())
            }
            Err(error) => Either::B(error.into()),
        }
    }
}
