//! Much that is due at one instant, beside others.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn however_much_is_due_others_have_their_turn_after_each_batch() {
    const DUE: usize = 1_000;
    let (calendar, source) = (Arc::new(Calendar::default()), Arc::new(Source::new(None)));
    for key in 0..DUE {
        calendar.set(1, key, ());
    }
    let done = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let worker = {
            let (calendar, source, done) = (calendar.clone(), source.clone(), done.clone());
            tokio::spawn(async move {
                let mut next = 0;
                while next < DUE {
                    for (key, ()) in calendar.next_due(&source).await {
                        assert_eq!(key, next);
                        next += 1;
                    }
                    done.store(next, Ordering::SeqCst);
                }
            })
        };
        let (mut last, mut most, mut turns) = (0, 0, 0);
        while last < DUE {
            tokio::task::yield_now().await;
            let now = done.load(Ordering::SeqCst);
            (most, turns) = (most.max(now - last), turns + usize::from(now > last));
            last = now;
        }
        worker.await.unwrap();
        assert_eq!((most, turns), (BATCH, DUE.div_ceil(BATCH)));
    });
}
