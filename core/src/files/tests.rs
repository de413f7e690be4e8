//! Tests of who gets a thread for files, and of what is charged.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail this way")]

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::task::noop_waker_ref;

use super::*;

struct Someone {
    line: usize,
    held: AtomicU64,
    usual: AtomicU64,
    charged: AtomicU64,
    anywhere: AtomicBool,
    hurries: AtomicBool,
}

fn someone(line: usize, held: u64) -> Arc<Someone> {
    let (charged, anywhere) = (AtomicU64::new(0), AtomicBool::new(false));
    let hurries = AtomicBool::new(false);
    let usual = AtomicU64::new(0);
    Arc::new(Someone { line, held: AtomicU64::new(held), usual, charged, anywhere, hurries })
}

impl User for Someone {
    fn line(&self) -> usize {
        self.line
    }

    fn held(&self) -> &AtomicU64 {
        &self.held
    }

    fn usual(&self) -> &AtomicU64 {
        &self.usual
    }

    fn weighted(&self, nanos: u64) -> u64 {
        nanos
    }

    fn charge(&self, nanos: u64) {
        self.charged.fetch_add(nanos, Ordering::Relaxed);
    }

    fn charge_anywhere(&self) {
        self.anywhere.store(true, Ordering::Relaxed);
    }

    fn hurries(&self) -> bool {
        self.hurries.load(Ordering::Relaxed)
    }
}

type Call = Pin<Box<dyn Future<Output = Taken>>>;

fn call(threads: &Arc<FileThreads>, user: &Arc<Someone>) -> Call {
    let (threads, user) = (threads.clone(), user.clone());
    Box::pin(async move { threads.take(user, || ()).await })
}

fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T>>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn take(threads: &Arc<FileThreads>, user: &Arc<Someone>) -> Option<Taken> {
    poll(&mut call(threads, user))
}

/// Takes every thread, for accounts that have had `used`.
fn take_all(threads: &Arc<FileThreads>, used: u64) -> Vec<Taken> {
    let takes = |line: usize| {
        let user = someone(1000 + line / MOST_OF_ONE, used);
        take(threads, &user).expect("a thread is free")
    };
    (0..THREADS).map(takes).collect()
}

fn is_at_rest(threads: &FileThreads) -> bool {
    let lines = threads.lines.lock();
    lines.free.len() == THREADS
        && lines.accounts.is_empty()
        && lines.orders.iter().all(BTreeMap::is_empty)
        && lines.busy_long == 0
}

#[test]
fn an_account_has_few_threads_and_its_further_calls_wait_for_its_own() {
    let threads = FileThreads::new();
    let (one, other) = (someone(1, 0), someone(2, 1_000_000));
    let first = take(&threads, &one).unwrap();
    let _second = take(&threads, &one).unwrap();
    let mut third = call(&threads, &one);
    assert!(poll(&mut third).is_none());
    let _of_another = take(&threads, &other).unwrap();
    drop(first);
    assert!(poll(&mut third).is_some());
}

#[test]
fn who_has_had_the_least_time_comes_first_however_many_wait() {
    let threads = FileThreads::new();
    let mut all = take_all(&threads, 0);
    let mut busy: Vec<Call> =
        (0..100).map(|line| call(&threads, &someone(line, 1_000_000))).collect();
    assert!(busy.iter_mut().all(|call| poll(call).is_none()));
    let mut honest = call(&threads, &someone(200, 1000));
    assert!(poll(&mut honest).is_none());
    all.pop();
    assert!(busy.iter_mut().all(|call| poll(call).is_none()));
    let honest = poll(&mut honest).expect("it comes first");
    drop(honest);
    // Among equals who came first.
    assert!(poll(&mut busy[0]).is_some());
    drop((busy, all));
    assert!(is_at_rest(&threads));
}

