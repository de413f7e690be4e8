//! What always has to be so in the book of conversations, whatever is said by whom.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::account::Account;
use crate::conversation::Protocol;
use crate::conversation::book::{Book, Room, Said, Saying};
use crate::message::{Envelope, Message, Performative, Stamp};
use crate::shares::Owner;

const NAMES: [&str; 4] = ["a", "b", "c", "host"];

/// Something that happens to the book.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody says something; the result can be taken back.
    Say {
        from: usize,
        to: Vec<usize>,
        act: Performative,
        protocol: Option<Protocol>,
        conversation: Option<u8>,
        reply_with: Option<u8>,
        in_reply_to: Option<u8>,
        reply_by: bool,
        reply_to: Option<usize>,
        strict: bool,
    },
    /// The runtime reports that somebody will not answer, or is late.
    Fault {
        conversation: u8,
        asker: usize,
        asked: usize,
        late: bool,
    },
    GiveUp {
        conversation: u8,
        asker: usize,
        asked: usize,
    },
    /// The last message that was not taken back never happened.
    TakeBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0..NAMES.len();
    let say = (
        (name(), prop::collection::vec(name(), 0..3), prop::sample::select(Performative::ALL)),
        (
            prop::option::weighted(0.8, prop::sample::select(Protocol::ALL)),
            prop::option::weighted(0.8, 0..6u8),
        ),
        (prop::option::of(0..4u8), prop::option::of(0..4u8), any::<bool>()),
        (prop::option::weighted(0.2, name()), any::<bool>()),
    );
    let say =
        say.prop_map(|((from, to, act), (protocol, conversation), keys, (reply_to, strict))| {
            let (reply_with, in_reply_to, reply_by) = keys;
            Step::Say {
                from,
                to,
                act,
                protocol,
                conversation,
                reply_with,
                in_reply_to,
                reply_by,
                reply_to,
                strict,
            }
        });
    let fault =
        (0..6u8, name(), name(), any::<bool>()).prop_map(|(conversation, asker, asked, late)| {
            Step::Fault { conversation, asker, asked, late }
        });
    let give_up = (0..6u8, name(), name()).prop_map(|(conversation, asker, asked)| Step::GiveUp {
        conversation,
        asker,
        asked,
    });
    let step = prop_oneof![8 => say, 1 => fault, 1 => give_up, 1 => Just(Step::TakeBack)];
    prop::collection::vec(step, 1..80)
}

/// A message that the host wrote at some time.
pub(super) fn message(sender: &str, fields: Map<String, Value>, at: u64) -> Message {
    let json = Value::Object(fields).to_string();
    let id = format!("m{at}");
    let stamp = Stamp {
        sender: Some(sender),
        message_id: Some(&id),
        sent_at: 1_000 + at,
        ..Stamp::default()
    };
    Message::write(&Envelope::read(json.as_bytes()).unwrap(), &stamp).unwrap()
}

fn text(prefix: &str, number: u8) -> Value {
    format!("{prefix}{number}").into()
}

fn name(at: usize) -> Arc<str> {
    NAMES[at].into()
}

/// Does one step; what can be taken back is kept.
fn take(book: &Book, owners: &[Owner; 2], step: Step, at: u64, said: &mut Vec<Said>) {
    match step {
        Step::Say {
            from,
            to,
            act,
            protocol,
            conversation,
            reply_with,
            in_reply_to,
            reply_by,
            reply_to,
            strict,
        } => {
            let mut fields = Map::new();
            fields.insert("performative".into(), act.as_str().into());
            let receivers: Vec<Value> = to.iter().map(|to| NAMES[*to].into()).collect();
            let nobody = receivers.is_empty();
            let topic = vec![Value::from("topic:t")];
            fields.insert("receiver".into(), if nobody { topic } else { receivers }.into());
            for (key, value) in [
                ("protocol", protocol.map(|it| it.as_str().into())),
                ("conversation_id", conversation.map(|it| text("c", it))),
                ("reply_with", reply_with.map(|it| text("k", it))),
                ("in_reply_to", in_reply_to.map(|it| text("k", it))),
                ("reply_by", reply_by.then(|| 900.into())),
                ("reply_to", reply_to.map(|it| NAMES[it].into())),
            ] {
                fields.extend(value.map(|value| (key.to_owned(), value)));
            }
            let message = message(NAMES[from], fields, at);
            let mut to: Vec<Arc<str>> = to.into_iter().map(name).collect();
            to.sort();
            to.dedup();
            let from = name(from);
            let owner = &owners[usize::from(*from == *"a")];
            // The second receiver comes with a later part.
            for (at, to) in to.chunks(1).enumerate().chain(to.is_empty().then_some((0, &to[..]))) {
                let saying =
                    Saying { from: &from, owner, message: &message, is_first: at == 0, undo: true };
                if !strict || book.forbids(&saying, to).is_empty() {
                    let entered = book.enter(&saying, to);
                    assert!(!strict || entered.violations.is_empty());
                    said.extend(entered.said);
                }
            }
        }
        Step::Fault { conversation, asker, asked, late } => {
            let mut fields = Map::new();
            fields.insert("performative".into(), "failure".into());
            fields.insert("receiver".into(), NAMES[asker].into());
            fields.insert("conversation_id".into(), text("c", conversation));
            let failure = message("ams", fields, at);
            book.fault(NAMES[asker], NAMES[asked], &failure, late);
        }
        Step::GiveUp { conversation, asker, asked } => {
            book.gave_up(&format!("c{conversation}"), NAMES[asker], NAMES[asked], 1_000 + at);
        }
        Step::TakeBack => {
            if let Some(last) = said.pop() {
                book.unsay(last, 1_000 + at);
            }
        }
    }
}

proptest! {
    #[test]
    fn its_figures_agree_with_what_is_in_it(
        steps in steps(),
        (open, ended, bytes, gone, keys) in
            (1..4usize, 0..3usize, 2_000..40_000usize, 0..40_000usize, 1..4usize),
    ) {
        let book = Book::small(Room { open, ended, bytes, gone, keys });
        let accounts = [(); 2].map(|()| Account::new(u64::MAX));
        let owners = accounts.each_ref().map(Owner::of);
        let mut said = Vec::new();
        for (at, step) in steps.into_iter().enumerate() {
            take(&book, &owners, step, at as u64, &mut said);
            book.check();
        }
        let gone = Owner::gone(&accounts[1]);
        book.hand_over(&owners[0], &gone);
        book.check();
        prop_assert_eq!(accounts[0].bytes(), 0);
        drop(book);
        prop_assert_eq!(accounts[1].bytes(), 0);
    }
}
