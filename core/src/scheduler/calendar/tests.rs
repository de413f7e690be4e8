#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::cell::Cell;

use super::{BATCH, Calendar};
use crate::source::Source;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

#[test]
fn many_entries_of_one_instant_come_in_batches_and_others_run_in_between() {
    let (calendar, source) = (Calendar::default(), Source::new(Some(1)));
    let due = source.now_micros() - 1000;
    let count = 10 * BATCH as u32;
    for key in 0..count {
        calendar.set(due, key, ());
    }
    let others = Cell::new(0);
    let taking = async {
        let mut taken = Vec::new();
        while taken.len() < count as usize {
            let before = others.get();
            let due = calendar.next_due(&source).await;
            assert!(due.len() <= BATCH, "{} at once", due.len());
            assert!(others.get() > before, "nobody else had a turn");
            taken.extend(due.into_iter().map(|(key, ())| key));
        }
        taken
    };
    let other = async {
        loop {
            others.set(others.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let taken = block_on(async {
        tokio::select! {
            biased;
            taken = taking => taken,
            () = other => Vec::new(),
        }
    });
    assert_eq!(taken, (0..count).collect::<Vec<_>>());
}

#[test]
fn entries_of_one_millisecond_come_together_and_none_before_it_is_due() {
    let (calendar, source) = (Calendar::default(), Source::new(Some(1)));
    let start = source.now_micros().next_multiple_of(1000) + 5000;
    for (key, after) in [(1, 900), (2, 100), (3, 500)] {
        calendar.set(start + after, key, after);
    }
    let due = block_on(calendar.next_due(&source));
    assert!(source.now_micros() >= start + 1000);
    assert_eq!(due, [(2, 100), (3, 500), (1, 900)]);
}