#[test]
fn long_calls_have_only_their_part_of_the_threads() {
    let threads = FileThreads::with_long(2);
    let long = |line: usize| {
        let user = someone(line, 0);
        user.usual.store(LONG + 1, Ordering::Relaxed);
        user
    };
    let mut taken: Vec<Taken> = (0..2).filter_map(|line| take(&threads, &long(line))).collect();
    let [mut third, mut fourth] = [2, 3].map(|line| call(&threads, &long(line)));
    assert!(taken.len() == 2 && poll(&mut third).is_none());
    // Whoever makes short calls does not wait, though it comes later and has had more.
    let short = take(&threads, &someone(10, 1_000_000)).expect("a thread is free");
    // One that is being removed makes its calls at once, however long they are.
    let leaving = long(11);
    leaving.hurries.store(true, Ordering::Relaxed);
    let of_leaving = take(&threads, &leaving).expect("a thread is free");
    drop((short, of_leaving));
    assert!(poll(&mut third).is_none());
    taken.pop();
    let third = poll(&mut third).expect("its turn has come");
    assert!(poll(&mut fourth).is_none());
    drop((taken, third));
    drop(poll(&mut fourth).expect("its turn has come"));
    assert!(is_at_rest(&threads));
}

#[test]
#[cfg(target_os = "linux")]
fn one_short_call_after_a_long_one_does_not_make_an_accounts_calls_short() {
    let threads = FileThreads::with_long(2);
    let one = someone(1, 0);
    let mut usual = Vec::new();
    for spins in [Duration::from_millis(60), Duration::ZERO] {
        let taken = take(&threads, &one).unwrap();
        let (go, hold) = mpsc::channel();
        let mut call: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(taken.run(blocking(hold, spins)));
        assert!(poll(&mut call).is_none());
        go.send(()).unwrap();
        crate::blocking::block_on(call);
        usual.push(one.usual.load(Ordering::Relaxed));
    }
    assert!(usual[1] < usual[0] && usual[1] > usual[0] / 2, "{usual:?}");
}

#[test]
fn who_is_being_removed_comes_first() {
    let threads = FileThreads::new();
    let mut all = take_all(&threads, 0);
    let mut honest = call(&threads, &someone(1, 1000));
    let leaving = someone(2, 1_000_000);
    let mut waiting = call(&threads, &leaving);
    assert!(poll(&mut honest).is_none() && poll(&mut waiting).is_none());
    leaving.hurries.store(true, Ordering::Relaxed);
    threads.hurry(&*leaving);
    all.pop();
    assert!(poll(&mut honest).is_none());
    let taken = poll(&mut waiting).expect("it comes first");
    // Its further calls do, too.
    let mut next = call(&threads, &leaving);
    assert!(poll(&mut next).is_none());
    drop(taken);
    let next_taken = poll(&mut next).expect("it comes first again");
    assert!(poll(&mut honest).is_none());
    drop((honest, waiting, next, next_taken, all));
    assert!(is_at_rest(&threads));
}

#[test]
fn who_comes_again_and_again_stands_behind_who_comes_now_and_then() {
    let threads = FileThreads::new();
    let all = take_all(&threads, 0);
    let busy: Vec<Arc<Someone>> = (0..20).map(|line| someone(line, 0)).collect();
    let mut calls: Vec<Call> = busy.iter().map(|user| call(&threads, user)).collect();
    assert!(calls.iter_mut().all(|call| poll(call).is_none()));
    drop(all);
    let taken: Vec<Taken> = calls.iter_mut().take(THREADS).filter_map(poll).collect();
    assert_eq!(taken.len(), THREADS);
    // What they have had meanwhile.
    for user in &busy {
        user.held.fetch_add(5_000_000_000, Ordering::Relaxed);
    }
    let mut again: Vec<Call> = busy.iter().map(|user| call(&threads, user)).collect();
    assert!(again.iter_mut().all(|call| poll(call).is_none()));
    let mut once = call(&threads, &someone(100, 0));
    assert!(poll(&mut once).is_none());
    let order: Vec<usize> = threads.lines.lock().orders[0].values().copied().collect();
    assert_eq!(order[..5], [16, 17, 18, 19, 100]);
    drop((once, calls, again, taken));
    assert!(is_at_rest(&threads));
}

