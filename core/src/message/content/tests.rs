//! Content limits: the scanner beside a tree, and what an error says.
#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use proptest::prelude::*;

use super::*;
use crate::message::{Draft, Performative};

/// A value as somebody may write it: keys may come twice, and texts are kept as they are written.
#[derive(Debug, Clone)]
enum Tree {
    Scalar(String),
    Text(Text),
    Array(Vec<Tree>),
    Object(Vec<(Text, Tree)>),
}

/// A string, each of its characters with the number of one of the ways to write it.
type Text = Vec<(char, u8)>;

/// How the parts are written: plainly, or with space between all of them.
type Space = &'static str;

fn write_text(text: &Text, out: &mut String) {
    out.push('"');
    for (character, way) in text {
        let must = matches!(character, '"' | '\\') || (*character as u32) < 0x20;
        match (character, way % 3) {
            ('"' | '\\' | '/', 1) => out.extend(['\\', *character]),
            ('\n', 1) => out.push_str("\\n"),
            (_, 0 | 1) if !must => out.push(*character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&match way {
                        0..6 => format!("\\u{unit:04x}"),
                        _ => format!("\\u{unit:04X}"),
                    });
                }
            }
        }
    }
    out.push('"');
}

fn write(tree: &Tree, space: Space, out: &mut String) {
    out.push_str(space);
    match tree {
        Tree::Scalar(scalar) => out.push_str(scalar),
        Tree::Text(text) => write_text(text, out),
        Tree::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(item, space, out);
            }
            out.push_str(space);
            out.push(']');
        }
        Tree::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(space);
                write_text(key, out);
                out.push_str(space);
                out.push(':');
                write(value, space, out);
            }
            out.push_str(space);
            out.push('}');
        }
    }
    out.push_str(space);
}

fn bytes(text: &Text) -> u32 {
    text.iter().map(|(character, _)| character.len_utf8() as u32).sum()
}

/// Measures a tree in the plain way; `bytes` is of what was written.
fn measure(tree: &Tree, depth: u32, measured: &mut Measure) {
    match tree {
        Tree::Scalar(_) => {}
        Tree::Text(text) => measured.string_bytes = measured.string_bytes.max(bytes(text)),
        Tree::Array(items) => {
            measured.depth = measured.depth.max(depth + 1);
            measured.array_items = measured.array_items.max(items.len() as u32);
            items.iter().for_each(|item| measure(item, depth + 1, measured));
        }
        Tree::Object(entries) => {
            measured.depth = measured.depth.max(depth + 1);
            measured.keys = measured.keys.max(entries.len() as u32);
            for (key, value) in entries {
                measured.key_bytes = measured.key_bytes.max(bytes(key));
                measure(value, depth + 1, measured);
            }
        }
    }
}

fn texts() -> impl Strategy<Value = Text> {
    let character = prop_oneof![
        prop::char::any(),
        prop::char::range('a', 'e'),
        prop::sample::select(vec![
            '"',
            '\\',
            '/',
            '\n',
            '{',
            '[',
            ']',
            '}',
            ',',
            ':',
            ' ',
            '\u{1f600}'
        ]),
    ];
    prop::collection::vec((character, 0..9u8), 0..12)
}

fn trees() -> impl Strategy<Value = Tree> {
    let scalars = ["null", "true", "false", "0", "-1.5e+300", "1e999999", "123456789012345678901"];
    let leaf = prop_oneof![
        prop::sample::select(scalars.to_vec())
            .prop_map(|scalar: &str| Tree::Scalar(scalar.to_owned())),
        texts().prop_map(Tree::Text),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Tree::Array),
            prop::collection::vec((texts(), inner), 0..8).prop_map(Tree::Object),
        ]
    })
}

proptest! {
    #[test]
    fn the_scanner_agrees_with_a_tree(
        tree in trees(),
        space in prop::sample::select(vec!["", " ", "\n\t \r"]),
    ) {
        let mut json = String::new();
        write(&tree, space, &mut json);
        serde_json::from_str::<&serde_json::value::RawValue>(json.trim()).unwrap();
        let mut expected = Measure { bytes: json.len() as u32, ..Measure::default() };
        measure(&tree, 0, &mut expected);
        prop_assert_eq!(Measure::of(&json), expected, "{}", json);
    }

    /// What is no JSON never comes here; if it did, it would do no harm.
    #[test]
    fn no_text_upsets_the_scanner(text in ".*", json in r#"[\[\]{}",:\\u0-9a-f ]{0,60}"#) {
        for text in [text, json] {
            Measure::of(&text);
            let none = ContentLimits {
                max_bytes: None, max_keys: Some(0), max_key_bytes: Some(0),
                max_array_items: Some(0), max_string_bytes: Some(0), max_depth: 0,
            };
            let measure = Measure::of(&text);
            let _ = scan(&text, |aspect, size, levels| none.see(&text, &measure, aspect, size, levels));
        }
    }

    /// A limit lets a content through exactly if the measure is within it, and a broken one is told
    /// with the measure.
    #[test]
    fn what_is_refused_is_above_a_limit(tree in trees(), limit in 0..12u64) {
        let mut json = String::new();
        write(&tree, "", &mut json);
        let measure = Measure::of(&json);
        let message = message(&json);
        for name in ContentLimits::NAMES {
            let mut limits = lifted();
            limits.set(name, Some(limit)).unwrap();
            let used = match *name {
                "max_bytes" => measure.bytes,
                "max_keys" => measure.keys,
                "max_key_bytes" => measure.key_bytes,
                "max_array_items" => measure.array_items,
                "max_string_bytes" => measure.string_bytes,
                _ => measure.depth,
            };
            match limits.check_message(&message) {
                Ok(()) => prop_assert!(u64::from(used) <= limit),
                Err(error) => {
                    prop_assert!(u64::from(used) > limit);
                    let kind = name.replacen("max", "content", 1);
                    prop_assert_eq!(error.limit_kind(), Some(kind.as_str()));
                    // Where several parts are above the limit, the first one is told.
                    let (told, first) = error.limit_and_used().unwrap();
                    prop_assert_eq!(told, limit);
                    prop_assert!(first > limit && first <= used.into());
                }
            }
        }
    }
}

