//! Names that guests choose.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

#[test]
fn names_are_written_within_their_bound() {
    let rust = "_RNvNtCs1234_7mycrate3foo3bar";
    assert_eq!(name_of(Some(rust), 0), "mycrate::foo::bar");
    // Each of 60 levels is a pair of the one before it.
    let mut bomb = "INvC1a1f".to_owned();
    let mut last = bomb.len();
    bomb.push_str("TuuE");
    for _ in 0..60 {
        let back = base_62(last);
        last = bomb.len();
        bomb.push_str(&format!("TB{back}B{back}E"));
    }
    let bomb = format!("_R{bomb}E");
    assert!(rustc_demangle::try_demangle(&bomb).is_ok());
    let text = name_of(Some(&bomb), 0);
    assert!(text.len() <= MAX_NAME_BYTES + '…'.len_utf8(), "{}", text.len());
    let long = "é".repeat(MAX_NAME_BYTES);
    assert_eq!(name_of(Some(&long), 0), format!("{}…", "é".repeat(MAX_NAME_BYTES / 2)));
    assert_eq!(name_of(Some("_ZN3foo3barEv"), 0), "_ZN3foo3barEv");
    assert_eq!(name_of(None, 7), "function 7");
}

#[test]
fn names_that_wasmtime_may_read_are_plain() {
    let cpp = "_Z1f1AIiiES_IS0_S0_E";
    let text = format!(
        "(module (func $rust) (func ${cpp}) (func $_RNvNtCs1234_7mycrate3foo3bar) (func $__ZN1a1bEv))"
    );
    let wasm = wat::parse_str(text).unwrap();
    let plain = with_plain_names(wasm.clone());
    assert_eq!(plain.len(), wasm.len());
    let has = |name: &str| plain.windows(name.len()).any(|part| part == name.as_bytes());
    assert!(has("rust") && has(&cpp.replacen('_', ".", 1)) && has("._ZN1a1bEv"));
    assert!(has("_RNvNtCs1234_7mycrate3foo3bar"));
    assert!(hostile_names(&plain).is_empty());
}

/// A number as Rust's mangling writes it.
fn base_62(number: usize) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let Some(mut left) = number.checked_sub(1) else { return "_".to_owned() };
    let mut digits = Vec::new();
    loop {
        digits.push(DIGITS[left % 62]);
        left /= 62;
        if left == 0 {
            break;
        }
    }
    digits.reverse();
    format!("{}_", String::from_utf8(digits).unwrap())
}
