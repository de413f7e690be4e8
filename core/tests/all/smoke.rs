use std::time::Duration;

use caxton::{Deploy, Runtime};
use serde_json::json;

#[test]
fn asks() {
    caxton::blocking::block_on(async {
        let runtime = Runtime::new().unwrap();
        for name in ["rust", "c", "assemblyscript", "rust-wasi", "rust-bindgen", "go"] {
            let begun = std::time::Instant::now();
            let agent = runtime
                .deploy(Deploy::file(format!("../tests/agents/build/{name}.wasm")).name(name))
                .await
                .unwrap();
            println!("{name} deployed in {:?} {:?}", begun.elapsed(), agent.capabilities());
            let content =
                json!({"action":"process_data","data":{"operation":"uppercase","data":"hello"}});
            let begun = std::time::Instant::now();
            for _ in 0..10000 {
                let reply = agent.request(&content).timeout(Duration::from_secs(5)).await.unwrap();
                assert!(reply.content().contains("HELLO"));
            }
            println!("{:?} each; {:?}", begun.elapsed() / 10000, agent.stats());
            println!("{:?}", agent.logs());
        }
        runtime.close().await;
    });
}
