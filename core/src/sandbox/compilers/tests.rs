//! Who is compiled when, with work that compiles nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail this way")]

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::blocking::block_on;

const SECOND: u64 = 1_000_000;

fn compilers() -> &'static Compilers {
    Box::leak(Box::default())
}

fn estimate(micros: u64, bytes: u64) -> Estimate {
    Estimate {
        micros,
        kept_bytes: bytes / 2,
        function_micros: micros,
        function_bytes: bytes.div_ceil(2),
    }
}

/// Work that tells `begun` its name, and ends when it is let.
struct Held {
    name: &'static str,
    begun: Sender<&'static str>,
    until: Receiver<()>,
}

impl Held {
    fn new(name: &'static str, begun: &Sender<&'static str>) -> (Self, Sender<()>) {
        let (let_go, until) = channel();
        (Held { name, begun: begun.clone(), until }, let_go)
    }

    fn submit(self, to: &'static Compilers, estimate: Estimate) -> Arc<Ticket> {
        let work = move |ticket: &Ticket| {
            self.begun.send(self.name).unwrap();
            // Who lets it go may have gone.
            let _ = self.until.recv();
            ticket.tell(Err(Error::new(ErrorKind::Internal, self.name)));
        };
        to.submit(estimate, Box::new(work)).unwrap()
    }
}

/// Work that ends at once.
fn submit(
    to: &'static Compilers,
    name: &'static str,
    begun: &Sender<&'static str>,
    estimate: Estimate,
) -> Arc<Ticket> {
    Held::new(name, begun).0.submit(to, estimate)
}

fn outcome(ticket: &Ticket) -> String {
    block_on(ticket.outcome()).err().unwrap().message().to_owned()
}

fn until_idle(compilers: &Compilers) {
    while compilers.inner.lock().is_staffed.contains(&true) {
        std::thread::yield_now();
    }
}

#[test]
fn what_takes_long_keeps_nothing_short_waiting() {
    let (compilers, (begun, order)) = (compilers(), channel());
    let (long, let_long_go) = Held::new("long", &begun);
    let long = long.submit(compilers, estimate(30 * SECOND, 1));
    assert_eq!(order.recv().unwrap(), "long");
    let longer = submit(compilers, "longer", &begun, estimate(40 * SECOND, 1));
    for name in ["a", "b", "c"] {
        let short = submit(compilers, name, &begun, estimate(SECOND, 1));
        assert_eq!(outcome(&short), name);
        assert_eq!(order.recv().unwrap(), name);
    }
    drop(let_long_go);
    assert_eq!(outcome(&longer), "longer");
    assert_eq!(outcome(&long), "long");
    until_idle(compilers);
}

#[test]
fn smaller_ones_come_first_but_not_for_ever() {
    let (compilers, (begun, order)) = (compilers(), channel());
    // Both threads are busy: the first one only takes what is short.
    let (long, let_long_go) = Held::new("long", &begun);
    let (short, let_short_go) = Held::new("short", &begun);
    let long = long.submit(compilers, estimate(30 * SECOND, 1));
    assert_eq!(order.recv().unwrap(), "long");
    let short = short.submit(compilers, estimate(SECOND, 1));
    assert_eq!(order.recv().unwrap(), "short");
    let sizes = [("9 s", 9), ("3 s", 3), ("6 s", 6)];
    let waiting = sizes.map(|(name, s)| submit(compilers, name, &begun, estimate(s * SECOND, 1)));
    // One that has waited for longer than it takes is ahead of all that come.
    compilers.inner.lock().begun = monotonic().checked_sub(std::time::Duration::from_secs(60));
    let late = submit(compilers, "late", &begun, estimate(1, 1));
    drop(let_short_go);
    for ticket in waiting.iter().chain([&late]) {
        outcome(ticket);
    }
    assert_eq!(order.iter().take(4).collect::<Vec<_>>(), ["3 s", "6 s", "9 s", "late"]);
    drop(let_long_go);
    assert_eq!([outcome(&short), outcome(&long)], ["short", "long"]);
    until_idle(compilers);
}

#[test]
fn memory_is_shared() {
    let (compilers, (begun, order)) = (compilers(), channel());
    let (first, let_first_go) = Held::new("first", &begun);
    let first = first.submit(compilers, estimate(30 * SECOND, MAX_BYTES - 10));
    assert_eq!(order.recv().unwrap(), "first");
    let large = submit(compilers, "large", &begun, estimate(SECOND, 11));
    let small = submit(compilers, "small", &begun, estimate(2 * SECOND, 10));
    assert_eq!(outcome(&small), "small");
    drop(let_first_go);
    assert_eq!(outcome(&large), "large");
    assert_eq!(outcome(&first), "first");
    // What is larger than all there is goes alone.
    assert_eq!(outcome(&submit(compilers, "huge", &begun, estimate(SECOND, u64::MAX))), "huge");
    until_idle(compilers);
    assert_eq!(compilers.inner.lock().bytes, 0);
}

#[test]
fn what_nobody_waits_for_is_not_compiled() {
    let (compilers, (begun, order)) = (compilers(), channel());
    let (long, let_long_go) = Held::new("long", &begun);
    let long = long.submit(compilers, estimate(30 * SECOND, 1));
    assert_eq!(order.recv().unwrap(), "long");
    let given_up = submit(compilers, "given up", &begun, estimate(20 * SECOND, 1));
    let shared = submit(compilers, "shared", &begun, estimate(40 * SECOND, 1));
    drop(shared.clone());
    drop(given_up);
    assert_eq!(compilers.inner.lock().waiting.len(), 1);
    drop(let_long_go);
    assert_eq!(outcome(&shared), "shared");
    assert_eq!(order.recv().unwrap(), "shared");
    assert_eq!(outcome(&long), "long");
    until_idle(compilers);
}

#[test]
fn a_panic_is_an_error_of_one_module() {
    let (compilers, (begun, _order)) = (compilers(), channel());
    let panics = compilers.submit(estimate(1, 1), Box::new(|_| panic!("a defect"))).unwrap();
    assert!(outcome(&panics).contains("a defect"));
    assert_eq!(outcome(&submit(compilers, "next", &begun, estimate(1, 1))), "next");
    until_idle(compilers);
    assert_eq!(compilers.inner.lock().compiling, 0);
}
