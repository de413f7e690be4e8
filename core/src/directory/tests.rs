//! What a member has registered, when the store cannot keep a change of it; and what standing searches
//! cost.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::description::{Description, Service};
use super::df::Example;
use super::profile::Shown;
use super::searches::{Key, Search, Searches, Term, ToTell, Whom};
use crate::account::Account;
use crate::host_agent::{Handler, Reply, Task};
use crate::message::Draft;
use crate::runtime::{HostAgentHandle, Register, Runtime};
use crate::source::monotonic;

use super::profile::{Profile, Registration};

fn registration(lease_until: Option<u64>) -> Registration {
    Registration { description: Arc::default(), lease_until, made_in: None }
}

#[test]
fn a_lease_that_never_was_does_not_end_what_is_there() {
    let profile = Profile::default();
    let kept = registration(None);
    profile.set(Some(kept.clone()));
    profile.settled(Some(kept.clone()));
    let (_, version) = profile.set(Some(registration(Some(10))));
    // The lease ends before the store has failed to keep it.
    assert!(profile.expire(20));
    assert_eq!(profile.registered(20), None);
    assert_eq!(profile.take_back(version), Some(kept.clone()));
    assert_eq!(profile.registered(20), Some(kept));
}

#[test]
fn a_later_change_is_not_taken_back_with_an_earlier_one() {
    let profile = Profile::default();
    let (_, earlier) = profile.set(Some(registration(None)));
    let later = registration(Some(100));
    profile.set(Some(later.clone()));
    assert_eq!(profile.take_back(earlier), None);
    assert_eq!(profile.registered(20), Some(later));
}

fn offering(service: &str) -> Description {
    Description { services: vec![Service::named(service)], ..Description::default() }
}

fn search(service: &str) -> Search {
    let example = Example::new(None, &offering(service));
    let message = Draft::json(r#"{"performative":"subscribe","receiver":"df"}"#.to_owned());
    Search::new(example, &message.to_message().unwrap(), false, &Account::new(u64::MAX)).unwrap()
}

fn key(owner: u64, conversation: usize) -> Key {
    (owner, "a".into(), format!("c{conversation}").into())
}

fn whom(serial: u64) -> Whom {
    Whom { serial, name: format!("h{serial}").into(), id: format!("id{serial}").into() }
}

#[test]
fn a_change_looks_at_those_searches_only_that_may_mean_it() {
    let searches = Searches::default();
    for number in 0..1_000 {
        let entered = searches.enter(key(number, 0), search(&format!("s{number}")), 1);
        assert!(entered);
    }
    let shown = Shown { description: Arc::new(offering("s7")), lease_until: None };
    let terms = Term::of_member(&whom(1), &[&shown]);
    let found: Vec<_> =
        terms.iter().flat_map(|term| searches.under(term, None, usize::MAX)).collect();
    assert_eq!((terms.len(), found.len()), (4, 1));
    assert_eq!(found[0].0.0, 7);
}

#[test]
fn what_waits_to_be_told_has_a_bound() {
    let searches = Searches::default();
    for round in 0..1_000 {
        assert!(searches.enter(key(1, round), search("s"), 1));
        searches.begins(key(1, round));
        searches.begins(key(1, round));
        assert!(searches.end(&key(1, round)));
    }
    assert_eq!(searches.waiting(), 0);
    assert!(searches.enter(key(1, 0), search("s"), 1));
    assert!(!searches.enter(key(1, 1), search("s"), 1));
    searches.begins(key(1, 0));
    for serial in 0..1_000 {
        searches.changed(whom(serial));
        assert!(searches.waiting() <= 65);
    }
    assert!(matches!(searches.next(), Some((_, ToTell::Everybody))));
    assert!(matches!(searches.next(), Some((_, ToTell::Begin(_)))));
    assert!(searches.next().is_none());
}

/// Keeps what it is told, and holds the teller up for as long as it is told to.
struct Slow {
    told: Arc<Mutex<Vec<Value>>>,
    holds: Arc<AtomicBool>,
    came: mpsc::Sender<()>,
    goes_on: Mutex<mpsc::Receiver<()>>,
}

impl Handler for Slow {
    fn handle(&self, task: Task) {
        let told: Value = serde_json::from_str(task.message().content()).unwrap();
        let is_list = told["results"].is_array();
        self.told.lock().push(told);
        task.finish(Reply::Nothing);
        if is_list && self.holds.swap(false, SeqCst) {
            self.came.send(()).unwrap();
            self.goes_on.lock().recv_timeout(HANGS).unwrap();
        }
    }
}

const HANGS: Duration = Duration::from_secs(30);

#[test]
fn more_changes_than_are_kept_are_told_all_the_same() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let (came, has_come) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let (told, holds) = (Arc::default(), Arc::new(AtomicBool::new(true)));
    let slow =
        Slow { told: Arc::clone(&told), holds: holds.clone(), came, goes_on: Mutex::new(goes_on) };
    runtime.register(Register::new("slow", slow)).unwrap();
    let register = |number: usize| -> HostAgentHandle {
        let handler = runtime.handler(|_| async { Reply::Nothing });
        let register = Register::new(format!("h{number}"), handler).capabilities(["x"]);
        runtime.register(register).unwrap()
    };
    let mut here: Vec<HostAgentHandle> = (0..40).map(register).collect();
    let subscribe = json!({"performative": "subscribe", "sender": "slow", "receiver": "df",
        "conversation_id": "c",
        "content": {"action": "search", "description": {"capabilities": ["x"]}}});
    let subscribe = Draft::json(subscribe.to_string());
    crate::blocking::block_on(runtime.send(&subscribe, None)).unwrap();
    // While it is told who is here, half of them go and many come.
    has_come.recv_timeout(HANGS).unwrap();
    here.drain(..20).for_each(|host| host.remove());
    here.extend((40..240).map(register));
    go_on.send(()).unwrap();
    let expected: BTreeSet<String> = (20..240).map(|number| format!("h{number}")).collect();
    let begun = monotonic();
    while replay(&told.lock()) != expected {
        assert!(begun.elapsed() < HANGS, "{:?}", told.lock());
        std::thread::yield_now();
    }
    crate::blocking::block_on(runtime.close());
}

/// Who is there, as somebody knows who was told of each change.
fn replay(told: &[Value]) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for change in told.iter().filter(|it| it["results"].is_array()) {
        for result in change["results"].as_array().unwrap() {
            let name = result["name"].as_str().unwrap().to_owned();
            match change["event"].as_str() {
                Some("deregistered") => assert!(known.remove(&name), "{name}"),
                _ => assert!(known.insert(name.clone()), "{name} came twice"),
            }
        }
    }
    known
}
