//! Which names are allowed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail this way")]

use super::*;

#[test]
fn names_that_can_be_told_apart() {
    for name in [
        "a",
        "worker-7",
        "Zoë",
        "агент",
        "агент 7",
        "代理 7",
        "🙂",
        "o'brien",
        "a/b.c",
        "नमस्ते",
        "שלום",
        "سلام",
        "エージェント",
        "ひらカタ漢字",
        "QA担当",
        "서울 agent",
        "ångström",
        "hosts",
        "topics",
        "amsel",
        "café☕",
    ] {
        assert!(check(name).is_ok(), "{name}: {:?}", check(name));
        assert!(!is_reserved(name), "{name}");
    }
}

#[test]
fn names_that_could_be_taken_for_others() {
    for (name, wrong) in [
        ("", "empty"),
        ("a\u{0}b", "U+0000"),
        ("a\u{85}b", "U+0085"),
        ("a\u{200b}b", "U+200B"),
        ("a\u{200d}b", "U+200D"),
        ("a\u{2060}b", "U+2060"),
        ("\u{feff}b", "U+FEFF"),
        ("a\u{ad}b", "U+00AD"),
        ("a\u{202e}b", "U+202E"),
        ("a\u{2066}b", "U+2066"),
        ("a\u{61c}b", "U+061C"),
        ("a\u{3164}b", "U+3164"),
        ("a\u{e0041}b", "U+E0041"),
        ("a\u{2028}b", "U+2028"),
        ("❤\u{fe0f}", "U+FE0F"),
        ("cafe\u{301}", "NFC"),
        ("\u{212b}", "NFC"),
        ("p\u{430}ypal", "U+0430) is Cyrillic, and what stands before it Latin"),
        ("\u{430}gent", "Cyrillic"),
        ("a\u{3b1}", "Greek"),
        ("агент-a", "Latin"),
        ("代\u{430}", "Cyrillic"),
        ("topic:x", "topics"),
        ("Topic:x", "topics"),
        ("TOPIC:", "topics"),
        ("ｔｏｐｉｃ：x", "topics"),
    ] {
        let error = check(name).expect_err(name);
        assert!(error.message().contains(wrong), "{error}, expected {wrong}");
    }
}

#[test]
fn names_of_the_runtime_in_any_dress() {
    for name in [
        "ams",
        "AMS",
        "Df",
        "host",
        "HOST",
        "http",
        "Http",
        "tools",
        "TOOLS",
        "*",
        "ａｍｓ",
        "ⅾf",
        "hoſt",
    ] {
        assert!(is_reserved(name), "{name}");
    }
}

#[test]
fn stored_names_may_be_old() {
    for name in ["", "ams", "host", "*", "topic:x", " a", "a\n"] {
        assert!(check_stored(name).is_err(), "{name}");
    }
    for name in ["AMS", "http", "Topic:x", "a\u{200b}", "p\u{430}ypal"] {
        assert!(check_stored(name).unwrap().is_some(), "{name}");
    }
    assert_eq!(check_stored("a").unwrap(), None);
}
