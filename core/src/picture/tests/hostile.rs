//! Names, contents and ids that mean harm, in every medium.

use proptest::prelude::*;
use regex_automata::meta::Regex;
use serde_json::json;

use super::fixture::*;
use crate::conversation::{Conversation, Protocol};
use crate::picture::escape::{columns, html, label, mermaid, shorten, tail, terminal, xml};
use crate::picture::{AgentLine, agent, agents};
use crate::{LogLevel, LogLine, Picture, Sniffer};

pub(super) const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=\"alert(1)\">",
    "' onload='alert(1)",
    "]]>",
    "</svg>",
    "</title></text></pre><iframe src=//x>",
    "<!-- <![CDATA[ <?xml <!DOCTYPE x [<!ENTITY a \"b\">]>",
    "& &amp; &#60; &lt;b&gt;",
    "end",
    "END; end",
    "a;b",
    "A->>B: x",
    "P0->>P1: x\n    P1->>P0: y",
    "%%{init: {\"theme\": \"dark\"}}%%",
    "%% comment",
    "click X href \"javascript:alert(1)\"",
    "link P0: x @ javascript:alert(1)",
    "#quot; #35; #x; #",
    "style a:b#c;d",
    "classDef x:#fff;",
    "ﬂ°°60¶ßscriptﬂ°°62¶ß",
    "$$\\href{javascript:alert(1)}{x}$$",
    "`**bold**`<br/>line",
    "as @{ \"type\": \"database\" }",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{9b}2J\u{90}x\u{9c}",
    "a\rb\nc\td\u{8}e\u{c}f\u{b}g\u{85}h\u{7f}i\0",
    "\u{202e}gnp.exe\u{202c}\u{2066}x\u{2069}\u{200e}\u{200f}\u{61c}",
    "zero\u{200b}width\u{feff}\u{2060}\u{ad}",
    "line\u{2028}paragraph\u{2029}end",
    "z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}",
    "\u{e0041}\u{e007f}\u{fe0f}\u{fffe}\u{ffff}",
    "日本語の名前と長い長い長い長い長い長い長い内容です",
    "\u{fdfd}\u{12031}\u{1f468}\u{200d}\u{1f469}",
    "ends with a backslash\\",
    "",
    " ",
];

/// The elements that drawings and pieces of HTML are made of.
const ELEMENTS: &[&str] = &[
    "svg", "g", "title", "rect", "line", "path", "circle", "text", "div", "b", "table", "tr", "th",
    "td", "pre", "details", "summary",
];

const ATTRIBUTES: &[&str] = &[
    "width",
    "height",
    "viewBox",
    "role",
    "direction",
    "style",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "rx",
    "r",
    "cx",
    "cy",
    "d",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linejoin",
    "paint-order",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "textLength",
    "lengthAdjust",
    "colspan",
];

/// Well-formed, and made only of what pictures are made of.
pub(super) fn check_markup(text: &str) {
    let parsed = roxmltree::Document::parse(text).unwrap_or_else(|wrong| panic!("{wrong}: {text}"));
    for node in parsed.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{text}");
        if node.is_text() {
            check_visible(&node.text().unwrap().replace('\n', ""));
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        assert!(ELEMENTS.contains(&name), "<{name}> in {text}");
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(ATTRIBUTES.contains(&name), "{name} in {text}");
            assert!(!attribute.value().contains("url"), "{text}");
        }
    }
}

