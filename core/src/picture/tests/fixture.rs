//! Conversations to draw.

use serde_json::{Value, json};

use crate::conversation::{
    Conversation, ConversationState, Exchanged, Note, Participant, Protocol, Side, Stage,
};
use crate::message::{Envelope, Message, Stamp};

pub(super) const BEGAN: u64 = 1_790_000_000_000_000;
pub(super) const ID: &str = "0199f3a2-77b1-7d3e-9c41-5a8e4f2a9c01";

/// A message as the host would have written it; `at` in milliseconds since the beginning.
pub(super) fn message(at: u64, from: &str, to: Value, act: &str, more: Value) -> Message {
    let mut fields = json!({"performative": act, "receiver": to});
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    let text = fields.to_string();
    let envelope = Envelope::read(text.as_bytes()).unwrap();
    let stamp = Stamp {
        sender: Some(from),
        message_id: Some("m1"),
        sent_at: BEGAN + at * 1000,
        ..Stamp::default()
    };
    Message::write(&envelope, &stamp).unwrap()
}

/// A conversation that is being told.
pub(super) struct Told(pub Conversation);

impl Told {
    pub fn new(protocol: Protocol, initiator: &str) -> Self {
        Told(Conversation {
            id: ID.to_owned(),
            protocol,
            state: ConversationState::Open,
            initiator: initiator.to_owned(),
            participants: Vec::new(),
            messages: Vec::new(),
            omitted: 0,
            began_at: BEGAN,
            ended_at: None,
        })
    }

    pub fn say(mut self, at: u64, from: &str, to: Value, act: &str, content: Value) -> Self {
        self.add(at, from, to, act, json!({"content": content}), None);
        self
    }

    pub fn noted(
        mut self,
        at: u64,
        from: &str,
        to: Value,
        act: &str,
        content: Value,
        note: Note,
    ) -> Self {
        self.add(at, from, to, act, json!({"content": content}), Some(note));
        self
    }

    pub fn add(
        &mut self,
        at: u64,
        from: &str,
        to: Value,
        act: &str,
        mut more: Value,
        note: Option<Note>,
    ) {
        more["protocol"] = self.0.protocol.as_str().into();
        more["conversation_id"] = self.0.id.as_str().into();
        self.0.messages.push(Exchanged { message: message(at, from, to, act, more), note });
    }

    pub fn with(mut self, name: &str, stage: Stage, due: Option<Side>, answered: bool) -> Self {
        self.0.participants.push(Participant {
            name: name.to_owned(),
            asked_by: self.0.initiator.clone(),
            stage,
            due,
            due_by: None,
            late: false,
            asked_at: BEGAN,
            answered_at: answered.then_some(BEGAN + 1),
        });
        self
    }

    /// The participant that was added last was late.
    pub fn late(mut self) -> Self {
        self.0.participants.last_mut().unwrap().late = true;
        self
    }

    pub fn ended(mut self, at: u64) -> Conversation {
        self.0.state = ConversationState::Ended;
        self.0.ended_at = Some(BEGAN + at * 1000);
        self.0
    }
}

/// Four are asked: one wins, one refuses, one bids late, one stays silent.
pub(super) fn contract_net() -> Conversation {
    let bidders = json!(["paris", "lyon", "nice", "metz"]);
    let mut told = Told::new(Protocol::ContractNet, "shop");
    let call = json!({"content": {"task": "print 500 posters", "size": "A2"},
        "reply_by": BEGAN + 200_000});
    told.add(0, "shop", bidders, "cfp", call, None);
    told.say(3, "lyon", json!("shop"), "refuse", json!({"reason": "no paper"}))
        .say(14, "paris", json!("shop"), "propose", json!({"price": 70, "days": 2}))
        .noted(
            200,
            "ams",
            json!("shop"),
            "failure",
            json!({"kind": "deadline", "missing": ["nice", "metz"]}),
            Note::Deadline,
        )
        .say(201, "shop", json!("paris"), "accept-proposal", json!({"price": 70}))
        .noted(240, "nice", json!("shop"), "propose", json!({"price": 55, "days": 1}), Note::Late)
        .say(241, "shop", json!("nice"), "reject-proposal", json!({"reason": "late"}))
        .say(1_850, "paris", json!("shop"), "inform", json!({"printed": 500}))
        .with("paris", Stage::Done, None, true)
        .with("lyon", Stage::Refused, None, true)
        .with("nice", Stage::Rejected, None, true)
        .late()
        .with("metz", Stage::Called, Some(Side::Participant), false)
        .late()
        .ended(1_850)
}

/// A thousand are asked: seven propose, one of them is accepted, three are silent, and the rest refuse.
pub(super) fn large_contract_net() -> Conversation {
    let names: Vec<String> = (0..1000).map(|index| format!("b{index}")).collect();
    let mut told = Told::new(Protocol::ContractNet, "shop");
    let call = json!({"content": {"task": "print"}, "reply_by": BEGAN + 500_000});
    told.add(0, "shop", json!(names), "cfp", call, None);
    for (index, name) in names.iter().enumerate() {
        let at = 1 + index as u64 / 4;
        let (stage, due, answered) = match index {
            0..3 => (Stage::Called, Some(Side::Participant), false),
            3..10 => {
                told = told.say(at, name, json!("shop"), "propose", json!({"price": index}));
                (if index == 5 { Stage::Done } else { Stage::Rejected }, None, true)
            }
            _ => {
                told = told.say(at, name, json!("shop"), "refuse", json!({"busy": index}));
                (Stage::Refused, None, true)
            }
        };
        told = told.with(name, stage, due, answered);
    }
    for (index, name) in names.iter().enumerate().take(10).skip(3) {
        let act = if index == 5 { "accept-proposal" } else { "reject-proposal" };
        told = told.say(501, "shop", json!(name), act, json!(null));
    }
    told.say(900, "b5", json!("shop"), "inform", json!({"printed": true})).ended(900)
}

/// A subscription with `count` answers, of which the middle was left out.
pub(super) fn subscription(count: u64) -> Conversation {
    let mut told = Told::new(Protocol::Subscribe, "desk")
        .say(0, "desk", json!("feed"), "subscribe", json!({"topic": "prices"}))
        .say(1, "feed", json!("desk"), "agree", json!(null));
    for index in 0..count {
        let price = json!({"price": 100 + index % 7});
        told = told.say(1000 * (1 + index), "feed", json!("desk"), "inform", price);
    }
    told.0.omitted = 5_000;
    told.with("feed", Stage::Subscribed, Some(Side::Participant), true).0
}

/// A conversation in which all names and contents are these.
pub(super) fn with_texts(names: [&str; 3], content: &str, protocol: Protocol) -> Conversation {
    let [asker, one, two] = names;
    let mut told = Told::new(protocol, asker);
    told.0.id = content.to_owned();
    told.say(0, asker, json!([one, two]), "cfp", json!(content))
        .noted(5, one, json!(asker), "refuse", json!({"why": content}), Note::OutOfSequence)
        .say(9, two, json!(two), "propose", json!([content]))
        .noted(12, "ams", json!(asker), "failure", json!(content), Note::Fault)
        .with(one, Stage::Refused, None, true)
        .with(two, Stage::Proposed, Some(Side::Initiator), true)
        .ended(12)
}
