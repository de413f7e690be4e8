//! What a host agent says, in the words of the protocol that is spoken.

use super::HostAgent;
use super::task::Reply;
use crate::agent::{Kind, Letter};
use crate::conversation::Protocol;
use crate::message::{Draft, Message, Performative};
use crate::runtime::{Party, Post, Terms};

impl HostAgent {
    pub(super) fn answer(&self, letter: &Letter, reply: Reply, post: Post<'_>) {
        let draft = match reply {
            Reply::Nothing => return,
            Reply::Content(_) if !letter.takes_answer() => return,
            Reply::Content(json) => {
                let act = letter.message.performative().yes();
                Draft::raw_reply(&letter.message, act, &json)
            }
            Reply::Message(json) => match Draft::complete(&letter.message, &json) {
                Ok(draft) => draft,
                Err(error) => return self.fail(letter, error.message(), post),
            },
            Reply::Failure(text) => return self.fail(letter, &text, post),
            Reply::Refusal(text) => {
                let act = match follows_protocol(&letter.message) {
                    true => letter.message.performative().refusal(),
                    false => Performative::Refuse,
                };
                return self.say_no(letter, act, &text, post);
            }
            Reply::NotUnderstood(text) => {
                return self.say_no(letter, Performative::NotUnderstood, &text, post);
            }
        };
        let sent = self.write(&draft).and_then(|message| {
            self.core.check_content_for_all(&message)?;
            self.send(letter, message, post);
            Ok(())
        });
        if let Err(error) = sent {
            self.fail(letter, error.message(), post);
        }
    }

    fn fail(&self, letter: &Letter, text: &str, post: Post<'_>) {
        // A protocol knows no failure of what nobody has agreed to.
        let act = match follows_protocol(&letter.message) {
            true => letter.message.performative().no(),
            false => Performative::Failure,
        };
        self.say_no(letter, act, text, post);
    }

    fn say_no(&self, letter: &Letter, act: Performative, text: &str, post: Post<'_>) {
        if letter.kind != Kind::Direct || letter.message.performative().ends_talk() {
            tracing::debug!(agent = %self.name, "a handler failed: {text}");
            return;
        }
        let content = serde_json::json!({"error": text, "agent": &*self.name, "kind": "handler"});
        let json = content.to_string();
        let draft = Draft::raw_reply(&letter.message, act, json.as_bytes());
        // Its text is the runtime's: content limits do not keep a failure from who waits for it.
        match self.write(&draft) {
            Ok(failure) => self.send(letter, failure, post),
            Err(error) => {
                tracing::warn!(agent = %self.name, %error, "a failure could not be sent");
            }
        }
    }

    fn write(&self, draft: &Draft) -> Result<Message, crate::Error> {
        self.core.stamp_draft(draft, &self.name)
    }

    fn send(&self, letter: &Letter, message: Message, post: Post<'_>) {
        let terms = Terms {
            // A host agent has no rate that it would count in, so an answer to this one counts.
            is_free: true,
            is_quiet: letter.kind == Kind::Failure,
            wanted_by: message.receivers().next().and_then(|to| letter.wants_for(to)),
        };
        self.core.route_on(Party(self.serial), message, letter.ask.as_ref(), terms, post);
    }
}

/// Whether a message names a protocol that the runtime follows.
fn follows_protocol(message: &Message) -> bool {
    message.protocol().and_then(Protocol::named).is_some()
}
