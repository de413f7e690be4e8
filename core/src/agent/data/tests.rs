#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::collections::BTreeMap;

use super::*;

#[test]
fn it_holds_what_was_put_last_through_all_sizes() {
    let (mut data, mut model) = (Data::default(), BTreeMap::new());
    let key = |number: usize| format!("key {}", number % 7_000).into_bytes();
    for number in 0..30_000 {
        let (key, value) = (key(number), number.to_string().into_bytes());
        let datum = Datum::new(&key, (number % 5 != 0).then_some(&value[..]));
        let old = data.put(datum).map(|old| old.value().unwrap().to_vec());
        let before = match number % 5 {
            0 => model.remove(&key),
            _ => model.insert(key, value),
        };
        assert_eq!(old, before);
        assert_eq!(data.len, model.len());
    }
    assert_eq!(data.tables.len(), TABLES);
    let mut all: Vec<&Datum> = data.iter().collect();
    all.sort();
    assert!(all.iter().map(|datum| datum.key()).eq(model.keys()));
    for (key, value) in &model {
        assert_eq!(data.get(key).unwrap().value(), Some(&value[..]));
    }
    for key in model.keys() {
        data.put(Datum::new(key, None)).unwrap();
    }
    assert_eq!((data.len, data.tables.len()), (0, 0));
}
