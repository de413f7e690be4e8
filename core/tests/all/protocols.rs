//! Auctions, queries, subscriptions and brokers, begun by the program.

use std::time::{Duration, Instant};

use caxton::{
    Brokered, Choose, ContractNet, Draft, DutchAuction, EnglishAuction, ErrorKind, Message,
    Performative, Register, Reply, Runtime, Status,
};
use serde_json::{Value, json};

use crate::negotiation::{host, message, offer, soon, strict};
use crate::support::*;

/// A bidder that goes along up to its limit, and otherwise says nothing.
fn bidder(runtime: &Runtime, name: &str, limit: u64) {
    let bidder = runtime.register(Register::named(name)).unwrap();
    let handler = runtime.handler(move |message: Message| async move {
        match content(&message)["price"].as_u64() {
            Some(price) if price <= limit => offer(price),
            _ => Reply::Nothing,
        }
    });
    bidder.on(Some(Performative::Cfp), None, handler).unwrap();
    let handler = runtime.handler(|_| async { Reply::Content(b"\"sold\"".to_vec()) });
    bidder.on(Some(Performative::Request), None, handler).unwrap();
}

#[test]
fn an_auction_goes_up_until_one_is_left() {
    let runtime = strict();
    bidder(&runtime, "poor", 12);
    bidder(&runtime, "rich", 27);
    let auction = EnglishAuction::new(&json!({"lot": 1}), ["poor", "rich"], 10.0, 5.0)
        .deadline(soon())
        .deliver();
    let outcome = wait(runtime.english_auction(auction)).unwrap();
    let winner = outcome.winner().unwrap();
    // Nobody bids against itself: it ends as soon as the other says nothing.
    assert_eq!((winner.agent.as_str(), winner.status), ("rich", Status::Done));
    assert!([Some(10.0), Some(15.0)].contains(&outcome.price), "{:?}", outcome.price);
    assert_eq!(content(outcome.result().unwrap()), json!("sold"));
    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    assert!(conversation.messages.iter().all(|said| said.note.is_none()), "{conversation:?}");
    assert_eq!(conversation.state.as_str(), "ended");

    let auction = EnglishAuction::new(&json!("lot"), ["poor", "rich"], 10.0, 5.0)
        .deadline(soon())
        .reserve(100.0);
    let outcome = wait(runtime.english_auction(auction)).unwrap();
    assert_eq!((outcome.winner().is_none(), outcome.price), (true, None));
    let auction = EnglishAuction::new(&json!("lot"), ["poor"], 10.0, 0.0);
    let wrong = wait(runtime.english_auction(auction)).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn who_says_nothing_holds_up_one_round_of_an_auction() {
    let runtime = strict();
    bidder(&runtime, "poor", 12);
    bidder(&runtime, "rich", 1000);
    bidder(&runtime, "richer", 1010);
    let begun = Instant::now();
    let bidders = ["poor", "rich", "richer"];
    let auction = EnglishAuction::new(&json!("lot"), bidders, 20.0, 5.0).deadline(soon());
    let outcome = wait(runtime.english_auction(auction)).unwrap();
    assert_eq!(outcome.winner().unwrap().agent, "richer");
    assert!(outcome.rounds > 190, "{}", outcome.rounds);
    // The first and the last round wait for who is silent; a hundred would be the end of it all.
    assert!(begun.elapsed() < soon() * 50, "{:?}", begun.elapsed());

    // A price that a step does not raise has come to its end.
    for name in ["always", "ever"] {
        host(&runtime, name, |_| async { message("propose", json!({})) });
    }
    let auction = EnglishAuction::new(&json!("lot"), ["always", "ever"], 1e300, 1.0);
    let outcome = wait(runtime.english_auction(auction)).unwrap();
    assert_eq!((outcome.rounds, outcome.price), (1, Some(1e300)));
}

#[test]
fn answers_of_a_broker_have_a_bound() {
    let runtime = runtime(2);
    let speaker = runtime.clone();
    let broker = runtime.register(Register::named("broker")).unwrap();
    let answers = runtime.handler(move |proxy: Message| {
        let runtime = speaker.clone();
        async move {
            for _ in 0..12 {
                let much = json!("x".repeat(900_000));
                let answer = Draft::reply(&proxy, Performative::Inform, &much).unwrap();
                runtime.send(&answer.field("sender", "broker"), HANGS).await.unwrap();
            }
            Reply::Message(Draft::json(r#"{"performative":"agree","content":{"found":9}}"#))
        }
    });
    broker.on(Some(Performative::Proxy), None, answers).unwrap();
    let brokered = Brokered::new("broker", &json!({}), &json!({"performative": "request"}));
    let found = wait(runtime.broker(brokered)).unwrap();
    assert_eq!(found.len(), 9);
}

#[test]
fn an_auction_goes_down_until_one_bids() {
    let runtime = strict();
    bidder(&runtime, "poor", 12);
    bidder(&runtime, "rich", 27);
    let auction = DutchAuction::new(&json!({"lot": 1}), ["poor", "rich"], 40.0, 10.0)
        .deadline(soon())
        .reserve(10.0);
    let outcome = wait(runtime.dutch_auction(auction)).unwrap();
    assert_eq!(outcome.winner().unwrap().agent, "rich");
    assert_eq!((outcome.price, outcome.rounds), (Some(20.0), 3));
    let auction =
        DutchAuction::new(&json!("lot"), ["poor"], 40.0, 10.0).deadline(soon()).reserve(15.0);
    let outcome = wait(runtime.dutch_auction(auction)).unwrap();
    assert!(outcome.winner().is_none());
    let conversation = runtime.conversation(&outcome.conversation_id).unwrap();
    assert_eq!(conversation.state.as_str(), "ended");
    assert_eq!(conversation.participants[0].stage.as_str(), "closed");
}

#[test]
fn questions_conditions_and_offers_have_one_answer() {
    let runtime = strict();
    host(&runtime, "a", |asked: Message| async move {
        match asked.performative() {
            Performative::QueryIf => Reply::Content(b"{\"result\":true}".to_vec()),
            Performative::QueryRef => message("inform", json!([1, 2])),
            Performative::Propose => message("reject-proposal", json!("no")),
            Performative::RequestWhen => message("refuse", json!("never")),
            _ => Reply::Content(b"\"neither\"".to_vec()),
        }
    });
    assert!(wait(runtime.query_if("a", &json!("is it so?"))).unwrap());
    assert_eq!(content(&wait(runtime.query_ref("a", &json!("which?"))).unwrap()), json!([1, 2]));
    let answer = wait(runtime.propose("a", &json!("this"))).unwrap();
    assert_eq!(answer.performative(), Performative::RejectProposal);
    let refused = wait(runtime.request_when("a", &json!("do"), &json!("then"))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    host(&runtime, "b", |_| async { Reply::Content(b"\"maybe\"".to_vec()) });
    let unclear = wait(runtime.query_if("b", &json!(1))).unwrap_err();
    assert_eq!(unclear.kind(), ErrorKind::InvalidMessage);
    host(&runtime, "c", |_| async { Reply::Nothing });
    let call = runtime.request_when("c", &json!("do"), &json!("then")).deadline(soon());
    assert_eq!(wait(call).unwrap_err().kind(), ErrorKind::Timeout);
    for conversation in runtime.conversations(&caxton::ConversationFilter::everything()) {
        assert_eq!(conversation.state.as_str(), "ended", "{conversation:?}");
    }
}

#[test]
fn a_subscription_tells_until_it_is_closed() {
    let runtime = strict();
    let source = runtime.register(Register::named("source")).unwrap();
    let speaker = runtime.clone();
    let (keep, kept) = std::sync::mpsc::channel();
    let keep = std::sync::Mutex::new(keep);
    source
        .on(
            Some(Performative::Subscribe),
            None,
            runtime.handler(move |asked: Message| {
                keep.lock().unwrap().send(asked).unwrap();
                async { message("agree", json!({})) }
            }),
        )
        .unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    source
        .on(
            Some(Performative::Cancel),
            None,
            runtime.handler(move |_| {
                tell.lock().unwrap().send(()).unwrap();
                async { Reply::Content(b"{\"cancelled\":true}".to_vec()) }
            }),
        )
        .unwrap();
    let informs = wait(runtime.subscribe_to("source", &json!("news"), HANGS)).unwrap();
    let asked = kept.recv_timeout(HANGS).unwrap();
    for count in 0..3 {
        let told = Draft::reply(&asked, Performative::Inform, &json!(count)).unwrap();
        wait(speaker.send(&told.field("sender", "source"), HANGS)).unwrap();
        assert_eq!(content(&wait(informs.next()).unwrap().unwrap()), json!(count));
    }
    let late = wait(informs.next_within(Some(Duration::from_millis(1)))).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    informs.close();
    told.recv_timeout(HANGS).unwrap();
    assert!(wait(informs.next()).unwrap().is_none());
    until("the conversation is cancelled", || {
        let conversation = runtime.conversation(informs.conversation_id()).unwrap();
        conversation.participants[0].stage.as_str() == "cancelled"
    });
}

#[test]
fn a_broker_passes_on_and_its_agents_answer() {
    let runtime = strict();
    for name in ["x", "y"] {
        host(&runtime, name, move |_| async move {
            Reply::Content(json!({"from": name}).to_string().into())
        });
    }
    let inner = runtime.clone();
    let broker = runtime.register(Register::named("broker")).unwrap();
    let handler = runtime.handler(move |asked: Message| {
        let runtime = inner.clone();
        async move {
            let wanted: Value = asked.read_content().unwrap();
            if wanted["description"]["services"][0]["name"] == "none" {
                let no = Draft::reply(&asked, Performative::Agree, &json!({})).unwrap();
                runtime.send(&no.field("sender", "broker"), HANGS).await.unwrap();
                return message("failure", json!("no match"));
            }
            let agrees = Draft::reply(&asked, Performative::Agree, &json!({"found": 2}));
            runtime.send(&agrees.unwrap().field("sender", "broker"), HANGS).await.unwrap();
            for name in ["x", "y"] {
                let answer = runtime.ask(draft(json!({
                    "performative": wanted["message"]["performative"],
                    "content": wanted["message"]["content"],
                    "receiver": name, "sender": "broker",
                })));
                let answer = answer.await.unwrap();
                let forward = Draft::reply(&asked, Performative::Inform, &content(&answer));
                runtime.send(&forward.unwrap().field("sender", "broker"), HANGS).await.unwrap();
            }
            Reply::Nothing
        }
    });
    broker.on(Some(Performative::Proxy), None, handler).unwrap();
    let inner = json!({"performative": "request", "content": "who?"});
    let description = json!({"services": [{"name": "some"}]});
    let answers = wait(runtime.broker(Brokered::new("broker", &description, &inner))).unwrap();
    let from: Vec<Value> = answers.iter().map(|answer| content(answer)["from"].clone()).collect();
    assert_eq!(from, ["x", "y"]);
    let description = json!({"services": [{"name": "none"}]});
    let none = wait(runtime.broker(Brokered::new("broker", &description, &inner))).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Failed);
    for conversation in runtime.conversations(&caxton::ConversationFilter::everything()) {
        assert!(conversation.messages.iter().all(|said| said.note.is_none()), "{conversation:?}");
    }
}

#[test]
fn closing_ends_negotiations() {
    let runtime = runtime(1);
    host(&runtime, "silent", |_| async { Reply::Nothing });
    let net = ContractNet::new(&json!(1), ["silent"]);
    let mut call = Box::pin(runtime.contract_net(net, Choose::Lowest));
    assert!(poll_once(&mut call).is_pending());
    let informs = wait(runtime.subscribe_to("silent", &json!(1), HANGS)).unwrap();
    wait(runtime.close());
    assert_eq!(wait(call).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(wait(informs.next()).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_was_agreed_to_and_is_given_up_is_cancelled() {
    let runtime = strict();
    let agent = runtime.register(Register::named("agent")).unwrap();
    let agrees = runtime.handler(|_| async { message("agree", json!({})) });
    agent.on(Some(Performative::RequestWhen), None, agrees).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let cancels = runtime.handler(move |cancel: Message| {
        tell.lock().unwrap().send(cancel).unwrap();
        async { Reply::Content(b"{\"cancelled\":true}".to_vec()) }
    });
    agent.on(Some(Performative::Cancel), None, cancels).unwrap();
    let call = runtime.request_when("agent", &json!("do"), &json!("never"));
    let late = wait(call.timeout(Duration::from_millis(100))).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    let cancel = told.recv_timeout(HANGS).unwrap();
    let id = cancel.conversation_id().unwrap();
    until("it is cancelled", || {
        runtime.conversation(id).unwrap().participants[0].stage.as_str() == "cancelled"
    });
    assert!(runtime.dead_letters().is_empty());
}
