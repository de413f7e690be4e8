//! What a host agent says, in the words of the protocol that is spoken.

use super::HostAgent;
use super::task::Reply;
use crate::agent::{Kind, Letter};
use crate::conversation::Protocol;
use crate::message::{Draft, Envelope, Message, Performative, Stamp, cut_to};
use crate::runtime::{Party, Post, Terms};

/// The bytes of a failure's text for which there is always room.
const LEAST_TEXT: usize = 256;

impl HostAgent {
    pub(super) fn answer(&self, letter: &Letter, reply: Reply, post: Post<'_>) {
        let draft = match reply {
            Reply::Nothing => return,
            Reply::Content(_) if !letter.takes_answer() => return,
            Reply::Content(json) => {
                let act = letter.message.performative().yes();
                Draft::raw_reply(&letter.message, act, &json)
            }
            Reply::Message(draft) => match draft.complete(&letter.message) {
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
        let draft = |text: &str| {
            let content =
                serde_json::json!({"error": text, "agent": &*self.name, "kind": "handler"});
            Draft::raw_reply(&letter.message, act, content.to_string().as_bytes())
        };
        let room =
            self.core.limits.max_message_bytes.saturating_sub(draft("").as_bytes().len() as u64);
        let text = cut_to(text, usize::try_from(room).unwrap_or(usize::MAX).max(LEAST_TEXT));
        // What says that a handler failed is sent whatever the limits: those of content do not keep a failure
        // from who waits for it, and that of a message only makes it short.
        let draft = draft(&text);
        let written = Envelope::read(draft.as_bytes()).and_then(|envelope| {
            let sender = Some(&*self.name);
            self.core.stamp(&envelope, Stamp { sender, ..Stamp::default() })
        });
        match written {
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
