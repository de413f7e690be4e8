//! What pictures of ordinary conversations show.

use serde_json::json;

use super::fixture::*;
use super::hostile::{check_markup, check_mermaid};
use crate::conversation::{Conversation, Note, Protocol, Side, Stage};
use crate::picture::content::laid_out;
use crate::picture::escape::columns;
use crate::picture::layout::{Layout, MAX_ROWS, Row};
use crate::picture::words::{elapsed, thousands};
use crate::picture::{AgentLine, agent, agents};
use crate::{LogLevel, LogLine, Picture, Sniffer};

/// Every text lies within the picture, and no two lie upon each other. Widths are those of the widest
/// common fonts.
pub(super) fn check_layout(svg: &str) {
    let parsed = roxmltree::Document::parse(svg).unwrap();
    let root = parsed.root_element();
    let number = |node: roxmltree::Node<'_, '_>, name: &str| -> f64 {
        node.attribute(name).unwrap().parse().unwrap()
    };
    let (width, height) = (number(root, "width"), number(root, "height"));
    let mut boxes: Vec<(f64, f64, f64, f64, String)> = Vec::new();
    for node in parsed.descendants().filter(|node| node.tag_name().name() == "text") {
        let text = node.text().unwrap_or_default();
        let (x, y, size) = (number(node, "x"), number(node, "y"), number(node, "font-size"));
        let advance = match (node.attribute("font-family"), node.attribute("font-weight")) {
            (Some(_), _) => 0.603,
            (None, None) => 0.58,
            (None, Some(_)) => 0.68,
        };
        let long = columns(text) as f64 * size * advance;
        let left = match node.attribute("text-anchor") {
            None => x,
            Some("middle") => x - long / 2.0,
            Some(_) => x - long,
        };
        boxes.push((left, y - size * 0.75, left + long, y + size * 0.2, text.to_owned()));
    }
    for (index, one) in boxes.iter().enumerate() {
        assert!(one.0 >= 0.0 && one.1 >= 0.0 && one.2 <= width && one.3 <= height, "{one:?}");
        for other in &boxes[..index] {
            let apart =
                one.0 >= other.2 || other.0 >= one.2 || one.1 >= other.3 || other.1 >= one.3;
            assert!(apart || one.4.is_empty() || other.4.is_empty(), "{one:?} and {other:?}");
        }
    }
}

fn check(conversation: &Conversation) -> [String; 3] {
    let [mermaid, svg, html] =
        [Picture::Mermaid, Picture::Svg, Picture::Html].map(|form| conversation.diagram(form));
    check_mermaid(&mermaid);
    check_markup(&svg);
    check_layout(&svg);
    check_markup(&html);
    assert!(svg.len() < 200_000, "{} bytes", svg.len());
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    [mermaid, svg, html]
}

/// The texts that a drawing shows, tooltips aside.
fn texts(svg: &str) -> Vec<String> {
    let parsed = roxmltree::Document::parse(svg).unwrap();
    let texts = parsed.descendants().filter(|node| node.tag_name().name() == "text");
    texts.filter_map(|node| node.text()).map(str::to_owned).collect()
}

