//! `ams` and `df`: many at once, disks that fail, and closing.

use std::collections::BTreeSet;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use caxton::{
    ContentLimits, ErrorKind, Filter, Handler, Limits, Message, Register, Reply, Runtime, Task,
};
use serde_json::{Value, json};

use crate::store::{Folder, open};
use crate::support::*;

/// Keeps what it is sent, and answers nothing.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Value>>>);

impl Handler for Listener {
    fn handle(&self, task: Task) {
        self.0.lock().unwrap().push(content(task.message()));
        task.finish(Reply::Nothing);
    }
}

fn host(runtime: &Runtime, name: &str) -> Listener {
    let listener = Listener::default();
    runtime.register(Register::new(name, listener.clone())).unwrap();
    listener
}

fn request(sender: &str, content: Value) -> caxton::Draft {
    draft(
        json!({"performative": "request", "sender": sender, "receiver": "df", "content": content}),
    )
}

fn ask_df(runtime: &Runtime, sender: &str, content: Value) -> Message {
    wait(runtime.ask(request(sender, content))).unwrap()
}

fn offers(service: &str) -> Value {
    json!({"services": [{"name": service}]})
}

fn register(runtime: &Runtime, sender: &str, description: Value) -> Message {
    ask_df(runtime, sender, json!({"action": "register", "description": description}))
}

fn names(results: &Value) -> Vec<String> {
    let results = results["results"].as_array().unwrap();
    results.iter().map(|result| result["name"].as_str().unwrap().to_owned()).collect()
}

fn search(runtime: &Runtime, description: Value) -> Vec<String> {
    let example = json!({"action": "search", "description": description, "max_results": 10_000});
    names(&content(&ask_df(runtime, "host", example)))
}

fn find(runtime: &Runtime, service: &str) -> Vec<String> {
    let filter = json!({"services": service}).to_string();
    runtime.find(Filter::read(filter.as_bytes()).unwrap()).unwrap()
}

fn subscribe(runtime: &Runtime, sender: &str, conversation: &str, description: Value) -> Message {
    let message = json!({
        "performative": "subscribe", "sender": sender, "receiver": "df",
        "protocol": "fipa-subscribe", "conversation_id": conversation,
        "content": {"action": "search", "description": description},
    });
    wait(runtime.ask(draft(message))).unwrap()
}

fn act(message: &Message) -> &'static str {
    message.performative().as_str()
}

/// Who is there, as somebody knows who was told of each change.
fn replay(told: &[Value]) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for change in told {
        match (change["event"].as_str(), names(change)) {
            (None, names) => known = names.into_iter().collect(),
            (Some("registered"), names) => {
                for name in names {
                    assert!(known.insert(name.clone()), "{name} came twice: {told:?}");
                }
            }
            (Some("modified"), names) => assert!(known.contains(&names[0]), "{told:?}"),
            (Some("deregistered"), names) => assert!(known.remove(&names[0]), "{told:?}"),
            other => panic!("{other:?}"),
        }
    }
    known
}

#[test]
fn ten_thousand_registrations() {
    let runtime = runtime(1);
    for number in 0..10_000 {
        let name = format!("h{number}");
        host(&runtime, &name);
        let done = register(&runtime, &name, offers(&format!("s{}", number % 100)));
        assert_eq!(act(&done), "inform", "{done:?}");
    }
    assert_eq!(find(&runtime, "s7").len(), 100);
    assert_eq!(search(&runtime, offers("s7")), find(&runtime, "s7"));
    let all = content(&ask_df(&runtime, "host", json!({"action": "search"})));
    assert_eq!((names(&all).len(), &all["incomplete"]), (1000, &json!(true)));
    assert_eq!(names(&all)[..2], ["h0", "h1"]);
    let most = json!({"action": "search", "max_results": 10_000});
    let most = content(&ask_df(&runtime, "host", most));
    // As many as one message has room for.
    assert!(names(&most).len() > 5000, "{}", names(&most).len());
    assert!(most.to_string().len() <= 1 << 20);
    wait(runtime.close());
}