/// Nothing in a text steers, hides or breaks the line.
fn check_visible(text: &str) {
    let hidden = |character: &char| {
        character.is_control()
            || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    assert_eq!(text.chars().find(hidden), None, "in {text:?}");
}

/// Each line has one of the shapes of a sequence diagram, and none of Mermaid's own steps before the
/// parser changes it.
pub(super) fn check_mermaid(text: &str) {
    assert!(text.chars().count() < 50_000, "{} characters", text.chars().count());
    let free = "(?:[^#;%<>\"'`$@&~^|\\\\\\x00-\\x1f\u{fb02}\u{b6}]|#[0-9]+;)+";
    let line = Regex::new(&format!(
        "^(?:sequenceDiagram|    (?:title {free}|participant P[0-9]+ as {free}\
         |P[0-9]+(?:->>|--x)P[0-9]+: {free}|Note over P[0-9]+(?:,P[0-9]+)?: {free}))$"
    ));
    let line = line.unwrap();
    let entities = Regex::new("(?i)(?:style|classDef).*:\\S*#.*;").unwrap();
    let keyword = Regex::new("(?i)\\bend\\b").unwrap();
    for (index, shown) in text.strip_suffix('\n').unwrap().split('\n').enumerate() {
        assert!(line.is_match(shown), "{shown:?}");
        assert_eq!(index == 0, shown == "sequenceDiagram");
        assert!(!entities.is_match(shown) && !keyword.is_match(shown), "{shown:?}");
        check_visible(shown);
    }
}

/// One line, no wider than it may be, in which only our own colours are escapes.
fn check_line(line: &str, width: usize, is_coloured: bool) {
    let mut plain = line.to_owned();
    if is_coloured {
        for colour in ["2", "31", "32", "33", "36", "0"] {
            plain = plain.replace(&format!("\u{1b}[{colour}m"), "");
        }
        assert_ne!(plain, line);
    }
    check_visible(&plain);
    assert!(columns(&plain) <= width, "{line:?}");
}

fn check_everywhere(conversation: &Conversation) {
    check_mermaid(&conversation.diagram(Picture::Mermaid));
    check_markup(&conversation.diagram(Picture::Svg));
    check_markup(&conversation.diagram(Picture::Html));
    for (is_coloured, width) in [(false, 100), (true, 60), (true, 0)] {
        let mut sniffer = Sniffer::new(is_coloured, width);
        for said in &conversation.messages {
            check_line(&sniffer.line(&said.message), width.max(40), is_coloured);
            check_markup(&said.message.to_html());
        }
    }
}

fn line_of(text: &str) -> AgentLine {
    let last_error = Some(text.to_owned());
    AgentLine { name: text.to_owned(), state: "active", queue: 1, turns: 2, dropped: 3, last_error }
}

fn log_of(text: &str) -> LogLine {
    LogLine { at: 0, level: LogLevel::Warn, text: text.to_owned() }
}

#[test]
fn nothing_hostile_gets_through() {
    for text in HOSTILE {
        check_everywhere(&with_texts([text, "b", "c"], "x", Protocol::Request));
        check_everywhere(&with_texts(["a", text, "c"], "x", Protocol::ContractNet));
        check_everywhere(&with_texts(["a", "b", "c"], text, Protocol::ContractNet));
        check_everywhere(&with_texts([text, text, text], text, Protocol::Subscribe));
        check_markup(&agents(text, &[line_of(text)]));
        check_markup(&agent(&line_of(text), &[(*text).to_owned()], &[log_of(text)]));
    }
}

#[test]
fn what_was_written_is_still_to_be_read() {
    for text in HOSTILE.iter().filter(|text| !text.trim().is_empty()) {
        let drawn = with_texts([text, "b", "c"], "x", Protocol::Request).diagram(Picture::Svg);
        let parsed = roxmltree::Document::parse(&drawn).unwrap();
        let whole = label(text, 500);
        let titled = |node: &roxmltree::Node<'_, '_>| {
            node.children()
                .any(|child| child.tag_name().name() == "title" && child.text() == Some(&whole))
        };
        assert!(parsed.descendants().any(|node| titled(&node)), "{text:?} in {drawn}");
    }
}

#[test]
fn hostile_parameters_of_a_message() {
    for text in HOSTILE {
        let more = json!({"content": {*text: [text]}, "protocol": text, "conversation_id": text,
            "ontology": text, "language": text, "encoding": text, "reply_with": text,
            "in_reply_to": text, "reply_to": text, "x-extra": text});
        let message = message(1, text, json!([text, "b"]), "inform", more);
        check_markup(&message.to_html());
        check_line(&Sniffer::new(true, 120).line(&message), 120, true);
    }
}

#[test]
fn escapes_of_each_medium() {
    assert_eq!(html("<a href=\"x\" id='y'>&"), "&lt;a href=&#34;x&#34; id=&#39;y&#39;&gt;&amp;");
    assert_eq!(xml("a\u{1}\u{fffe}<\u{1b}\n"), "a&lt;\n");
    assert_eq!(mermaid("end; pending #1 <b>"), "#101;nd#59; pending #35;1 #60;b#62;");
    assert_eq!(mermaid("Style%%"), "#83;tyle#37;#37;");
    assert_eq!(mermaid("größer als 日本"), "größer als 日本");
    assert_eq!(terminal("a\u{1b}[1m\u{9b}\u{202e}\r\n"), "a\\u{1b}[1m\\u{9b}\\u{202e}\\u{d}\\u{a}");
    assert_eq!(terminal("é e\u{301} 日本 👩"), "é e\u{301} 日本 👩");
    assert_eq!(terminal("e\u{301}\u{301}\u{301}\u{301}"), "e\u{301}\u{301}\u{301}\\u{301}");
}

#[test]
fn cutting_keeps_whole_characters() {
    assert_eq!(shorten("abcdef", 6), "abcdef");
    assert_eq!(shorten("abcdef", 5), "abcd…");
    assert_eq!(shorten("日本語", 6), "日本語");
    assert_eq!(shorten("日本語", 5), "日本…");
    assert_eq!(shorten("日本語", 4), "日…");
    assert_eq!(shorten("abc", 1), "…");
    assert_eq!(shorten("abc", 0), "");
    assert_eq!(label("{\n    \"a\": 1\n}", 40), "{ \"a\": 1 }");
    assert_eq!(label(&"x".repeat(1 << 20), 4), "xxx…");
    assert_eq!(tail("0199f3a2-4f2a9c01", 8), "4f2a9c01");
    assert_eq!(tail("abc", 8), "abc");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_shown_safely(
        names in prop::array::uniform3(any::<String>()),
        content in any::<String>(),
        protocol in prop::sample::select(Protocol::ALL),
    ) {
        let names = [names[0].as_str(), names[1].as_str(), names[2].as_str()];
        let conversation = with_texts(names, &content, protocol);
        check_everywhere(&conversation);
        super::shapes::check_layout(&conversation.diagram(Picture::Svg));
    }

    #[test]
    fn pieces_of_hostile_text_are_shown_safely(
        pieces in prop::collection::vec(prop::sample::select(HOSTILE), 1..8),
    ) {
        let text = pieces.concat();
        check_everywhere(&with_texts([&text, "b", &text], &text, Protocol::ContractNet));
        check_markup(&agent(&line_of(&text), std::slice::from_ref(&text), &[log_of(&text)]));
    }

    #[test]
    fn what_is_cut_fits(text in any::<String>(), most in 0_usize..60) {
        let cut = label(&text, most);
        prop_assert!(columns(&cut) <= most);
        prop_assert!(columns(&shorten(&text, most)) <= most);
        check_visible(&cut);
    }
}