#[test]
fn a_contract_net_in_mermaid() {
    let expected = "\
sequenceDiagram
    title fipa-contract-net, ended, …4f2a9c01
    participant P0 as shop
    participant P1 as paris
    participant P2 as lyon
    participant P3 as nice
    participant P4 as metz
    participant P5 as ams
    P0->>P1: cfp: {#34;size#34;:#34;A2#34;,#34;task#34;:#34;print 500 posters#34;} (0 ms)
    P0->>P2: cfp
    P0->>P3: cfp
    P0->>P4: cfp
    P2--xP0: refuse: {#34;reason#34;:#34;no paper#34;} (+3.0 ms)
    P1->>P0: propose: {#34;days#34;:2,#34;price#34;:70} (+14 ms)
    Note over P0,P5: deadline for answers to cfp, +200 ms
    P5--xP0: failure: {#34;kind#34;:#34;deadline#34;,#34;missing#34;:[#34;nice#34;,#34;m… (+200 ms)
    Note over P5: deadline: it passed without an answer
    P0->>P1: accept-proposal: {#34;price#34;:70} (+201 ms)
    P3->>P0: propose: {#34;days#34;:1,#34;price#34;:55} (+240 ms)
    Note over P3: late: this came after the deadline
    P0--xP3: reject-proposal: {#34;reason#34;:#34;late#34;} (+241 ms)
    P1->>P0: inform: {#34;printed#34;:500} (+1.85 s)
    Note over P4: never answered
";
    let [mermaid, _, _] = check(&contract_net());
    assert_eq!(mermaid, expected);
}

#[test]
fn a_contract_net_drawn() {
    let [_, svg, html] = check(&contract_net());
    let shown = texts(&svg);
    let position = |text: &str| {
        let found = shown.iter().position(|shown| shown == text);
        found.unwrap_or_else(|| panic!("{text:?} in {shown:?}"))
    };
    for text in [
        "fipa-contract-net",
        "ended after 1.85 s · 8 messages · 5 agents",
        "began this",
        "conversation …4f2a9c01",
        "paris",
        "the runtime",
        "never answered",
        "rejected, late",
    ] {
        position(text);
    }
    assert!(position("cfp") < position("deadline for answers to cfp"));
    assert!(position("deadline for answers to cfp") < position("deadline passed"));
    assert!(position("deadline passed") < position("late"));
    assert!(svg.contains("nice → shop: propose\nlate: this came after the deadline\n{&#34;days"));
    assert!(html.contains("<summary>8 messages</summary>") && html.contains(">late</td>"));
}

#[test]
fn a_deadline_that_nothing_came_after_is_not_drawn() {
    let mut conversation = contract_net();
    conversation.messages.truncate(3);
    let [mermaid, svg, _] = check(&conversation);
    assert!(!mermaid.contains("deadline") && !svg.contains("deadline for"));
    conversation.state = crate::ConversationState::Open;
    conversation.participants[3].late = false;
    conversation.participants[3].due_by = Some(BEGAN + 200_000);
    let [mermaid, svg, _] = check(&conversation);
    assert!(mermaid.contains("Note over P4: has not answered yet, due by +200 ms"), "{mermaid}");
    assert!(texts(&svg).contains(&"no answer yet".to_owned()));
}

#[test]
fn a_thousand_participants_share_lifelines() {
    let conversation = large_contract_net();
    let [mermaid, svg, _] = check(&conversation);
    let layout = Layout::of(&conversation);
    let lanes: Vec<_> = layout.lanes.iter().map(|lane| (lane.name, lane.others)).collect();
    let expected =
        [("shop", 0), ("b0", 0), ("b1", 0), ("b2", 0), ("b3", 5), ("b5", 0), ("b10", 989)];
    assert_eq!(lanes, expected);
    assert_eq!(layout.rows.len(), 8);
    assert!(mermaid.contains("as b10 and 989 others (refused)\n"), "{mermaid}");
    assert!(
        mermaid.contains("P6--xP0: refuse ×990: {#34;busy#34;:10} and others (+3.0 ms to +250 ms)")
    );
    assert!(mermaid.contains("P0->>P1: cfp to 1,000: "));
    let shown = texts(&svg);
    for text in
        ["and 989 others", "refuse ×990", "cfp to 1,000", "reject-proposal to 6", "propose ×6"]
    {
        assert!(shown.contains(&text.to_owned()), "{text} in {shown:?}");
    }
}

#[test]
fn nine_that_all_did_something_else_share_by_how_it_ended() {
    let mut told = Told::new(Protocol::Request, "a");
    for index in 0..9 {
        let name = format!("w{index}");
        for time in 0..=index {
            told = told.say(time, "a", json!(name), "request", json!(index));
        }
        let (stage, act) =
            if index == 4 { (Stage::Done, "inform") } else { (Stage::Failed, "failure") };
        told = told.say(20, &name, json!("a"), act, json!(index)).with(&name, stage, None, true);
    }
    let conversation = told.ended(20);
    let [mermaid, ..] = check(&conversation);
    let lanes = Layout::of(&conversation).lanes;
    let lanes: Vec<_> = lanes.iter().map(|lane| (lane.name, lane.others)).collect();
    assert_eq!(lanes, [("a", 0), ("w0", 7), ("w4", 0)]);
    assert!(mermaid.contains("participant P1 as w0 and 7 others (failed)"), "{mermaid}");
}

#[test]
fn no_message_gets_lost_where_lifelines_are_shared() {
    for conversation in [contract_net(), large_contract_net(), subscription(400), subscription(40)]
    {
        let layout = Layout::of(&conversation);
        let drawn: u64 = layout
            .rows
            .iter()
            .map(|row| match row {
                Row::Arrow(arrow) => arrow.count,
                Row::Gap { messages, .. } => *messages,
                Row::Deadline { .. } => 0,
            })
            .sum();
        assert_eq!(drawn, layout.messages);
    }
}

#[test]
fn of_a_long_subscription_the_middle_is_left_out() {
    let conversation = subscription(400);
    let [mermaid, svg, _] = check(&conversation);
    let layout = Layout::of(&conversation);
    assert_eq!((layout.rows.len(), layout.messages), (MAX_ROWS, 5_402));
    assert!(mermaid.contains("Note over P0,P1: … 5,343 messages left out\n"), "{mermaid}");
    assert!(mermaid.ends_with("(+6 min 40 s)\n"), "a subscription that runs lacks nothing");
    assert!(texts(&svg).contains(&"… 5,343 messages left out …".to_owned()));
    assert!(texts(&svg).contains(&"subscribed".to_owned()));
}

#[test]
fn one_call_in_messages_of_their_own_is_one_arrow() {
    let told = Told::new(Protocol::ContractNet, "a")
        .say(0, "a", json!("b"), "cfp", json!("x"))
        .say(1, "a", json!("c"), "cfp", json!("x"))
        .say(2, "b", json!("a"), "refuse", json!("x"))
        .say(3, "a", json!("d"), "cfp", json!("x"))
        .say(4, "a", json!("d"), "cfp", json!("x"));
    let conversation = told.with("b", Stage::Called, Some(Side::Participant), true).0;
    let layout = Layout::of(&conversation);
    let rows: Vec<_> = layout
        .rows
        .iter()
        .map(|row| match row {
            Row::Arrow(arrow) => (arrow.to.as_slice(), arrow.count),
            _ => panic!("only arrows"),
        })
        .collect();
    assert_eq!(rows, [([1, 2].as_slice(), 2), (&[0], 1), (&[3], 1), (&[3], 1)]);
    check(&conversation);
}

#[test]
fn whatever_is_said_pictures_stay_small() {
    let names: Vec<String> = (0..10_000).map(|index| format!("&&&&<>\"'{index}")).collect();
    let nasty = ["&", "\"\\", "<'", "\u{e0001}", "日"].map(|text| text.repeat(3_000));
    let mut told = Told::new(Protocol::ContractNet, "&");
    told = told.say(0, "&", json!(names), "cfp", json!(nasty[0]));
    for index in 0..400_usize {
        let (from, content) = (&names[index % 11], json!([index, nasty[index % nasty.len()]]));
        let to = json!(names[index % 7..index % 7 + 40]);
        told = told.noted(index as u64, from, to, "propose", content, Note::OutOfSequence);
    }
    for (index, name) in names.iter().enumerate() {
        told = told.with(name, Stage::ALL[index % Stage::ALL.len()], None, index % 2 == 0);
    }
    check(&told.ended(500));
    check(&Told::new(Protocol::Query, "alone").0);
}

#[test]
fn slow_conversations_fit() {
    const HOUR: u64 = 3_600_000;
    let mut told = Told::new(Protocol::IteratedContractNet, "a");
    let call = json!({"content": 1, "reply_by": BEGAN + HOUR * 1000 * 23});
    told.add(0, "a", json!("b"), "cfp", call, None);
    let conversation = told
        .noted(HOUR * 24 - 1, "b", json!("a"), "propose", json!(2), Note::Late)
        .say(HOUR * 24 * 365, "a", json!("b"), "accept-proposal", json!(3))
        .with("b", Stage::Accepted, Some(Side::Participant), true);
    let [mermaid, svg, _] = check(&conversation.0);
    assert!(mermaid.contains("its answer is still due"), "{mermaid}");
    for text in ["+23 h 0 min", "+23 h 59 min", "+365 d 0 h", "cfp: call for proposals"] {
        assert!(texts(&svg).contains(&text.to_owned()), "{text}");
    }
}

#[test]
fn sniffed_lines_are_aligned() {
    let mut sniffer = Sniffer::new(false, 84);
    let shown: Vec<String> =
        contract_net().messages.iter().map(|said| sniffer.line(&said.message)).collect();
    let expected = [
        "   0.000  shop     → paris +3  cfp              contract-net  4f2a9c01  {\"size\":\"A2…",
        "   0.003  lyon     → shop      refuse           contract-net  4f2a9c01  {\"reason\":\"…",
        "   0.014  paris    → shop      propose          contract-net  4f2a9c01  {\"days\":2,\"…",
    ];
    assert_eq!(shown[..3], expected);
    assert!(expected.iter().all(|line| columns(line) == 84));
    let long =
        message(1, "日本語の名前", json!(["a-name-that-is-too-long", "b"]), "inform", json!({}));
    let line = sniffer.line(&long);
    assert!(line.starts_with("   0.001  日本語の名前 → a-name-that-is-t… +1  inform"), "{line}");
    let line = sniffer.line(&contract_net().messages[7].message);
    assert!(line.starts_with("   1.850  paris        → shop                  inform"), "{line}");
    let bare = message(1, "a", json!("b"), "inform", json!({}));
    let cut = "   0.000  a        → b         inform";
    assert_eq!(Sniffer::new(false, 0).line(&bare), cut);
    let refused = Sniffer::new(true, 88).line(&contract_net().messages[1].message);
    assert!(refused.contains("\u{1b}[31mrefuse\u{1b}[0m"), "{refused:?}");
}

#[test]
fn tables_are_bounded_and_say_so() {
    let line = |index: u64| AgentLine {
        name: format!("a{index}"),
        state: "active",
        queue: 1_000,
        turns: index,
        dropped: 0,
        last_error: (index == 3).then(|| "x\ny".repeat(5_000)),
    };
    let all: Vec<AgentLine> = (0..300).map(line).collect();
    let shown = agents("runtime", &all);
    check_markup(&shown);
    assert!(shown.contains("<b>runtime</b>: 300 agents") && shown.contains("… and 100 more"));
    assert_eq!(shown.matches("<tr>").count(), 1 + 200 + 1);
    assert!(
        shown.contains(">1,000</td>")
            && shown.contains(">a199</td>")
            && !shown.contains(">a200</td>")
    );
    assert!(shown.len() < 200_000, "{}", shown.len());

    let text = |index: u64| LogLine { at: 0, level: LogLevel::Info, text: format!("line {index}") };
    let log: Vec<LogLine> = (0..250).map(text).collect();
    let capabilities: Vec<String> = (0..201).map(|index| format!("can-{index}")).collect();
    let shown = agent(&line(1), &capabilities, &log);
    check_markup(&shown);
    for text in ["log: 250 lines", "50 lines before these", ">line 249<", "can-199, and 1 more"] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
    assert!(!shown.contains(">line 49<"));
    assert!(!agent(&line(1), &[], &[]).contains("details"));
}

#[test]
fn a_message_shows_what_it_has() {
    let content = json!({"b": [1, {}], "a": "x, y: {z}"});
    let shown = message(
        0,
        "a",
        json!(["b", "c", "d", "e"]),
        "inform",
        json!({"content": content, "ontology": "o", "reply_by": BEGAN}),
    )
    .to_html();
    check_markup(&shown);
    for text in [">ontology</td>", "b, c, d and 1 other", "2026-09-21T14:13:20Z"] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
    assert!(!shown.contains("protocol") && !shown.contains("in_reply_to"));
    let bare = message(0, "a", json!("b"), "inform", json!({})).to_html();
    assert!(!bare.contains("content<"), "{bare}");
}

#[test]
fn contents_are_laid_out() {
    let text = r#"{ "b":[1.50e3, {}, [ ]],"a\"]":"x, y: {z\\" }"#;
    let expected =
        "{\n  \"b\": [\n    1.50e3,\n    {},\n    []\n  ],\n  \"a\\\"]\": \"x, y: {z\\\\\"\n}";
    assert_eq!(laid_out(text, 2_000), expected);
    assert_eq!(laid_out("\"abcdef\"", 4), "\"abc…");
    let deep = "[".repeat(100_000);
    assert_eq!(laid_out(&deep, 2_000).chars().count(), 2_001);
}

#[test]
fn times_and_numbers() {
    let times = [
        (0, "0 ms"),
        (400, "+0.4 ms"),
        (9_999, "+9.9 ms"),
        (12_345, "+12 ms"),
        (999_999, "+999 ms"),
        (1_250_000, "+1.25 s"),
        (59_999_999, "+59.99 s"),
        (125_000_000, "+2 min 5 s"),
        (7_500_000_000, "+2 h 5 min"),
        (90_000_000_000, "+1 d 1 h"),
    ];
    for (micros, text) in times {
        assert_eq!(elapsed(micros), text);
    }
    for (number, text) in [(7, "7"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(thousands(number), text);
    }
}