fn lifted() -> ContentLimits {
    let mut limits = ContentLimits::default();
    ContentLimits::NAMES.iter().for_each(|name| limits.set(name, None).unwrap());
    limits
}

fn message(content: &str) -> Message {
    let act = Performative::Inform.as_str();
    Draft::with_raw_content(act, Some("a"), content.as_bytes()).to_message().unwrap()
}

fn broken(name: &str, limit: u64, content: &str) -> String {
    let mut limits = lifted();
    limits.set(name, Some(limit)).unwrap();
    limits.check_message(&message(content)).unwrap_err().message().to_owned()
}

#[test]
fn an_error_says_what_and_where() {
    for (name, limit, content, expected) in [
        ("max_bytes", 3, "[1, 2]", "the content is 6 bytes long, above the limit of 3 (max_bytes)"),
        ("max_keys", 0, r#"{"a":1}"#, "the content has an object of 1 keys, above"),
        ("max_keys", 1, r#"{"a":[0,{"b":1,"b":2}]}"#, r#"an object of 2 keys at "/a/1", above"#),
        ("max_key_bytes", 1, r#"[{"a":1,"bb":2}]"#, r#"a key of 2 bytes at "/0/bb", above"#),
        ("max_array_items", 1, r#"{"a":[1],"b":[[],[]]}"#, r#"an array of 2 items at "/b", above"#),
        ("max_string_bytes", 2, r#"{"a/~":["xx","xxx"]}"#, r#"of 3 bytes at "/a~1~0/1", above"#),
        ("max_string_bytes", 2, r#""xxx""#, "the content has a string of 3 bytes, above"),
        ("max_depth", 1, r#"{"a":[[[]]]}"#, r#"the content goes 4 levels deep at "/a", above"#),
        ("max_depth", 0, "[]", "the content goes 1 levels deep, above the limit of 0 (max_depth)"),
    ] {
        let text = broken(name, limit, content);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn an_error_stays_short() {
    let key = "k".repeat(100_000);
    let long = format!(r#"{{"{key}":{{"{key}":{{"{key}":{{"{key}":[1]}}}}}}}}"#);
    assert!(broken("max_array_items", 0, &long).len() < 400);
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    assert!(broken("max_depth", 9000, &deep).len() < 400);
}

#[test]
fn depth_is_bounded_for_everybody() {
    let deep = |levels: usize| message(&("[".repeat(levels) + &"]".repeat(levels)));
    let most = DEEPEST as usize;
    assert!(lifted().check_message(&deep(most)).is_ok());
    for levels in [most + 1, 400_000] {
        let error = lifted().check_message(&deep(levels)).unwrap_err();
        assert_eq!(error.limit_and_used(), Some((most as u64, most as u64 + 1)));
    }
    assert!(ContentLimits { max_depth: DEEPEST + 1, ..lifted() }.check().is_err());
}

#[test]
fn halves_of_pairs_count_as_three_bytes() {
    for (text, expected) in [
        (r#""\ud83d\ude00""#, 4),
        (r#""\ud83d""#, 3),
        (r#""\ude00\ud83d""#, 6),
        (r#""\ud83d\ud83d\ude00""#, 7),
        (r#""\ud83dx\ude00""#, 7),
        (r#""\ud83d\n""#, 4),
    ] {
        assert_eq!(Measure::of(text).string_bytes, expected, "{text}");
    }
}

#[test]
fn no_content_is_within_all_limits() {
    let none = ContentLimits { max_bytes: Some(0), ..lifted() };
    let draft = Draft::json(*br#"{"performative":"inform","receiver":"a"}"#);
    assert!(none.check_message(&draft.to_message().unwrap()).is_ok());
    assert!(none.check_message(&message("0")).is_err());
}

#[test]
fn limits_by_name() {
    let mut limits = ContentLimits::default();
    assert_eq!(limits.get("max_keys"), Some(100));
    limits.set("max_keys", None).unwrap();
    assert_eq!(limits.get("max_keys"), None);
    let error = limits.set("max_key", Some(1)).unwrap_err();
    assert!(error.message().contains("max_keys"), "{error}");
}
