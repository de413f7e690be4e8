//! Desks: who is charged for them, and that none is left.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use crate::agent::Letter;
use crate::directory::Member;
use crate::message::Draft;
use crate::runtime::{Register, Runtime};
use crate::{Handler, Reply, Task};

struct Silent;

impl Handler for Silent {
    fn handle(&self, task: Task) {
        task.finish(Reply::Nothing);
    }
}

fn letter(from: u64) -> Letter {
    let draft = r#"{"performative":"inform","sender":"a","receiver":"df"}"#;
    Letter::direct(Draft::json(draft.to_owned()).to_message().unwrap(), None).sent_by(from)
}

fn host_of(runtime: &Runtime, name: &str) -> Arc<super::HostAgent> {
    let Some(Member::Host(host)) = runtime.core().directory.find(name) else {
        unreachable!("{name} is a host agent")
    };
    host
}

#[test]
fn a_desk_of_df_is_charged_to_who_asks_and_ends_with_nothing_to_do() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    runtime.register(Register::new("a", Silent)).unwrap();
    let [df, asker] = ["df", "a"].map(|name| host_of(&runtime, name));
    let desk = df.desks.of(&df, letter(asker.serial).queue());
    assert!(Arc::ptr_eq(desk.account(), asker.account().unwrap()));
    // The same desk takes all that it sends, and another what others send.
    assert!(Arc::ptr_eq(&desk, &df.desks.of(&df, Some(asker.serial))));
    let other = df.desks.of(&df, letter(u64::MAX).queue());
    assert!(Arc::ptr_eq(other.account(), &runtime.core().cpu));
    // Somebody is about to use it, and leaves it in turn.
    let user = desk.clone();
    df.desks.leave(&desk);
    assert_eq!(df.desks.all().len(), 2);
    drop(user);
    df.desks.leave(&desk);
    assert_eq!(df.desks.all().len(), 1);
    let gone = other.sender;
    drop(other);
    df.forget_sender(gone);
    assert!(df.desks.all().is_empty());
}

#[test]
fn whatever_waits_for_the_end_of_a_desk_comes_once_that_is_through_with_what_was_there() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    runtime.register(Register::new("a", Silent)).unwrap();
    let host = host_of(&runtime, "a");
    let desk = host.desks.of(&host, None);
    let done = Arc::new(AtomicUsize::new(0));
    let after = || {
        let done = done.clone();
        Box::new(move || {
            done.fetch_add(1, SeqCst);
        })
    };
    desk.once_served(after());
    assert_eq!(done.load(SeqCst), 1, "nothing waits");
    for _ in 0..2 {
        // Whether it has to be scheduled: nobody runs it before this test does.
        assert!(desk.mailbox.push(letter(1)).is_ok());
    }
    desk.once_served(after());
    assert!(desk.mailbox.push(letter(1)).is_ok());
    desk.once_served(after());
    assert_eq!(done.load(SeqCst), 1);
    for expected in [1, 2] {
        desk.mailbox.begin_slice();
        desk.hand_out_one(&host);
        assert_eq!(done.load(SeqCst), expected);
    }
    desk.serve(crate::agent::Lane::outside());
    assert_eq!(done.load(SeqCst), 3);
    // What still waits when all ends comes too.
    desk.mailbox.begin_slice();
    assert!(desk.mailbox.push(letter(1)).is_ok());
    desk.once_served(after());
    assert_eq!(host.end().len(), 1);
    assert_eq!(done.load(SeqCst), 4);
}
