//! Closing: everything ends, and nothing is left behind.

use std::future::IntoFuture;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use caxton::{Durability, ErrorKind, Register, Reply, Runtime};

use crate::child;
use crate::store::Folder;
use crate::support::*;

#[test]
fn whoever_waits_is_told() {
    let runtime = runtime(2);
    let mut limits = patient();
    limits.mailbox_capacity = 1;
    let sleeper = deploy(&runtime, "sleeper", sleeper().limits(limits));
    let spinner = deploy(&runtime, "spinner", spinner());
    wait(spinner.send(&())).unwrap();
    wait(sleeper.send(&())).unwrap();
    wait(sleeper.send(&())).unwrap();
    let mut ask = spinner.ask(&()).timeout(None).into_future();
    assert!(poll_once(&mut ask).is_pending());
    let waiting = inform("sleeper", 1);
    let mut send = Box::pin(runtime.send(&waiting, None));
    assert!(poll_once(&mut send).is_pending());
    let subscription = runtime.subscribe(caxton::Filter::everything()).unwrap();
    let mut next = Box::pin(subscription.next());
    assert!(poll_once(&mut next).is_pending());
    let begun = Instant::now();
    wait(runtime.close());
    assert!(begun.elapsed() < HANGS);
    assert_eq!(wait(ask).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(wait(send).unwrap_err().kind(), ErrorKind::Closed);
    while wait(subscription.next()).is_some() {}
    assert_eq!(sleeper.state().as_str(), "removed");
    assert_eq!(spinner.state().as_str(), "removed");
}

#[test]
fn an_agent_that_is_being_deployed_is_ended() {
    let runtime = runtime(1);
    let init = "(func (export \"agent_init\") (result i32) (loop $ever (br $ever)) unreachable)";
    let code = format!("{init} {}", handler("(i32.const 0)"));
    let names = ["first", "second"];
    let mut deploying = Box::pin(runtime.deploy_many(agent(&code, &[]).limits(patient()), names));
    assert!(poll_once(&mut deploying).is_pending());
    until("they are entered", || {
        let _ = poll_once(&mut deploying);
        runtime.agents().len() == 2
    });
    wait(runtime.close_within(Duration::from_millis(200)));
    assert_eq!(wait(deploying).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn an_agent_that_is_being_removed_is_interrupted_too() {
    let runtime = runtime(1);
    let spinner = deploy(&runtime, "spinner", spinner().limits(patient()));
    wait(spinner.send(&())).unwrap();
    until("its turn has begun", || spinner.stats().mailbox_messages == 0);
    let mut removing = Box::pin(spinner.remove());
    assert!(poll_once(&mut removing).is_pending());
    assert!(runtime.agents().is_empty());
    wait(runtime.close_within(Duration::from_millis(200)));
    // Closing interrupts it, and on a busy machine does not wait for that.
    until("it is removed", || spinner.state().as_str() == "removed");
    // Its end is what was asked for.
    wait(removing).unwrap();
}

#[test]
fn an_agent_may_be_removed_before_it_is_ready() {
    let runtime = runtime(1);
    let mut limits = patient();
    limits.max_cpu_micros = 3_600_000_000;
    let hog = deploy(&runtime, "hog", spinner().limits(limits));
    wait(hog.send(&())).unwrap();
    until("the hog has the only worker", || hog.stats().mailbox_messages == 0);
    let mut deploying = Box::pin(runtime.deploy(answerer().name("late")));
    until("it is entered", || {
        assert!(poll_once(&mut deploying).is_pending());
        runtime.agent_named("late").is_ok()
    });
    let removal = runtime.agent_named("late").unwrap();
    let mut removing = Box::pin(removal.remove());
    assert!(poll_once(&mut removing).is_pending());
    assert!(runtime.agent_named("late").is_err());
    wait(runtime.close_within(Duration::from_millis(200)));
    assert_eq!(wait(deploying).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_handler_may_close_the_runtime() {
    let runtime = runtime(1);
    let inner = runtime.clone();
    let handler = runtime.handler(move |_| {
        let runtime = inner.clone();
        async move {
            runtime.close().await;
            Reply::Nothing
        }
    });
    runtime.register(Register::new("closer", handler)).unwrap();
    assert_eq!(wait(runtime.ask(request("closer"))).unwrap_err().kind(), ErrorKind::Closed);
    wait(runtime.close());
    assert!(runtime.is_closed());
}

#[test]
fn a_closing_that_is_given_up_goes_on() {
    let runtime = runtime(1);
    let agent = deploy(&runtime, "a", built("rust"));
    let mut closing = Box::pin(runtime.close());
    let _ = poll_once(&mut closing);
    drop(closing);
    until("the agent is gone", || agent.state().as_str() == "removed");
    wait(runtime.close());
}

#[test]
fn no_thread_is_left() {
    const NAME: &str = "closing::no_thread_is_left";
    if !child::is_here(NAME) {
        // Without a cache the modules are compiled, which has threads of its own.
        child::run(NAME, &[("CAXTON_CACHE_DIR", "")]);
        return;
    }
    let runtime = runtime(2);
    let kept = deploy(&runtime, "a", built("rust-wasi"));
    uppercase(&kept, "x");
    assert!(child::threads().len() >= 3);
    wait(runtime.close());
    until("all threads are gone", || child::threads().is_empty());
    // And again, while handles of the first one are still here.
    let second = crate::support::runtime(1);
    uppercase(&deploy(&second, "a", built("rust")), "x");
    drop(second);
    until("all threads are gone after the last handle", || child::threads().is_empty());
    assert!(log_has(&kept, "rust agent stopped"));
}

#[test]
fn changes_to_agents_end_with_the_runtime() {
    for round in 0..20 {
        let folder = Folder::new();
        let durability = if round % 2 == 0 { Durability::Relaxed } else { Durability::Full };
        let builder = Runtime::builder().workers(2).store(folder.file()).durability(durability);
        let runtime = builder.build().unwrap();
        let spinner = deploy(&runtime, "spinner", spinner().limits(patient()));
        wait(spinner.send(&())).unwrap();
        let names = ["a", "b", "c", "d", "e"];
        let agents = names.map(|name| deploy(&runtime, name, answerer()));
        let barrier = Barrier::new(agents.len() + 2);
        std::thread::scope(|scope| {
            for agent in agents.iter().chain([&spinner]) {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let ended = (0..10_000).find_map(|turn| {
                        let done = match turn % 3 {
                            0 => wait(agent.suspend()),
                            1 => wait(agent.resume()),
                            _ if turn > 200 => wait(agent.remove()),
                            _ => wait(agent.restart()),
                        };
                        done.err()
                    });
                    let kind = ended.map(|error| error.kind());
                    let over = [ErrorKind::Closed, ErrorKind::AgentNotFound];
                    assert!(kind.is_none_or(|kind| over.contains(&kind)), "{kind:?}");
                });
            }
            barrier.wait();
            std::thread::sleep(Duration::from_millis(round));
            wait(runtime.close_within(Duration::from_millis(100)));
        });
    }
}
