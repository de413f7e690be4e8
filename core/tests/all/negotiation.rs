//! Protocols with several participants, begun by the program.

use std::sync::Arc;
use std::time::Duration;

use caxton::{
    Choose, ContractNet, Draft, ErrorKind, EventFilter, Filter, HostAgentHandle, Message, Note,
    Outcome, Performative, Picture, Protocols, Register, Reply, Runtime, Status,
};
use serde_json::{Value, json};

use crate::support::*;

/// A runtime in which nobody may say what a protocol does not allow, the program neither.
pub fn strict() -> Runtime {
    Runtime::builder().workers(2).protocols(Protocols::Strict).build().unwrap()
}

/// Registers a host agent with an asynchronous handler.
pub fn host<F, R>(runtime: &Runtime, name: &str, handler: F) -> HostAgentHandle
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    runtime.register(Register::new(name, runtime.handler(handler))).unwrap()
}

pub fn message(act: &str, content: Value) -> Reply {
    Reply::Message(Draft::json(json!({"performative": act, "content": content}).to_string()))
}

/// A seller that asks for this price and does what was accepted.
pub fn seller(runtime: &Runtime, name: &str, price: u64) {
    let seller = runtime.register(Register::named(name)).unwrap();
    let proposes = runtime.handler(move |_| async move { offer(price) });
    seller.on(Some(Performative::Cfp), None, proposes).unwrap();
    let delivers = runtime.handler(|_| async { Reply::Content(b"\"done\"".to_vec()) });
    seller.on(Some(Performative::AcceptProposal), None, delivers).unwrap();
}

pub fn offer(price: u64) -> Reply {
    Reply::Content(json!({"price": price}).to_string().into())
}

pub fn names(outcome: &Outcome, status: Status) -> Vec<&str> {
    outcome.with(status).map(|answer| answer.agent.as_str()).collect()
}

/// How long those are waited for that say nothing; everybody else has answered long before.
pub fn soon() -> Duration {
    Duration::from_secs(1)
}

#[test]
fn the_cheapest_proposal_wins_and_everybody_else_is_accounted_for() {
    let runtime = strict();
    seller(&runtime, "dear", 9);
    seller(&runtime, "cheap", 3);
    host(&runtime, "busy", |_| async { message("refuse", json!("no time")) });
    host(&runtime, "odd", |_| async { message("not-understood", json!("what?")) });
    deploy(&runtime, "broken", agent(&handler("unreachable"), &[]));
    host(&runtime, "raises", |_| async { Reply::Failure("it broke".to_owned()) });
    host(&runtime, "silent", |_| async { Reply::Nothing });
    let participants = ["dear", "cheap", "busy", "odd", "broken", "silent", "raises"];
    let net = ContractNet::new(&json!({"dig": "a hole"}), participants).deadline(soon());
    let outcome = wait(runtime.contract_net(net, Choose::Lowest)).unwrap();
    assert_eq!(names(&outcome, Status::Done), ["cheap"]);
    assert_eq!(names(&outcome, Status::Rejected), ["dear"]);
    // What fails before anything was agreed to has refused, as the protocol sees it.
    assert_eq!(names(&outcome, Status::Refused), ["busy", "raises"]);
    assert_eq!(names(&outcome, Status::NotUnderstood), ["odd"]);
    assert_eq!(names(&outcome, Status::Failed), ["broken"]);
    assert_eq!(names(&outcome, Status::Silent), ["silent"]);
    assert_eq!(outcome.winner().unwrap().agent, "cheap");
    assert_eq!(content(outcome.result().unwrap()), json!("done"));

    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    let stages: Vec<(&str, &str)> =
        conversation.participants.iter().map(|it| (it.name.as_str(), it.stage.as_str())).collect();
    assert_eq!(
        stages,
        [
            ("dear", "rejected"),
            ("cheap", "done"),
            ("busy", "refused"),
            ("odd", "not-understood"),
            ("broken", "failed"),
            ("silent", "called"),
            ("raises", "refused"),
        ]
    );
    assert!(conversation.participants[5].late);
    assert_eq!(conversation.state.as_str(), "ended");
    // Seven calls, six answers, a rejection, an acceptance, and a result.
    assert_eq!(conversation.messages.len(), 16, "{:?}", conversation.messages);
}