#[test]
fn lists_that_are_too_long() {
    let runtime = runtime(1);
    host(&runtime, "h");
    for (description, parameter) in [
        (json!({"capabilities": vec!["x"; 257]}), "description.capabilities"),
        (json!({"services": vec![json!({"name": "x"}); 257]}), "description.services"),
        (
            json!({"services": [{"name": "x", "languages": vec!["x"; 257]}]}),
            "description.services[0].languages",
        ),
    ] {
        let no = content(&register(&runtime, "h", description));
        assert_eq!(no["reason"], "unrecognised-parameter-value");
        assert_eq!(no["parameter"], parameter);
    }
    // JSON that is deeper than anybody reads is no description.
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let text = format!(
        r#"{{"performative":"request","sender":"h","receiver":"df","content":{{"action":"register","description":{{"services":[{{"name":"x","properties":{{"deep":{deep}}}}}]}}}}}}"#
    );
    let no = wait(runtime.ask(caxton::Draft::json(text))).unwrap();
    assert_eq!(content(&no)["reason"], "unrecognised-parameter-value");
    let most = json!({"capabilities": vec!["x"; 256], "services": vec![json!({"name": "x"}); 256]});
    assert_eq!(act(&register(&runtime, "h", most)), "inform");
    wait(runtime.close());
}

#[test]
fn searches_that_stand_see_each_change_once_and_in_order() {
    const HOSTS: usize = 8;
    let runtime = runtime(2);
    let listeners: Vec<Listener> = (0..32)
        .map(|number| {
            let name = format!("listener{number}");
            let listener = host(&runtime, &name);
            assert_eq!(act(&subscribe(&runtime, &name, "c", offers("s"))), "agree");
            listener
        })
        .collect();
    for number in 0..HOSTS {
        host(&runtime, &format!("h{number}"));
    }
    std::thread::scope(|scope| {
        for number in 0..HOSTS {
            let runtime = &runtime;
            scope.spawn(move || {
                let name = format!("h{number}");
                for round in 0..50 {
                    assert_eq!(act(&register(runtime, &name, offers("s"))), "inform");
                    if round % 3 == 0 {
                        let other = json!({"action": "modify", "description": offers("t")});
                        assert_eq!(act(&ask_df(runtime, &name, other)), "inform");
                    }
                    if round < 49 || number % 2 == 0 {
                        let gone = ask_df(runtime, &name, json!({"action": "deregister"}));
                        assert_eq!(act(&gone), "inform");
                    }
                }
            });
        }
    });
    let now: BTreeSet<String> = search(&runtime, offers("s")).into_iter().collect();
    assert_eq!(now.len(), HOSTS / 2, "{now:?}");
    for listener in &listeners {
        until("all has been told", || replay(&listener.0.lock().unwrap()) == now);
        let told = listener.0.lock().unwrap();
        assert!(told[0].get("event").is_none(), "{told:?}");
    }
    wait(runtime.close());
}

#[test]
fn the_program_has_so_many_standing_searches() {
    let runtime = runtime(1);
    for number in 0..1024 {
        // Under whatever names it speaks.
        let sender = ["host", "somebody"][number % 2];
        assert_eq!(act(&subscribe(&runtime, sender, &format!("c{number}"), json!({}))), "agree");
    }
    let no = subscribe(&runtime, "host", "one more", json!({}));
    assert_eq!((act(&no), &content(&no)["limit"]), ("refuse", &json!(1024)));
    let cancel = json!({"performative": "cancel", "receiver": "df", "conversation_id": "c0"});
    assert_eq!(content(&wait(runtime.ask(draft(cancel))).unwrap()), json!({"cancelled": true}));
    assert_eq!(act(&subscribe(&runtime, "host", "one more", json!({}))), "agree");
    host(&runtime, "h");
    assert_eq!(act(&subscribe(&runtime, "h", "its own", json!({}))), "agree");
    wait(runtime.close());
}

