//! An agent that greets by name, counts its greetings, and reminds when the time has come.

use caxton_sdk::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[caxton::agent(init = init, timer = ring, capabilities = capabilities)]
fn handle(message: FipaMessage) -> Result<(), AgentError> {
    handle_other(&message)
}

fn init() {
    register_handler("greet", greet);
    register_handler("remind", remind);
    log(LogLevel::Info, "my-agent is ready");
}

fn capabilities() -> AgentCapabilities {
    AgentCapabilities::new("0.1.0")
        .performative("request")
        .service(ServiceDescription::new("greeting"))
}

fn greet(message: FipaMessage) -> Result<impl IntoReply, AgentError> {
    let name = message.content["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or(r#"Expected a name, as in {"action": "greet", "name": "Ada"}"#)?;
    // Stored data outlives a restart, and variables do not.
    let greeted = load("greeted")?.unwrap_or(0) + 1;
    store("greeted", &greeted)?;
    Ok(Inform(json!({"greeting": format!("Hello, {name}!"), "greeted": greeted})))
}

#[derive(Deserialize)]
struct Order {
    after_micros: u64,
    text: String,
}

/// What is stored until the timer is due.
#[derive(Serialize, Deserialize)]
struct Reminder {
    message: FipaMessage,
    text: String,
}

/// From here on, not every language reads whole numbers in JSON exactly.
const TOO_LATE: u64 = 1 << 53;

fn remind(message: FipaMessage) -> Result<(), AgentError> {
    let order = message.read_content::<Order>().ok().filter(|order| order.after_micros < TOO_LATE);
    let order = order.ok_or(
        r#"Expected microseconds and a text, as in {"action": "remind", "after_micros": 1000, "text": "tea"}"#,
    )?;
    let timer = set_timer(order.after_micros)?;
    let reminder = Reminder { message: message.without_content(), text: order.text };
    if let Err(error) = store(&key(timer), &reminder) {
        cancel_timer(timer)?;
        return Err(error);
    }
    send_reply(&message, "agree", ());
    Ok(())
}

/// Called for each timer that is due.
fn ring(timer: u32) -> Result<(), AgentError> {
    let key = key(timer);
    if let Some(Reminder { message, text }) = load(&key)? {
        delete(&key);
        send_inform_response(&message, &json!({"reminder": text}));
    }
    Ok(())
}

fn key(timer: u32) -> String {
    format!("reminder:{timer}")
}
