//! The steps in which the program begins a protocol, and looks at conversations.

use std::time::Duration;

use caxton::{
    Brokered, Choose, ContractNet, Conversation, ConversationFilter, DutchAuction, EnglishAuction,
    Message, Outcome as Negotiated, Picture, Runtime,
};
use serde_json::{Map, Value, json};

use super::step::{Outcome, Stage, only, shown, text, text_of, texts, wait};

/// The steps, with what may stand beside each.
pub const STEPS: &[(&str, &[&str])] = &[
    ("query_if", &["timeout"]),
    ("query_ref", &["timeout"]),
    ("propose", &["timeout"]),
    ("request_when", &["timeout", "deadline"]),
    ("contract_net", &["timeout", "deadline"]),
    ("iterated_contract_net", &["timeout", "deadline"]),
    ("english_auction", &["timeout", "deadline"]),
    ("dutch_auction", &["deadline"]),
    ("broker", &["timeout"]),
    ("recruit", &["timeout"]),
    ("subscribe_to", &["agent", "content", "timeout"]),
    ("next_inform", &[]),
    ("close_informs", &[]),
    ("conversation", &[]),
    ("conversations", &[]),
    ("diagram", &["form"]),
];

/// Takes a step that is one of these.
pub fn act(
    stage: &mut Stage,
    name: &str,
    value: &Value,
    step: &Map<String, Value>,
    timeout: Duration,
) -> Outcome {
    let runtime = stage.runtime.clone();
    let deadline = match step.get("deadline") {
        Some(seconds) => Some(Duration::from_secs_f64(seconds.as_f64().ok_or("seconds")?)),
        None => None,
    };
    Ok(match name {
        "query_if" => {
            let (agent, content) = asked(value)?;
            wait(runtime.query_if(agent, content).timeout(timeout).into_future())?.map(Value::from)
        }
        "query_ref" => {
            let (agent, content) = asked(value)?;
            wait(runtime.query_ref(agent, content).timeout(timeout).into_future())?.map(shown)
        }
        "propose" => {
            let (agent, content) = asked(value)?;
            wait(runtime.propose(agent, content).timeout(timeout).into_future())?.map(shown)
        }
        "request_when" => {
            only(object(value)?, &["agent", "action", "condition"])?;
            let agent = text(&value["agent"])?;
            let call = runtime.request_when(agent, &value["action"], &value["condition"]);
            wait(call.timeout(timeout).deadline(deadline).into_future())?.map(shown)
        }
        "contract_net" | "iterated_contract_net" => {
            only(object(value)?, &["task", "participants", "choose", "rounds"])?;
            let mut net = ContractNet::new(&value["task"], texts(&value["participants"])?);
            net = net.timeout(timeout);
            if let Some(deadline) = deadline {
                net = net.deadline(deadline);
            }
            if let Some(rounds) = value.get("rounds") {
                net = net.rounds(rounds.as_u64().ok_or("a number of rounds")? as u32);
            }
            let outcome = wait(negotiate(&runtime, name, net, value.get("choose")))??;
            outcome.map(|outcome| outcome_shown(&outcome))
        }
        "english_auction" => {
            only(object(value)?, &["item", "bidders", "start", "step", "reserve", "deliver"])?;
            let (start, by) = (number(&value["start"])?, number(&value["step"])?);
            let bidders = texts(&value["bidders"])?;
            let mut auction = EnglishAuction::new(&value["item"], bidders, start, by);
            auction = auction.timeout(timeout).reserve(value["reserve"].as_f64());
            if let Some(deadline) = deadline {
                auction = auction.deadline(deadline);
            }
            if value["deliver"] == true {
                auction = auction.deliver();
            }
            wait(runtime.english_auction(auction))?.map(|outcome| outcome_shown(&outcome))
        }
        "dutch_auction" => {
            only(object(value)?, &["item", "bidders", "start", "step", "reserve"])?;
            let (start, by) = (number(&value["start"])?, number(&value["step"])?);
            let bidders = texts(&value["bidders"])?;
            let mut auction = DutchAuction::new(&value["item"], bidders, start, by);
            auction = auction.reserve(value["reserve"].as_f64());
            if let Some(deadline) = deadline {
                auction = auction.deadline(deadline);
            }
            wait(runtime.dutch_auction(auction))?.map(|outcome| outcome_shown(&outcome))
        }
        "broker" | "recruit" => {
            only(object(value)?, &["broker", "description", "message", "max_results"])?;
            let broker = text(&value["broker"])?;
            let mut brokered = Brokered::new(broker, &value["description"], &value["message"]);
            brokered = brokered.timeout(timeout);
            if let Some(most) = value.get("max_results") {
                brokered = brokered.max_results(most.as_u64().ok_or("a number")? as usize);
            }
            let answers = match name {
                "broker" => wait(runtime.broker(brokered))?,
                _ => wait(runtime.recruit(brokered))?,
            };
            answers.map(|answers| answers.into_iter().map(shown).collect())
        }
        "subscribe_to" => {
            let agent = text(step.get("agent").ok_or("`subscribe_to` has an `agent`")?)?;
            let content = step.get("content").unwrap_or(&Value::Null);
            wait(runtime.subscribe_to(agent, content, timeout))?.map(|informs| {
                stage.informs.insert(value.to_string(), informs);
                Value::Null
            })
        }
        "next_inform" => {
            let informs = stage.informs.get(&value.to_string()).ok_or("no such subscription")?;
            wait(informs.next())?.map(|inform| inform.map_or(Value::Null, shown))
        }
        "close_informs" => {
            stage.informs.get(&value.to_string()).ok_or("no such subscription")?.close();
            Ok(Value::Null)
        }
        "conversation" => {
            Ok(runtime.conversation(text(value)?).map_or(Value::Null, |it| conversation_shown(&it)))
        }
        "conversations" => ConversationFilter::read(value.to_string().as_bytes())
            .map(|filter| runtime.conversations(&filter).iter().map(conversation_shown).collect()),
        "diagram" => {
            let form = Picture::parse(text(step.get("form").ok_or("a diagram has a `form`")?)?);
            let conversation = runtime.conversation(text(value)?).ok_or("no such conversation")?;
            form.map(|form| conversation.diagram(form).into())
        }
        other => return Err(format!("the step {other:?} is not written")),
    })
}

