#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::collections::BTreeSet;

use super::*;

#[test]
fn what_is_put_in_comes_out_at_every_length() {
    for (key, value) in (0..50).flat_map(|key| (0..50).map(move |value| (key, value))) {
        let (key, value) = (vec![1; key], vec![2; value]);
        let datum = Datum::new(&key, Some(&value));
        assert_eq!((datum.key(), datum.value()), (&key[..], Some(&value[..])));
        assert_eq!(datum.len(), key.len() + value.len());
        let bare = datum.without_value();
        assert_eq!((bare.key(), bare.value(), bare.len()), (&key[..], None, key.len()));
        assert!(bare == datum);
    }
}

#[test]
fn short_ones_take_three_words_and_are_in_the_order_of_their_keys() {
    assert_eq!(size_of::<Datum>(), 24);
    let long = [b'b'; 40];
    let keys: [&[u8]; 6] = [b"", b"a", b"a\0", b"ab", b"b", &long];
    let set: BTreeSet<Datum> = keys.iter().rev().map(|key| Datum::new(key, Some(b"v"))).collect();
    assert!(set.iter().map(Datum::key).eq(keys));
    assert_eq!(set.get(&b"ab"[..]).unwrap().value(), Some(&b"v"[..]));
}