/// Lets a test see that nobody keeps it.
struct Kept(#[allow(dead_code, reason = "it is only dropped")] Arc<()>);

impl Handler for Kept {
    fn handle(&self, task: Task) {
        task.finish(Reply::Nothing);
    }
}

#[test]
fn closing_ends_leases_and_standing_searches_and_keeps_nothing() {
    let kept = Arc::new(());
    let watch: Weak<()> = Arc::downgrade(&kept);
    let runtime = runtime(1);
    runtime.register(Register::new("h", Kept(kept))).unwrap();
    let lease = json!({"services": [{"name": "s"}], "lease_time": 3_600_000_000_u64});
    assert_eq!(act(&register(&runtime, "h", lease)), "inform");
    assert_eq!(act(&subscribe(&runtime, "h", "c", json!({}))), "agree");
    wait(runtime.close());
    let error = wait(runtime.ask(request("host", json!({"action": "search"})))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    drop(runtime);
    until("the runtime is gone", || watch.strong_count() == 0);
}

#[test]
fn a_runtime_that_is_dropped_keeps_nothing() {
    let kept = Arc::new(());
    let watch: Weak<()> = Arc::downgrade(&kept);
    let runtime = runtime(1);
    runtime.register(Register::new("h", Kept(kept))).unwrap();
    assert_eq!(act(&register(&runtime, "h", offers("s"))), "inform");
    assert_eq!(act(&subscribe(&runtime, "h", "c", json!({}))), "agree");
    drop(runtime);
    until("the runtime is gone", || watch.strong_count() == 0);
}

#[test]
fn what_an_agent_asks_at_its_end_is_answered_by_nobody() {
    let folder = Folder::new();
    for runtime in [runtime(1), open(&folder.file())] {
        let to_df = |content: Value| {
            json!({"performative": "request", "receiver": "df", "content": content}).to_string()
        };
        let deregister = to_df(json!({"action": "deregister"}));
        let register = to_df(json!({"action": "register", "description": offers("s")}));
        let code = "(func (export \"agent_init\") (result i32) (call $send {register}))
            (func (export \"agent_shutdown\") (drop (call $send {deregister})))"
            .to_owned()
            + &handler("(i32.const 0)");
        let texts = [("register", &*register), ("deregister", &*deregister)];
        let registrar = deploy(&runtime, "a", agent(&code, &texts));
        // A deployment is over when what its init told is known.
        assert_eq!(find(&runtime, "s"), ["a"]);
        until("it knows", || registrar.stats().messages_in == 1);
        wait(registrar.remove()).unwrap();
        assert_eq!(registrar.stats().messages_out, 2);
        let dead: Vec<_> = runtime.dead_letters();
        assert!(dead.is_empty(), "{dead:?}");
        assert_eq!(find(&runtime, "s"), [""; 0]);
        wait(runtime.close());
    }
}

/// A runtime on a disk that fails as long as it is told to.
fn breakable(folder: &Folder) -> (Runtime, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = broken.clone();
    let hook = Arc::new(move |_| match breaks.load(Ordering::SeqCst) {
        true => Err(std::io::Error::other("the disk is broken")),
        false => Ok(()),
    });
    (Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap(), broken)
}

#[test]
fn what_the_store_could_not_keep_is_not_registered() {
    let folder = Folder::new();
    let (runtime, broken) = breakable(&folder);
    host(&runtime, "h");
    let listener = host(&runtime, "listener");
    assert_eq!(act(&subscribe(&runtime, "listener", "c", json!({"name": "h"}))), "agree");
    until("it is told who is here", || listener.0.lock().unwrap().len() == 1);
    let failed = |content: Value| {
        broken.store(true, Ordering::SeqCst);
        let error = wait(runtime.ask(request("h", content))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
        broken.store(false, Ordering::SeqCst);
    };
    failed(json!({"action": "register", "description": offers("s")}));
    assert_eq!(find(&runtime, "s"), [""; 0]);
    assert_eq!(act(&register(&runtime, "h", offers("s"))), "inform");
    failed(json!({"action": "modify", "description": offers("t")}));
    assert_eq!((find(&runtime, "s"), find(&runtime, "t")), (vec!["h".to_owned()], vec![]));
    failed(json!({"action": "deregister"}));
    assert_eq!(find(&runtime, "s"), ["h"]);
    // The lease that never was does not end what is there.
    let brief = json!({"services": [{"name": "t"}], "lease_time": 20_000});
    failed(json!({"action": "modify", "description": brief}));
    let begin = json!({
        "performative": "subscribe", "receiver": "df", "conversation_id": "failed",
        "content": {"action": "search"},
    });
    broken.store(true, Ordering::SeqCst);
    // It changes nothing that a store keeps.
    assert_eq!(act(&wait(runtime.ask(draft(begin))).unwrap()), "agree");
    broken.store(false, Ordering::SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(60));
    assert_eq!(find(&runtime, "s"), ["h"]);
    assert_eq!(act(&ask_df(&runtime, "h", json!({"action": "deregister"}))), "inform");
    until("it is told that it is gone", || {
        let told = listener.0.lock().unwrap();
        told.last().unwrap()["results"][0]["services"] == json!([])
    });
    assert_eq!(act(&register(&runtime, "h", offers("u"))), "inform");
    wait(runtime.close());
    let runtime = open(&folder.file());
    host(&runtime, "h");
    assert_eq!((find(&runtime, "s"), find(&runtime, "u")), (vec![], vec!["h".to_owned()]));
    wait(runtime.close());
}

#[test]
fn what_waited_for_df_in_a_store_is_handled_when_it_is_opened() {
    let folder = Folder::new();
    let broken = Arc::new(AtomicBool::new(false));
    let (breaks, commits) = (broken.clone(), std::sync::atomic::AtomicU64::new(0));
    // The message gets there, and what df does with it does not.
    let hook = Arc::new(move |at| {
        let is_on = breaks.load(Ordering::SeqCst) && at == caxton::Point::Begun;
        match is_on && commits.fetch_add(1, Ordering::SeqCst) > 0 {
            true => Err(std::io::Error::other("the disk is broken")),
            false => Ok(()),
        }
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    host(&runtime, "h");
    // A removal waits until all before it is on disk.
    wait(deploy(&runtime, "gone", answerer()).remove()).unwrap();
    broken.store(true, Ordering::SeqCst);
    let registers = request("h", json!({"action": "register", "description": offers("s")}));
    wait(runtime.send(&registers, HANGS)).unwrap();
    until("it is taken back", || find(&runtime, "s").is_empty());
    wait(runtime.close());
    let runtime = open(&folder.file());
    let listener = host(&runtime, "h");
    assert_eq!(find(&runtime, "s"), ["h"]);
    until("it is answered", || {
        let told = listener.0.lock().unwrap();
        told.iter().any(|answer| answer["action"] == "register")
    });
    wait(runtime.close());
}

#[test]
fn a_name_that_is_free_again_gives_nobody_the_rights_of_the_program() {
    let folder = Folder::new();
    let held = Arc::new(AtomicBool::new(false));
    let holds = held.clone();
    let hook = Arc::new(move |_| {
        while holds.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Ok(())
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    let victim = deploy(&runtime, "victim", agent(&handler("(i32.const 0)"), &[]));
    let order = |action: &str| {
        json!({
            "performative": "request", "receiver": "ams",
            "content": {"action": action, "name": "victim"},
        })
    };
    let remove = order("remove").to_string();
    let thief = agent(&handler("(call $send {remove})"), &[("remove", &remove)]);
    let thief = deploy(&runtime, "thief", thief);
    held.store(true, Ordering::SeqCst);
    let mut asking = runtime.ask(inform("thief", 1)).into_future();
    assert!(poll_once(&mut asking).is_pending());
    until("it has asked", || thief.stats().messages_out == 1);
    let mut removing = Box::pin(thief.remove());
    assert!(poll_once(&mut removing).is_pending());
    // The program takes the name before the request is on disk, which is when it is handled.
    let spoken = json!({"performative": "inform", "sender": "thief", "receiver": "victim"});
    runtime.try_send(&draft(spoken)).unwrap();
    held.store(false, Ordering::SeqCst);
    wait(removing).unwrap();
    // What was asked before would be done before.
    let suspended = wait(runtime.ask(draft(order("suspend")))).unwrap();
    assert_eq!(act(&suspended), "inform", "{suspended:?}");
    assert_eq!(victim.state().as_str(), "suspended");
    wait(runtime.close());
}

#[test]
fn an_agent_that_removes_itself_is_answered_while_it_is_here() {
    let runtime = runtime(1);
    let leave = json!({
        "performative": "request", "receiver": "ams",
        "content": {"action": "remove", "name": "a"},
    });
    // It asks for it once, and not again when it is answered.
    let code = handler(
        "(if (result i32) (i32.eq (i32.load8_u offset=19 (local.get $ptr)) (i32.const 113))
            (then (call $send {leave}))
            (else (i32.const 0)))",
    );
    let mut grants = caxton::Grants::default();
    grants.directory_admin = true;
    let leave = leave.to_string();
    let leaver = agent(&code, &[("leave", &leave)]).grants(grants);
    wait(runtime.deploy(leaver.name("a"))).unwrap();
    let answers = runtime.subscribe(Filter::read(br#"{"sender": "ams"}"#).unwrap()).unwrap();
    let order = json!({"performative": "request", "receiver": "a"});
    wait(runtime.send(&draft(order), HANGS)).unwrap();
    assert_eq!(content(&wait(answers.next()).unwrap())["action"], "remove");
    until("it is gone", || runtime.agents().is_empty());
    wait(runtime.close());
    // It may not have come to read it, but it has got it.
    for dead in runtime.dead_letters() {
        assert!(!dead.reason.contains("no agent is called"), "{dead:?}");
    }
}

#[test]
fn what_an_agent_deploys_has_its_limits() {
    let runtime = runtime(1);
    let mut limits = Limits::default();
    limits.set("max_timers", Some(7)).unwrap();
    let mut content_limits = ContentLimits::default();
    content_limits.set("max_keys", Some(50)).unwrap();
    let mut grants = caxton::Grants::default();
    grants.directory_admin = true;
    let order = json!({
        "performative": "request", "receiver": "ams",
        "content": {"action": "deploy", "name": "kid", "like": "boss"},
    });
    let order = order.to_string();
    let boss = agent(&handler("(call $send {order})"), &[("order", &order)]);
    let boss = boss.limits(limits).content_limits(content_limits).grants(grants);
    let boss = deploy(&runtime, "boss", boss.capabilities(["work"]));
    wait(runtime.send(&inform("boss", 1), HANGS)).unwrap();
    until("it is there", || {
        runtime.agent_named("kid").is_ok_and(|kid| kid.state().as_str() == "active")
    });
    let kid = runtime.agent_named("kid").unwrap();
    assert_eq!(kid.limits().get("max_timers"), Some(7));
    assert_eq!(kid.content_limits().and_then(|limits| limits.get("max_keys")), Some(50));
    assert_eq!(
        (kid.capabilities(), boss.capabilities()),
        (boss.capabilities(), vec!["work".to_owned()])
    );
    // The program gives what it gives otherwise.
    let order = json!({
        "performative": "request", "receiver": "ams",
        "content": {"action": "deploy", "name": "other", "like": "boss"},
    });
    assert_eq!(act(&wait(runtime.ask(draft(order))).unwrap()), "inform");
    let other = runtime.agent_named("other").unwrap();
    assert_eq!(other.limits().get("max_timers"), Limits::default().get("max_timers"));
    assert!(other.content_limits().is_none() && other.capabilities().is_empty());
    wait(runtime.close());
}

#[test]
fn the_version_is_that_of_the_crate() {
    let runtime = runtime(1);
    let message = json!({
        "performative": "request", "receiver": "ams", "content": {"action": "get-description"},
    });
    let answer = wait(runtime.request(draft(message))).unwrap();
    assert_eq!(content(&answer)["version"], env!("CARGO_PKG_VERSION"));
    wait(runtime.close());
}

#[test]
fn refusals_of_df_are_errors_of_a_request() {
    let runtime = runtime(1);
    host(&runtime, "h");
    let error = wait(runtime.request(request("h", json!({"action": "deregister"})))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    let error =
        wait(runtime.request(request("host", json!({"action": "deregister"})))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let error = wait(runtime.request(request("h", json!(7)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotUnderstood, "{error}");
    let remove = json!({
        "performative": "request", "receiver": "ams", "content": {"action": "remove", "name": "x"},
    });
    let error = wait(runtime.request(draft(remove))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(error.message().contains("\"x\""), "{error}");
    wait(runtime.close());
}
