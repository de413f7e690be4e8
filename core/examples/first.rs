use std::time::Duration;

use caxton::{Deploy, Runtime};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), caxton::Error> {
    let runtime = Runtime::new()?;
    let echo = runtime.deploy(Deploy::file("examples/agents/rust.wasm").name("echo")).await?;
    let task =
        json!({"action": "process_data", "data": {"operation": "uppercase", "data": "hello"}});
    let reply = echo.request(&task).timeout(Duration::from_secs(5)).await?;
    let content: Value = reply.read_content()?;
    println!("{}", content["result"]["result"].as_str().unwrap_or("no text"));
    runtime.close().await;
    Ok(())
}
