//! Memory that the host keeps for agents.

use caxton::{Agent, Deploy, Limits, Runtime, Wasm};
use serde_json::{Value, json};

use crate::store::Folder;
use crate::support::*;

/// An agent that writes a line of `bytes` bytes whenever it gets a message.
fn writer(runtime: &Runtime, name: &str, bytes: usize) -> Agent {
    let code = handler(&format!("(call $log (i32.const 65536) (i32.const {bytes})) (i32.const 0)"));
    let mut limits = Limits::default();
    limits.max_log_bytes = 1 << 20;
    let module = module(&code, &[])
        .replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 17)");
    deploy(runtime, name, Deploy::bytes(module.into_bytes()).limits(limits))
}

fn turns(agent: &Agent, count: u64) {
    for _ in 0..count {
        wait(agent.send(&())).unwrap();
    }
    until("it has had its turns", || agent.stats().turns > count);
}

#[test]
fn logs_of_many_take_what_is_allowed_together_and_those_who_write_little_keep_theirs() {
    const LINE: usize = 1_000_000;
    let runtime = runtime(2);
    let quiet = writer(&runtime, "quiet", 10);
    turns(&quiet, 1);
    let loud: Vec<Agent> =
        (0..275).map(|at| writer(&runtime, &format!("loud-{at}"), LINE)).collect();
    for agent in &loud {
        turns(agent, 1);
    }
    let lines = |agent: &Agent| agent.logs().len();
    let left: Vec<usize> = loud.iter().map(lines).collect();
    let (all, most) = (left.iter().sum::<usize>(), (256 << 20) / LINE);
    assert!((most - 8..=most).contains(&all), "{all} lines of a megabyte are left");
    assert!(left.is_sorted(), "the oldest went first: {left:?}");
    assert_eq!(lines(&quiet), 1);
    let kept = loud.iter().map(|agent| agent.stats().host_bytes).sum::<u64>();
    assert!(kept <= 256 << 20, "{kept} bytes are charged");
    assert!(kept >= (all * LINE) as u64);
}

/// An agent that makes the host keep something of every kind, at each message.
fn keeper(after: &str) -> Deploy {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    Deploy::bytes(keeping(after)).limits(limits)
}

/// Its module; `after` is run at the end of its turns.
fn keeping(after: &str) -> Vec<u8> {
    let inform = |fields: Value| {
        let mut message = json!({"performative": "inform", "content": "x".repeat(100)});
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        message.to_string()
    };
    let texts = [
        ("lost", inform(json!({"receiver": "nobody"}))),
        (
            "due",
            inform(json!({"receiver": "silent", "performative": "request", "reply_with": "w",
            "reply_by": 253_402_300_000_000_000_u64, "protocol": "fipa-request", "conversation_id": "c"})),
        ),
        ("many", inform(json!({"receiver": ["silent", "held", "nobody", "topic:t"]}))),
        (
            "search",
            inform(json!({"receiver": "df", "performative": "subscribe", "conversation_id": "s",
            "content": {"action": "search", "description": {}}})),
        ),
        ("filter", json!({"receiver": "topic:t", "performative": "inform"}).to_string()),
        ("all", "{}".to_owned()),
    ];
    let send = |name: &str| format!("(drop (call $send {{{name}}}))");
    let code = [
        "(func (export \"agent_init\") (result i32)
           (drop (call $subscribe {filter})) (drop (call $set_timer (i64.const 600000000))) (i32.const 0))
         (func (export \"handle_timer\") (param i32) (result i32) (i32.const 0))"
        .to_owned(),
        handler(&format!(
        "(call $log {{lost}})
         (drop (call $store (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 1000)))
         (drop (call $subscribe {{filter}}))
         (drop (call $set_timer (i64.const 600000000)))
         {} {} {} {}
         (drop (call $broadcast {{all}} {{lost}}))
         (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 100))
         (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
         {after} (i32.const 0)",
        send("lost"), send("due"), send("many"), send("search"),
        )),
    ]
    .concat();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
    let wasi = "(import \"wasi_snapshot_preview1\" \"fd_write\"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))";
    let module = module(&code, &texts).replacen("(module", &format!("(module {wasi}"), 1);
    module.into_bytes()
}

/// A runtime, with a store or without, and in it whoever the keeper sends to: one who never answers, and one who is
/// held.
fn stage(folder: Option<&Folder>) -> Runtime {
    let mut builder = Runtime::builder().workers(2);
    if let Some(folder) = folder {
        builder = builder.store(folder.file());
    }
    let runtime = builder.build().unwrap();
    let nothing = || agent(&handler("(i32.const 0)"), &[]);
    deploy(&runtime, "silent", nothing());
    wait(deploy(&runtime, "held", nothing()).suspend()).unwrap();
    runtime
}

const SPINS: &str = "(loop $ever (br $ever))";

fn nothing_is_kept(agent: &Agent) {
    until("nothing is kept for it", || agent.stats().host_bytes == 0);
}

#[test]
fn nothing_is_kept_for_an_agent_that_is_gone_whatever_it_has_done() {
    for is_stored in [false, true] {
        let folder = Folder::new();
        let runtime = stage(is_stored.then_some(&folder));
        let send = |agent: &Agent, count: u32| {
            for _ in 0..count {
                wait(agent.send(&())).unwrap();
            }
        };
        // At rest, with everything done.
        let idle = deploy(&runtime, "idle", keeper(""));
        send(&idle, 10);
        until("it has had its turns", || idle.stats().turns >= 11);
        assert!(idle.stats().host_bytes > 5_000, "{}", idle.stats().host_bytes);
        wait(idle.remove()).unwrap();
        assert_eq!(idle.stats().host_bytes, 0, "at rest, store: {is_stored}");
        assert!(!idle.logs().is_empty());
        // In the middle of a turn, and with messages that nobody has handled.
        let busy = deploy(&runtime, "busy", keeper(SPINS));
        send(&busy, 10);
        until("it is busy", || busy.logs().len() >= 2);
        wait(busy.remove()).unwrap();
        assert_eq!(busy.stats().host_bytes, 0, "busy, store: {is_stored}");
        // While what it has sent goes its way.
        for _ in 0..20 {
            let sends = deploy(&runtime, "sends", keeper(""));
            send(&sends, 5);
            wait(sends.remove()).unwrap();
            assert_eq!(sends.stats().host_bytes, 0, "sending, store: {is_stored}");
        }
        // What traps, is started again, and gets other code, keeps no more than before.
        let trapping = deploy(&runtime, "trapping", keeper("unreachable"));
        send(&trapping, 3);
        until("its turns are dropped", || trapping.stats().dropped_turns >= 3);
        wait(trapping.restart()).unwrap();
        wait(trapping.replace(Wasm::bytes(keeping("")))).unwrap();
        send(&trapping, 3);
        wait(trapping.restart()).unwrap();
        wait(trapping.remove()).unwrap();
        assert_eq!(trapping.stats().host_bytes, 0, "trapped and replaced, store: {is_stored}");
        let last = deploy(&runtime, "last", keeper(""));
        let other = deploy(&runtime, "other", keeper(SPINS));
        send(&last, 10);
        send(&other, 1);
        wait(runtime.close());
        nothing_is_kept(&last);
        nothing_is_kept(&other);
    }
}
