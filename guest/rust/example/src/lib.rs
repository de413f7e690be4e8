//! An agent whose handlers wait: for time, and for other agents. Their turns end meanwhile, so many wait at once.

use core::time::Duration;

use caxton_sdk::*;
use serde_json::{Value, json};

#[caxton::agent(init = init, capabilities = capabilities)]
async fn handle(message: FipaMessage) -> Result<Option<Value>, AgentError> {
    match message.performative.as_str() {
        "query-ref" => Ok(Some(ask_around(message).await?)),
        _ if message.ends_exchange() => Ok(None),
        _ => Err(not_understood(&message)),
    }
}

fn init() {
    register_async_handler("nap", nap);
    register_handler("panic", |_| -> () { panic!("as it was asked to") });
}

fn capabilities() -> AgentCapabilities {
    AgentCapabilities::new("0.1.0")
        .performative("request")
        .performative("query-ref")
        .service(ServiceDescription::new("waiting").describe("Waits, and asks around"))
}

/// Sleeps so many times, each in a turn of its own.
async fn nap(message: FipaMessage) -> Result<Inform<Value>, AgentError> {
    let naps = message.content["naps"].as_u64().ok_or("Expected how many naps")?;
    for _ in 0..naps {
        sleep(Duration::from_millis(1)).await;
    }
    Ok(Inform(json!({ "naps": naps })))
}

/// Asks each of the agents that the content names, all at once, and collects what they say.
async fn ask_around(message: FipaMessage) -> Result<Value, AgentError> {
    let names = message.content["ask"].as_array().ok_or("Expected whom to ask")?;
    let mut waiting = Vec::new();
    for name in names.iter().filter_map(Value::as_str) {
        let question = FipaMessage::new("request", name, message.content["question"].clone());
        waiting.push((name.to_string(), ask(question)?));
    }
    let mut heard = json!({});
    for (name, answer) in waiting {
        let answer = answer.await;
        heard[name] = json!([answer.performative, answer.content]);
    }
    Ok(heard)
}