async fn negotiate(
    runtime: &Runtime,
    name: &str,
    net: ContractNet,
    choose: Option<&Value>,
) -> Result<Result<Negotiated, caxton::Error>, String> {
    let is_iterated = name == "iterated_contract_net";
    if let Some(names) = choose.and_then(|choose| choose.get("names")) {
        let names = texts(names)?;
        let tender = match is_iterated {
            true => runtime.call_for_iterated_proposals(net).await,
            false => runtime.call_for_proposals(net).await,
        };
        return Ok(match tender {
            Ok(tender) => tender.award(&names).await,
            Err(error) => Err(error),
        });
    }
    let choose = match choose {
        Some(choose) => Choose::parse(text(choose)?),
        None => Ok(Choose::default()),
    };
    Ok(match choose {
        Err(error) => Err(error),
        Ok(choose) if is_iterated => runtime.iterated_contract_net(net, choose).await,
        Ok(choose) => runtime.contract_net(net, choose).await,
    })
}

fn asked(value: &Value) -> Result<(&str, &Value), String> {
    only(object(value)?, &["agent", "content"])?;
    Ok((text(&value["agent"])?, &value["content"]))
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{value} is no object"))
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| text_of(format!("{value} is no number")))
}

fn maybe(message: Option<&Message>) -> Value {
    message.map_or(Value::Null, |message| shown(message.clone()))
}

fn outcome_shown(outcome: &Negotiated) -> Value {
    let answers = outcome.answers.iter().map(|answer| {
        json!({
            "agent": answer.agent,
            "status": answer.status.as_str(),
            "proposal": maybe(answer.proposal.as_ref()),
            "message": maybe(answer.message.as_ref()),
        })
    });
    json!({
        "conversation_id": outcome.conversation_id,
        "winner": outcome.winner().map(|answer| &answer.agent),
        "result": maybe(outcome.result()),
        "answers": answers.collect::<Value>(),
        "missed": outcome.missed,
        "forwarded": outcome.forwarded.iter().cloned().map(shown).collect::<Value>(),
        "rounds": outcome.rounds,
        "price": outcome.price.map(price_shown),
    })
}

/// A price as the other languages show it: a whole one is no fraction.
fn price_shown(price: f64) -> Value {
    if price.fract() == 0.0 { json!(price as i64) } else { json!(price) }
}

fn conversation_shown(conversation: &Conversation) -> Value {
    let participants = conversation.participants.iter().map(|participant| {
        json!({
            "name": participant.name,
            "asked_by": participant.asked_by,
            "stage": participant.stage.as_str(),
            "due": participant.due.map(|side| side.as_str()),
            "late": participant.late,
        })
    });
    let messages = conversation.messages.iter().map(|said| {
        json!({
            "message": shown(said.message.clone()),
            "note": said.note.map(|note| note.as_str()),
        })
    });
    json!({
        "id": conversation.id,
        "protocol": conversation.protocol.as_str(),
        "state": conversation.state.as_str(),
        "initiator": conversation.initiator,
        "participants": participants.collect::<Value>(),
        "messages": messages.collect::<Value>(),
        "omitted": conversation.omitted,
    })
}
