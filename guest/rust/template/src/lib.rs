//! An agent that greets, and reminds.

use caxton_sdk::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[caxton::agent(init = init, timer = ring, capabilities = capabilities)]
fn handle(message: FipaMessage) -> Result<(), AgentError> {
    // Silence here keeps two agents from feeding each other errors for ever.
    if message.ends_exchange() { Ok(()) } else { Err(not_understood(&message)) }
}

fn init() {
    register_handler("greet", greet);
    register_handler("remind", remind);
    console_log("my-agent is ready");
}

fn capabilities() -> AgentCapabilities {
    AgentCapabilities::new("0.1.0")
        .performative("request")
        .service(ServiceDescription::new("greeting").describe("Greets by name"))
}

/// Greets by name, and says how many were greeted.
fn greet(message: FipaMessage) -> Result<impl IntoReply, AgentError> {
    let name = message.content["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or(r#"Expected a name, as in {"action": "greet", "name": "Ada"}"#)?;
    let greeted = load("greeted")?.unwrap_or(0) + 1;
    store("greeted", &greeted)?;
    Ok(Inform(json!({"greeting": format!("Hello, {name}!"), "greeted": greeted})))
}

#[derive(Deserialize)]
struct Order {
    after_micros: u64,
    text: String,
}

/// What is stored until the timer is due: it outlives the instance, and with a store the program.
#[derive(Serialize, Deserialize)]
struct Reminder {
    message: FipaMessage,
    text: String,
}

/// Agrees at once, and informs after a while.
fn remind(message: FipaMessage) -> Result<(), AgentError> {
    let order: Order = serde_json::from_value(message.content.clone()).map_err(|error| {
        let expected = r#"{"action": "remind", "after_micros": 1000, "text": "tea"}"#;
        AgentError::failure(format!("Expected microseconds and a text, as in {expected}: {error}"))
    })?;
    let timer = set_timer(order.after_micros)?;
    let reminder = Reminder { message: message.without_content(), text: order.text };
    store(&key(timer), &reminder)?;
    send_reply(&message, "agree", ());
    Ok(())
}

fn ring(timer: u32) -> Result<(), AgentError> {
    let key = key(timer);
    if let Some(Reminder { message, text }) = load(&key)? {
        send_inform_response(&message, &json!({"reminder": text}));
        delete(&key);
    }
    Ok(())
}

fn key(timer: u32) -> String {
    format!("reminder:{timer}")
}
