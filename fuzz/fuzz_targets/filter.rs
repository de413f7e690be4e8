//! Filters, and messages that they match or not.
#![no_main]

use caxton::{Draft, EventFilter, Filter};
use caxton_fuzz::runtime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (filter, message) = input;
    drop(EventFilter::read(filter));
    let Ok(filter) = Filter::read(filter) else { return };
    let runtime = runtime();
    drop(runtime.find(filter.clone()).expect("a filter of names and capabilities"));
    let matching = runtime.subscribe(filter).expect("a filter that was read");
    let everything = runtime.subscribe(Filter::default()).expect("an empty filter");
    drop(runtime.try_send(&Draft::json(message)));
    // Nothing is seen by a part and not by the whole.
    if let Some(seen) = matching.try_next() {
        let whole = everything.try_next().expect("everything matches the empty filter");
        assert_eq!(seen.as_json(), whole.as_json());
    }
});