#[test]
fn a_late_proposal_is_rejected_and_a_doubled_one_counts_once() {
    let runtime = runtime(2);
    seller(&runtime, "good", 5);
    let twice = runtime.register(Register::named("twice")).unwrap();
    let speaker = runtime.clone();
    let handler = runtime.handler(move |message: Message| {
        let runtime = speaker.clone();
        async move {
            let first = Draft::reply(&message, Performative::Propose, &json!({"price": 8}));
            let first = first.unwrap().field("sender", "twice");
            runtime.send(&first, HANGS).await.unwrap();
            offer(8)
        }
    });
    twice.on(Some(Performative::Cfp), None, handler).unwrap();
    let late = runtime.register(Register::named("late")).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    late.on(
        Some(Performative::RejectProposal),
        None,
        runtime.handler(move |message: Message| {
            tell.lock().unwrap().send(content(&message)).unwrap();
            async { Reply::Nothing }
        }),
    )
    .unwrap();
    let go = Arc::new(tokio::sync::Notify::new());
    let wait_for = go.clone();
    late.on(
        Some(Performative::Cfp),
        None,
        runtime.handler(move |_| {
            let go = wait_for.clone();
            async move {
                go.notified().await;
                offer(1)
            }
        }),
    )
    .unwrap();
    let net = ContractNet::new(&json!(null), ["good", "twice", "late"]).deadline(soon());
    let outcome = wait(runtime.contract_net(net, Choose::Lowest)).unwrap();
    assert_eq!(outcome.winner().unwrap().agent, "good");
    assert_eq!(names(&outcome, Status::Rejected), ["twice"]);
    assert_eq!(names(&outcome, Status::Silent), ["late"]);
    go.notify_one();
    // It comes when all has been decided, and is rejected all the same.
    assert_eq!(told.recv_timeout(HANGS).unwrap(), json!({"reason": "late"}));
    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    let notes = |note| {
        let noted = conversation.messages.iter().filter(|said| said.note == Some(note));
        noted.map(|said| said.message.sender().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(notes(Note::Late), ["late"]);
    assert_eq!(notes(Note::Repeated), ["twice"]);
    assert!(runtime.dead_letters().is_empty(), "{:?}", runtime.dead_letters());
}

#[test]
fn a_program_decides_upon_proposals_itself() {
    let runtime = strict();
    seller(&runtime, "a", 1);
    seller(&runtime, "b", 2);
    seller(&runtime, "c", 3);
    let net = ContractNet::new(&json!("task"), ["a", "b", "c"]);
    let tender = wait(runtime.call_for_proposals(net)).unwrap();
    assert_eq!(tender.proposals().count(), 3);
    let wrong = wait(tender.award(&["nobody"])).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidArgument);

    let net = ContractNet::new(&json!("task"), ["a", "b", "c"]);
    let tender = wait(runtime.call_for_proposals(net)).unwrap();
    let outcome = wait(tender.award(&["b", "c"])).unwrap();
    assert_eq!(names(&outcome, Status::Done), ["b", "c"]);
    assert_eq!(names(&outcome, Status::Rejected), ["a"]);

    let net = ContractNet::new(&json!("task"), ["a", "b"]);
    let mut tender = wait(runtime.call_for_iterated_proposals(net)).unwrap();
    wait(tender.call_again(&json!("cheaper"), &["a"])).unwrap();
    assert_eq!(tender.rounds(), 2);
    let outcome = wait(tender.award(&["a"])).unwrap();
    assert_eq!(names(&outcome, Status::Done), ["a"]);
    assert_eq!(names(&outcome, Status::Rejected), ["b"]);
    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    assert_eq!(conversation.protocol.as_str(), "fipa-iterated-contract-net");
    assert!(conversation.messages.iter().all(|said| said.note.is_none()), "{conversation:?}");
}

#[test]
fn prices_come_down_over_several_rounds() {
    let runtime = strict();
    for (name, floor) in [("a", 4), ("b", 6)] {
        let bidder = runtime.register(Register::named(name)).unwrap();
        let handler = runtime.handler(move |message: Message| async move {
            let best = content(&message)["price"].as_u64();
            offer(best.map_or(10, |best| best.saturating_sub(1).max(floor)))
        });
        bidder.on(Some(Performative::Cfp), None, handler).unwrap();
        let handler = runtime.handler(|_| async { Reply::Content(b"true".to_vec()) });
        bidder.on(Some(Performative::AcceptProposal), None, handler).unwrap();
    }
    let net = ContractNet::new(&json!({"item": "x"}), ["a", "b"]).rounds(20);
    let outcome = wait(runtime.iterated_contract_net(net, Choose::Lowest)).unwrap();
    assert_eq!(outcome.winner().unwrap().agent, "a");
    assert_eq!(content(outcome.winner().unwrap().proposal.as_ref().unwrap())["price"], 4);
    assert!(outcome.rounds > 5, "{}", outcome.rounds);
}

#[test]
fn what_was_said_twice_is_no_answer_to_the_next_call() {
    let runtime = runtime(2);
    let told = runtime.events(EventFilter::read(br#"{"agent": "host"}"#).unwrap()).unwrap();
    let twice = runtime.register(Register::named("twice")).unwrap();
    let speaker = runtime.clone();
    let proposes = runtime.handler(move |cfp: Message| {
        let runtime = speaker.clone();
        async move {
            let best = content(&cfp)["price"].as_u64();
            let price = best.map_or(10, |best| best - 1);
            let first = Draft::reply(&cfp, Performative::Propose, &json!({ "price": price }));
            runtime.send(&first.unwrap().field("sender", "twice"), HANGS).await.unwrap();
            offer(price)
        }
    });
    twice.on(Some(Performative::Cfp), None, proposes).unwrap();
    let delivers = runtime.handler(|_| async { Reply::Content(b"1".to_vec()) });
    twice.on(Some(Performative::AcceptProposal), None, delivers).unwrap();
    for _ in 0..20 {
        let net = ContractNet::new(&json!({}), ["twice"]).rounds(5);
        let outcome = wait(runtime.iterated_contract_net(net, Choose::Lowest)).unwrap();
        let proposal = outcome.answers[0].proposal.as_ref().unwrap();
        assert_eq!((outcome.rounds, content(proposal)["price"].as_u64()), (5, Some(6)));
        assert_eq!(outcome.answers[0].status, Status::Done);
    }
    // The program itself has said nothing out of sequence.
    assert!(told.try_next().is_none());
}

#[test]
fn a_negotiation_that_is_given_up_is_cancelled() {
    let runtime = strict();
    let seller = runtime.register(Register::named("slow")).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    seller
        .on(Some(Performative::Cfp), None, runtime.handler(|_| async { Reply::Nothing }))
        .unwrap();
    seller
        .on(
            Some(Performative::Cancel),
            None,
            runtime.handler(move |cancel: Message| {
                tell.lock().unwrap().send(cancel).unwrap();
                async { Reply::Content(b"{}".to_vec()) }
            }),
        )
        .unwrap();
    let net = ContractNet::new(&json!(1), ["slow"]);
    let mut call = Box::pin(runtime.contract_net(net, Choose::Lowest));
    assert!(poll_once(&mut call).is_pending());
    drop(call);
    let cancel = told.recv_timeout(HANGS).unwrap();
    assert_eq!(cancel.protocol(), Some("fipa-contract-net"));
    let id = cancel.conversation_id().unwrap().to_owned();
    until("it is cancelled", || {
        runtime.conversation(&id).unwrap().participants[0].stage.as_str() == "cancelled"
    });
}

#[test]
fn proposals_that_nobody_decides_upon_are_cancelled() {
    let runtime = runtime(2);
    let (tell, told) = std::sync::mpsc::channel();
    for name in ["a", "b"] {
        let seller = runtime.register(Register::named(name)).unwrap();
        let proposes = runtime.handler(|_| async { offer(1) });
        seller.on(Some(Performative::Cfp), None, proposes).unwrap();
        let tell = std::sync::Mutex::new(tell.clone());
        let is_told = runtime.handler(move |message: Message| {
            tell.lock().unwrap().send((name, message.performative())).unwrap();
            async { Reply::Nothing }
        });
        seller.on(None, None, is_told).unwrap();
    }
    let call = |to: &[&str]| {
        let net = ContractNet::new(&json!("task"), ["a", "b"]);
        let mut tender = wait(runtime.call_for_iterated_proposals(net)).unwrap();
        wait(tender.call_again(&json!("again"), to)).unwrap();
    };
    let heard = || {
        let mut heard = [0; 2].map(|_| told.recv_timeout(HANGS).unwrap());
        heard.sort_by_key(|(name, _)| *name);
        heard
    };
    call(&["a", "b"]);
    assert_eq!(heard(), [("a", Performative::Cancel), ("b", Performative::Cancel)]);
    // Who was rejected knows already.
    call(&["b"]);
    assert_eq!(heard(), [("a", Performative::RejectProposal), ("b", Performative::Cancel)]);
}

#[test]
fn a_refusal_is_said_in_the_words_of_its_protocol() {
    let builder = Runtime::builder().workers(2).protocols(caxton::Protocols::Strict);
    let runtime = builder.build().unwrap();
    let unwilling = runtime.register(Register::named("unwilling")).unwrap();
    let proposes = runtime.handler(|_| async { offer(1) });
    unwilling.on(Some(Performative::Cfp), None, proposes).unwrap();
    let refuses = runtime.handler(|_| async { Reply::Refusal("no".to_owned()) });
    unwilling.on(None, None, refuses).unwrap();
    let answer = wait(runtime.propose("unwilling", &json!(1))).unwrap();
    assert_eq!(answer.performative(), Performative::RejectProposal);
    let refused = wait(runtime.query_ref("unwilling", &json!(1))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let net = ContractNet::new(&json!("task"), ["unwilling"]);
    let outcome = wait(runtime.contract_net(net, Choose::Lowest)).unwrap();
    assert_eq!(names(&outcome, Status::Failed), ["unwilling"]);
    assert_eq!(outcome.result().unwrap().performative(), Performative::Failure);
}

#[test]
fn a_thousand_participants_of_whom_some_fail_in_every_way() {
    let runtime = runtime(2);
    let crashing = agent(&handler("unreachable"), &[]);
    let crashing =
        wait(runtime.deploy_many(crashing, (0..100).map(|at| format!("crash{at}")))).unwrap();
    let mut participants: Vec<String> =
        crashing.iter().map(|agent| agent.name().to_owned()).collect();
    let (go, wait_for) = tokio::sync::watch::channel(false);
    for at in 0..900u32 {
        let name = format!("p{at}");
        let host = runtime.register(Register::named(&name)).unwrap();
        let (speaker, name_of_host, itself) = (runtime.clone(), name.clone(), host.clone());
        let wait_for = wait_for.clone();
        let proposes = runtime.handler(move |cfp: Message| {
            let (runtime, name, itself) = (speaker.clone(), name_of_host.clone(), itself.clone());
            let mut wait_for = wait_for.clone();
            async move {
                let proposal = offer(u64::from(1000 + at));
                match at % 9 {
                    0 => message("refuse", json!(at)),
                    1 => Reply::Nothing,
                    2 => message("not-understood", json!("what?")),
                    3 => {
                        let twice =
                            Draft::reply(&cfp, Performative::Propose, &json!({"price": 5000}));
                        let twice = twice.unwrap().field("sender", &name);
                        runtime.send(&twice, HANGS).await.unwrap();
                        proposal
                    }
                    4 => {
                        wait_for.changed().await.unwrap();
                        proposal
                    }
                    5 => {
                        itself.remove();
                        Reply::Nothing
                    }
                    6 => Reply::Failure("it raised".to_owned()),
                    _ => proposal,
                }
            }
        });
        host.on(Some(Performative::Cfp), None, proposes).unwrap();
        let done = runtime.handler(|_| async { Reply::Content(b"1".to_vec()) });
        host.on(Some(Performative::AcceptProposal), None, done).unwrap();
        participants.push(name);
    }
    let net = ContractNet::new(&json!("x"), participants).deadline(Duration::from_secs(4));
    let outcome = wait(runtime.contract_net(net, Choose::Lowest)).unwrap();
    for (status, count) in [
        // Those that crash by themselves, and those that go away.
        (Status::Failed, 200),
        // Those that say no, and those whose handler raises.
        (Status::Refused, 200),
        // Those that say nothing, or are late.
        (Status::Silent, 200),
        (Status::NotUnderstood, 100),
        (Status::Rejected, 299),
        (Status::Done, 1),
    ] {
        assert_eq!(outcome.with(status).count(), count, "{status}");
    }
    assert_eq!(outcome.winner().unwrap().agent, "p7");
    go.send(true).unwrap();
    until("all that are late have been rejected", || {
        let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
        let stages = conversation.participants.iter().map(|it| it.stage.as_str());
        stages.filter(|stage| *stage == "rejected").count() == 399
    });
    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    assert_eq!(conversation.participants.len(), 1000);
    assert_eq!(conversation.state.as_str(), "ended");
    assert!(conversation.messages.len() <= 256 && conversation.omitted > 1000);
    assert!(conversation.diagram(Picture::Svg).len() < 200 << 10);
    assert!(conversation.diagram(Picture::Mermaid).len() < 50_000);
}

#[test]
fn a_participant_that_vanishes_has_failed() {
    let runtime = strict();
    seller(&runtime, "here", 9);
    let gone = deploy(&runtime, "gone", answerer());
    wait(gone.suspend()).unwrap();
    let net = ContractNet::new(&json!("x"), ["here", "gone"]);
    let mut call = Box::pin(runtime.contract_net(net, Choose::Lowest));
    assert!(poll_once(&mut call).is_pending());
    wait(gone.remove()).unwrap();
    let outcome = wait(call).unwrap();
    assert_eq!(names(&outcome, Status::Failed), ["gone"]);
    assert_eq!(content(outcome.answers[1].message.as_ref().unwrap())["kind"], "unknown");
    assert_eq!(outcome.winner().unwrap().agent, "here");
}

#[test]
fn participants_that_are_not_here_or_twice_are_refused_before_anything_is_said() {
    let runtime = runtime(1);
    seller(&runtime, "a", 1);
    let seen = runtime.subscribe(Filter::everything()).unwrap();
    for (participants, kind) in [
        (vec!["a", "nobody"], ErrorKind::AgentNotFound),
        (vec!["a", "a"], ErrorKind::InvalidArgument),
    ] {
        let net = ContractNet::new(&json!(1), participants);
        let error = wait(runtime.contract_net(net, Choose::Lowest)).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    assert!(seen.try_next().is_none());
    // Nobody at all is no error: nobody has made a proposal.
    let nobody: [&str; 0] = [];
    let outcome = wait(runtime.contract_net(ContractNet::new(&json!(1), nobody), Choose::Lowest));
    assert!(outcome.unwrap().winner().is_none());
}
