//! Subscriptions of scripts, and what a slow reader costs.

use caxton::Filter;

use crate::support::*;

#[test]
fn a_slow_reader_misses_some_and_holds_up_nobody() {
    let runtime = runtime(1);
    let slow = runtime.subscribe(Filter::everything()).unwrap();
    let topic = inform("topic:news", 0);
    for _ in 0..3000 {
        wait(runtime.send(&topic, HANGS)).unwrap();
    }
    let mut read = 0;
    while slow.try_next().is_some() {
        read += 1;
    }
    assert!(read > 0 && slow.missed() > 0);
    assert_eq!(read + slow.missed(), 3000);
    runtime.try_send(&topic).unwrap();
    assert!(slow.try_next().is_some(), "there is room again");
    wait(runtime.close());
}

#[test]
fn a_large_message_counts_by_its_bytes() {
    let runtime = runtime(1);
    let slow = runtime.subscribe(Filter::everything()).unwrap();
    let large = inform("topic:news", "x".repeat(1 << 19));
    for _ in 0..100 {
        wait(runtime.send(&large, HANGS)).unwrap();
    }
    assert!(slow.missed() > 50, "{} missed", slow.missed());
    wait(runtime.close());
}

#[test]
fn readers_that_give_up_leave_the_message_to_others() {
    let runtime = runtime(1);
    let subscription = runtime.subscribe(Filter::everything()).unwrap();
    let mut kept = Box::pin(subscription.next());
    assert!(poll_once(&mut kept).is_pending());
    for _ in 0..1000 {
        assert!(poll_once(&mut Box::pin(subscription.next())).is_pending());
    }
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| wait(kept));
        runtime.try_send(&inform("topic:news", 5)).unwrap();
        assert_eq!(content(&reader.join().unwrap().unwrap()), 5);
    });
    wait(runtime.close());
}

#[test]
fn dropping_a_subscription_ends_it() {
    let runtime = runtime(1);
    let subscription = runtime.subscribe(Filter::everything()).unwrap();
    subscription.close();
    runtime.try_send(&inform("topic:news", 1)).unwrap();
    assert!(wait(subscription.next()).is_none());
    drop(subscription);
    // What nobody reads any more is a dead letter again.
    let echo = deploy(&runtime, "echo", answerer());
    wait(echo.send(&())).unwrap();
    until("the answer is a dead letter", || runtime.dead_letters().len() == 1);
    wait(runtime.close());
}