#[test]
fn a_thread_that_was_held_counts_and_long_waiting_gives_no_credit() {
    let threads = FileThreads::new();
    let (one, late) = (someone(1, 0), someone(2, 0));
    let taken = take(&threads, &one).unwrap();
    let began = nanos();
    while nanos() < began + 2_000_000 {
        std::hint::spin_loop();
    }
    drop(taken);
    let held = one.held.load(Ordering::Relaxed);
    assert!(held >= 2_000_000, "{held}");
    drop(take(&threads, &one).unwrap());
    drop(take(&threads, &late).unwrap());
    assert!(late.held.load(Ordering::Relaxed) >= held);
}

#[test]
fn calls_that_nobody_waits_for_take_no_thread() {
    let threads = FileThreads::new();
    let all = take_all(&threads, 0);
    let one = someone(1, 0);
    let mut calls: Vec<Call> = (0..4).map(|_| call(&threads, &one)).collect();
    assert!(calls.iter_mut().all(|call| poll(call).is_none()));
    // Of one the thread is there already when nobody waits any more.
    drop(calls.remove(3));
    drop(all);
    drop(calls);
    assert!(is_at_rest(&threads));
}

#[test]
fn the_wait_is_told_of_and_the_call_itself_is_not() {
    let threads = FileThreads::new();
    let all = take_all(&threads, 0);
    let told = Arc::new(AtomicUsize::new(0));
    let (counts, others) = (told.clone(), threads.clone());
    let mut call: Call = Box::pin(async move {
        let counts = move || {
            counts.fetch_add(1, Ordering::Relaxed);
        };
        others.take(someone(1, 0), counts).await
    });
    assert!(poll(&mut call).is_none());
    assert!(poll(&mut call).is_none());
    drop(all);
    assert!(poll(&mut call).is_some());
    assert_eq!(told.load(Ordering::Relaxed), 2);
}

/// A call that blocks its thread until something comes, and then spins for so long.
async fn blocking(hold: mpsc::Receiver<()>, spins: Duration) {
    let work = move || {
        let _ = hold.recv();
        let began = monotonic();
        while began.elapsed() < spins {
            std::hint::spin_loop();
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_time_of_a_call_goes_on_its_account_and_its_wait_does_not() {
    let threads = FileThreads::new();
    for spins in [Duration::ZERO, Duration::from_millis(30)] {
        let one = someone(1, 0);
        let taken = take(&threads, &one).unwrap();
        let (go, hold) = mpsc::channel();
        let mut call: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(taken.run(blocking(hold, spins)));
        assert!(poll(&mut call).is_none());
        // The thread waits so long.
        let (_keep, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_millis(40));
        go.send(()).unwrap();
        crate::blocking::block_on(call);
        let charged = Duration::from_nanos(one.charged.load(Ordering::Relaxed));
        if spins.is_zero() {
            assert!(charged < Duration::from_millis(20), "{charged:?}");
        } else {
            assert!(charged > Duration::from_millis(1), "{charged:?}");
        }
    }
    assert!(is_at_rest(&threads));
}

#[test]
fn the_thread_of_a_call_that_is_dropped_is_free_once_it_has_come_back() {
    let threads = FileThreads::new();
    let one = someone(1, 0);
    let mut holding = Vec::new();
    for _ in 0..MOST_OF_ONE {
        let (go, hold) = mpsc::channel();
        let taken = take(&threads, &one).unwrap();
        let mut call: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(taken.run(blocking(hold, Duration::ZERO)));
        assert!(poll(&mut call).is_none());
        holding.push(go);
        drop(call);
    }
    // They may have begun, and nobody waits for them.
    assert!(one.anywhere.load(Ordering::Relaxed));
    let mut next = call(&threads, &one);
    assert!(poll(&mut next).is_none());
    drop(holding);
    drop(crate::blocking::block_on(next));
}
