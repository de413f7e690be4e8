//! Handlers that wait: their turns end meanwhile.

use core::time::Duration;

use caxton_sdk::testing::MockHost;
use caxton_sdk::*;
use serde_json::{Value, json};

#[caxton::agent(init = init, timer = ring, shutdown = stop)]
async fn handle(message: FipaMessage) -> Result<Option<Value>, AgentError> {
    match message.performative.as_str() {
        "query-ref" => {
            let answer = ask(FipaMessage::new("request", "oracle", message.content))?.await;
            match answer.performative.as_str() {
                "inform" => Ok(Some(json!({"heard": answer.content}))),
                other => Err(AgentError::refuse(format!("the oracle said {other}"))),
            }
        }
        "inform" => Ok(None),
        _ => Err(not_understood(&message)),
    }
}

fn init() -> Result<(), AgentError> {
    register_async_handler("nap", async |message: FipaMessage| -> Result<Value, AgentError> {
        let naps = message.content["naps"].as_u64().ok_or("How many?")?;
        for _ in 0..naps {
            sleep(Duration::from_millis(1)).await;
        }
        Ok(json!({"naps": naps}))
    });
    register_handler("call_back", |message: FipaMessage| -> Result<(), AgentError> {
        let timer = set_timer(5)?;
        on_timer(timer, move || send_inform_response(&message, "called back"));
        Ok(())
    });
    match config::<Value>()? {
        Some(config) if config["broken"] == true => Err("the config is broken".into()),
        _ => Ok(()),
    }
}

fn ring(timer: u32) {
    console_log(&format!("timer {timer} is nobody's"));
}

fn stop() {
    console_log("stopped");
}

fn request(content: Value) -> Value {
    json!({"performative": "request", "sender": "me", "receiver": "agent", "reply_with": "1", "content": content})
}

#[test]
fn a_handler_sleeps_while_others_are_handled() {
    let host = MockHost::of(&AGENT);
    assert_eq!(host.deliver(request(json!({"action": "nap", "naps": 2}))), 0);
    assert_eq!(host.deliver(request(json!({"action": "nap", "naps": 0}))), 0);
    assert_eq!(host.sent()[0].content, json!({"naps": 0}));
    host.advance(1_000);
    assert_eq!(host.sent(), []);
    assert_eq!(host.timers().len(), 1);
    host.advance(1_000);
    let sent = host.sent();
    assert_eq!(sent[0].content, json!({"naps": 2}));
    assert_eq!(sent[0].in_reply_to.as_deref(), Some("1"));
    assert_eq!(host.timers(), []);
}

#[test]
fn what_fails_at_once_is_the_turns_code() {
    let host = MockHost::of(&AGENT);
    assert_eq!(host.deliver(request(json!({"action": "nap"}))), 1);
    assert_eq!(host.sent()[0].content, json!({"error": "How many?"}));
    assert_eq!(host.deliver(request(json!({"action": "dance"}))), 1);
    assert_eq!(host.sent()[0].performative, "not-understood");
}

#[test]
fn a_handler_awaits_an_answer() {
    let host = MockHost::of(&AGENT);
    let query =
        json!({"performative": "query-ref", "sender": "me", "reply_with": "2", "content": "who?"});
    for (act, expected) in
        [("inform", json!({"heard": 42})), ("failure", json!({"error": "the oracle said failure"}))]
    {
        host.deliver(&query);
        let asked = host.sent().remove(0);
        assert_eq!((asked.receiver.as_str(), &asked.content), ("oracle", &json!("who?")));
        let reply = |act: &str| json!({"performative": act, "sender": "oracle", "in_reply_to": asked.reply_with, "content": 42});
        // It says that the answer will come.
        assert_eq!(host.deliver(reply("agree")), 0);
        assert_eq!(host.sent(), []);
        assert_eq!(host.deliver(reply(act)), 0);
        let answer = host.sent().remove(0);
        assert_eq!(answer.content, expected);
        assert_eq!(answer.in_reply_to.as_deref(), Some("2"));
        // A second answer is nobody's.
        assert_eq!(host.deliver(reply("inform")), 0);
        assert_eq!(host.sent(), []);
    }
}

#[test]
fn a_fresh_instance_waits_for_nothing() {
    let host = MockHost::of(&AGENT);
    host.deliver(request(json!({"action": "nap", "naps": 1})));
    host.restart();
    host.logs();
    host.advance(1_000);
    assert_eq!(host.sent(), []);
    assert!(host.logs()[0].1.ends_with("is nobody's"));
}

#[test]
fn a_timer_calls_back() {
    let host = MockHost::of(&AGENT);
    host.deliver(request(json!({"action": "call_back"})));
    host.advance(5);
    assert_eq!(host.sent()[0].content, json!({"result": "called back"}));
}

#[test]
fn a_timer_that_nobody_awaits_any_more_is_cancelled() {
    let host = MockHost::new();
    let timer = HostTimer::set(Duration::from_secs(1)).unwrap();
    assert_eq!(host.timers().len(), 1);
    drop(timer);
    assert_eq!(host.timers(), []);
    host.fail("set_timer", Some(HostError::LimitExceeded));
    assert_eq!(HostTimer::set(Duration::ZERO).err(), Some(HostError::LimitExceeded));
}

#[test]
fn an_init_that_fails_says_why() {
    let host = MockHost::with_config(&AGENT, &json!({"broken": true}));
    assert_eq!(host.code(), 1);
    assert_eq!(host.logs(), [(LogLevel::Error, "the config is broken".to_string())]);
    let host = MockHost::of(&AGENT);
    host.shut_down();
    assert_eq!(host.logs(), [(LogLevel::Info, "stopped".to_string())]);
    assert_eq!(host.capabilities(), None);
}

#[test]
fn the_mock_host_is_this_tests_own() {
    let host = MockHost::new().named("anna");
    assert_eq!(host.now() % 1_000_000, 0);
    sleep_micros(7);
    assert_eq!(current_timestamp(), host.now());
    assert_eq!(host.now() % 1_000_000, 7);
    let (first, second) = (random_u32(), random_u32());
    assert_ne!(first, second);
    drop(host);
    let _again = MockHost::new();
    assert_eq!(random_u32(), first);
}

#[test]
fn a_monitor_knows_what_is_above_its_limits() {
    let host = MockHost::new();
    let limits = ResourceLimits {
        max_memory_bytes: 10,
        max_allocations: 2,
        max_messages_per_second: 1,
        ..Default::default()
    };
    let mut monitor = ResourceMonitor::new();
    monitor.record_allocation(11);
    assert_eq!(monitor.check_limits(&limits), Err(ResourceError::MemoryLimitExceeded));
    monitor.record_deallocation(5);
    assert_eq!(monitor.check_limits(&limits), Ok(()));
    monitor.record_allocation(1);
    monitor.record_allocation(1);
    assert_eq!(monitor.check_limits(&limits), Err(ResourceError::AllocationLimitExceeded));
    let mut monitor = ResourceMonitor::new();
    monitor.record_message_sent();
    monitor.record_message_sent();
    assert_eq!(monitor.check_limits(&limits), Err(ResourceError::MessageRateLimitExceeded));
    host.advance(1_000_000);
    assert_eq!(monitor.check_limits(&limits), Ok(()));
    host.advance(1);
    assert_eq!(monitor.check_limits(&limits), Err(ResourceError::TimeoutExceeded));
    let mut monitor = ResourceMonitor::new();
    monitor.record_cpu_time(100_001);
    assert_eq!(monitor.check_limits(&limits), Err(ResourceError::CpuLimitExceeded));
}
