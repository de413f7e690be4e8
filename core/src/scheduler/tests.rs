//! The order in which workers run items, on a clock that the tests turn. Workers, items and ticks are
//! simulated; the code that decides is the real one.
#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::board::Class;
use super::queues::{Queues, Worker};
use super::{CpuAccount, Lane, Pace, Runnable, Scheduler};
use crate::sandbox::Engine;
use crate::source::monotonic;

const MICRO: u64 = 1000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
/// The time between two ticks.
const TICK: u64 = MILLI;

/// An item whose turns take two lengths of time alternately, and that is woken again some time after each.
struct Fake {
    pace: Pace,
    turn: u64,
    other_turn: u64,
    /// Time from the end of a turn to the next, with a spread that is the same in every run.
    pause: u64,
    /// The time that is left of the turn in progress.
    left: AtomicU64,
    due: AtomicU64,
    /// The time for which it has run.
    ran: AtomicU64,
    turns: AtomicU64,
}

impl Fake {
    fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn ran(&self) -> u64 {
        self.ran.load(Ordering::Relaxed)
    }
}

impl Runnable for Arc<Fake> {
    fn pace(&self) -> &Pace {
        &self.pace
    }

    fn run(self, _lane: Lane<'_, Self>) {}

    fn leave(&self) -> bool {
        false
    }
}

/// Workers on a clock of their own.
struct Pool {
    queues: Queues<Arc<Fake>>,
    workers: Vec<(Worker<Arc<Fake>>, Option<Running>)>,
    /// Sleeping items, with the times at which they are woken.
    asleep: Vec<(u64, Arc<Fake>)>,
    next: usize,
    now: u64,
    all: Vec<Arc<Fake>>,
}

/// A slice in progress.
struct Running {
    fake: Arc<Fake>,
    class: Class,
    began: u64,
}

impl Pool {
    fn new(workers: usize) -> Self {
        Pool {
            queues: Queues::new(workers),
            workers: (0..workers).map(|index| (Worker::new(index), None)).collect(),
            asleep: Vec::new(),
            next: 0,
            now: 0,
            all: Vec::new(),
        }
    }

    /// Adds an item that takes turns of `turn` with pauses of `pause` in between; the first turn begins at
    /// once.
    fn add(&mut self, turn: u64, pause: u64) -> Arc<Fake> {
        self.add_to(CpuAccount::new(100), turn, pause)
    }

    fn add_to(&mut self, account: Arc<CpuAccount>, turn: u64, pause: u64) -> Arc<Fake> {
        self.add_of_two(account, [turn, turn], pause)
    }

    fn add_of_two(
        &mut self,
        account: Arc<CpuAccount>,
        [turn, other_turn]: [u64; 2],
        pause: u64,
    ) -> Arc<Fake> {
        let quantum = Duration::from_millis(100);
        let fake = Arc::new(Fake {
            pace: Pace::new(account, self.queues.board.clone(), quantum),
            turn,
            other_turn,
            pause,
            left: AtomicU64::new(turn),
            due: AtomicU64::new(self.now),
            ran: AtomicU64::new(0),
            turns: AtomicU64::new(0),
        });
        self.asleep.push((self.now, fake.clone()));
        self.all.push(fake.clone());
        fake
    }

    fn add_many(&mut self, count: usize, turn: u64, pause: u64) -> Vec<Arc<Fake>> {
        (0..count).map(|_| self.add(turn, pause)).collect()
    }

    /// Runs for `time`. Returns the delays of turns of `of`, each from when it was due to its end.
    fn run(&mut self, time: u64, of: &[Arc<Fake>]) -> Latencies {
        let end = self.now + time;
        let mut latencies = Vec::new();
        while self.now < end {
            self.wake();
            self.occupy();
            let next = self.next_event().min(end);
            self.now = next;
            for at in 0..self.workers.len() {
                self.look_at(at, of, &mut latencies);
            }
        }
        latencies.sort_unstable();
        Latencies(latencies)
    }

    fn wake(&mut self) {
        let now = self.now;
        let (due, asleep): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.asleep).into_iter().partition(|(at, _)| *at <= now);
        self.asleep = asleep;
        for (_, fake) in due {
            let workers = self.workers.len();
            self.queues.push_outside([self.next % workers, (self.next + 1) % workers], fake);
            self.next += 1;
        }
    }

    fn occupy(&mut self) {
        for (worker, running) in &mut self.workers {
            if running.is_none() {
                worker.set_now(self.now);
                *running = self.queues.take(worker).map(|(class, fake)| Running {
                    fake,
                    class,
                    began: self.now,
                });
            }
        }
    }

    /// Returns the time of the next tick, end of a turn or timer.
    fn next_event(&self) -> u64 {
        let tick = (self.now / TICK + 1) * TICK;
        let ends = self
            .workers
            .iter()
            .filter_map(|(_, running)| running.as_ref().map(|it| it.began + it.fake.left()));
        let timers = self.asleep.iter().map(|(at, _)| *at);
        ends.chain(timers).chain([tick]).min().unwrap()
    }

    fn look_at(&mut self, at: usize, of: &[Arc<Fake>], latencies: &mut Vec<u64>) {
        let now = self.now;
        let (worker, running) = &mut self.workers[at];
        let Some(Running { fake, began, .. }) = running else { return };
        let ran = now - *began;
        let is_over = ran >= fake.left();
        let is_tick = now.is_multiple_of(TICK) && ran > 0;
        if !(is_over || is_tick && fake.pace.yields_at(now)) {
            return;
        }
        let Running { fake, class, .. } = running.take().unwrap();
        worker.set_now(now);
        self.queues.settle(worker, class, ran);
        fake.ran.fetch_add(ran, Ordering::Relaxed);
        if !is_over {
            fake.left.fetch_sub(ran, Ordering::Relaxed);
            fake.pace.pause(now);
            self.queues.push(at, fake);
            return;
        }
        fake.pace.end_turn(now, false);
        let turns = fake.turns.fetch_add(1, Ordering::Relaxed);
        let next = if turns.is_multiple_of(2) { fake.other_turn } else { fake.turn };
        fake.left.store(next, Ordering::Relaxed);
        let due = fake.due.swap(now + fake.pause, Ordering::Relaxed);
        if of.iter().any(|it| Arc::ptr_eq(it, &fake)) {
            latencies.push(now - due);
        }
        self.asleep.push((now + fake.pause, fake));
    }
}

struct Latencies(Vec<u64>);

impl Latencies {
    fn percent(&self, percent: usize) -> u64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    #[track_caller]
    fn check(&self, count: usize, p50: u64, p99: u64) {
        let (half, most) = (self.percent(50), self.percent(99));
        assert!(self.0.len() >= count, "only {} turns", self.0.len());
        assert!(half <= p50 && most <= p99, "p50 {half} ns, p99 {most} ns");
    }
}

fn sum(fakes: &[Arc<Fake>]) -> u64 {
    fakes.iter().map(|fake| fake.ran()).sum()
}

#[test]
fn short_turns_hardly_wait_for_a_hundred_that_spin() {
    let mut pool = Pool::new(2);
    pool.add_many(100, 90 * MILLI, MILLI);
    let honest = pool.add(50 * MICRO, 3137 * MICRO);
    pool.run(10 * SECOND, &[]);
    pool.run(20 * SECOND, &[honest]).check(3000, 2 * MILLI, 20 * MILLI);
}

#[test]
fn one_whose_end_is_waited_for_comes_before_a_hundred_that_spin() {
    let mut pool = Pool::new(2);
    let all = pool.add_many(100, 90 * MILLI, MILLI);
    let honest = pool.add(50 * MICRO, 3137 * MICRO);
    pool.run(10 * SECOND, &[]);
    let turns = |fake: &Arc<Fake>| fake.turns.load(Ordering::Relaxed);
    let before: Vec<u64> = all.iter().map(turns).collect();
    for fake in &all[..2] {
        fake.pace.hurry();
    }
    // What waits already keeps its place: for once eight milliseconds of each of the others.
    pool.run(900 * MILLI, &[honest]).check(200, 2 * MILLI, 20 * MILLI);
    for (fake, before) in all[..2].iter().zip(&before) {
        assert!(turns(fake) > *before);
    }
    let others = all[2..].iter().zip(&before[2..]);
    let ended = others.filter(|(fake, before)| turns(fake) > **before).count();
    assert!(ended < 40, "{ended}");
}

#[test]
fn short_turns_hardly_wait_for_a_hundred_whose_turns_are_short_too() {
    for turn in [50 * MICRO, 150 * MICRO, 900 * MICRO] {
        let mut pool = Pool::new(2);
        pool.add_many(100, turn, 0);
        let honest = pool.add(20 * MICRO, 3137 * MICRO);
        pool.run(10 * SECOND, &[]);
        pool.run(20 * SECOND, &[honest]).check(3000, 2 * MILLI, 5 * MILLI);
    }
}

#[test]
fn a_turn_of_fifty_microseconds_hardly_waits_for_hundreds_of_five() {
    let mut pool = Pool::new(2);
    pool.add_many(300, 5 * MICRO, 0);
    let honest = pool.add(50 * MICRO, 20 * MILLI);
    pool.run(SECOND, &[]);
    pool.run(5 * SECOND, &[honest]).check(200, MILLI, 2 * MILLI);
}

#[test]
fn who_comes_from_outside_waits_with_the_worker_that_has_got_further() {
    let mut pool = Pool::new(2);
    let [behind, ahead, comes] = [0; 3].map(|_| pool.add(10 * MICRO, 0));
    ahead.pace.begin_on_caller(0);
    ahead.pace.end_turn(500 * MICRO, false);
    pool.queues.push(0, behind);
    pool.queues.push(1, ahead);
    for workers in [[0, 1], [1, 0]] {
        pool.queues.push_outside(workers, comes.clone());
        let taken = pool.queues.take(&pool.workers[1].0).unwrap().1;
        assert!(Arc::ptr_eq(&taken, &comes), "{workers:?}");
    }
}

#[test]
fn a_turn_that_turns_out_to_be_long_is_ended_like_any_other() {
    let mut pool = Pool::new(2);
    for _ in 0..100 {
        // The one before says that it will be short.
        pool.add_of_two(CpuAccount::new(100), [10 * MICRO, 90 * MILLI], MILLI);
    }
    let honest = pool.add(50 * MICRO, 3137 * MICRO);
    pool.run(10 * SECOND, &[]);
    pool.run(20 * SECOND, &[honest]).check(2000, 5 * MILLI, 20 * MILLI);
}

#[test]
fn turns_of_two_milliseconds_wait_for_less_than_a_second() {
    let mut pool = Pool::new(2);
    pool.add_many(100, 90 * MILLI, MILLI);
    let honest = pool.add(2 * MILLI, 3137 * MICRO);
    pool.run(10 * SECOND, &[]);
    pool.run(60 * SECOND, &[honest]).check(50, SECOND, SECOND);
}

#[test]
fn those_that_spin_share_the_workers_among_them() {
    let mut pool = Pool::new(2);
    let spinners = pool.add_many(100, 90 * MILLI, MILLI);
    pool.run(60 * SECOND, &[]);
    let each: Vec<u64> = spinners.iter().map(|fake| fake.ran()).collect();
    let (least, most) = (each.iter().min().unwrap(), each.iter().max().unwrap());
    assert!(most - least <= 200 * MILLI, "{least} to {most}");
    assert!(sum(&spinners) >= 119 * SECOND, "{}", sum(&spinners));
}

#[test]
fn long_turns_have_their_part_beside_short_ones_that_want_everything() {
    let mut pool = Pool::new(2);
    let short = pool.add_many(40, 500 * MICRO, 0);
    let long = pool.add_many(3, 90 * MILLI, 0);
    pool.run(20 * SECOND, &[]);
    let part = sum(&long) as f64 / sum(&short) as f64;
    assert!((0.30..=0.37).contains(&part), "long ones have {part} of what short ones have");
    for fake in &long {
        assert!(fake.ran() >= 2 * SECOND, "{}", fake.ran());
    }
}

#[test]
fn nobody_starves_whatever_turns_the_others_take() {
    let mut pool = Pool::new(2);
    let mut all = Vec::new();
    for turn in [20 * MICRO, 300 * MICRO, 990 * MICRO, 1500 * MICRO, 5 * MILLI, 90 * MILLI] {
        all.extend(pool.add_many(10, turn, 0));
    }
    pool.run(20 * SECOND, &[]);
    for fake in &all {
        // A sixtieth of two workers would be 0.67 seconds.
        assert!(fake.ran() >= SECOND / 10, "{} of turns of {}", fake.ran(), fake.turn);
    }
}

#[test]
fn time_is_shared_by_weight() {
    for turn in [500 * MICRO, 30 * MILLI] {
        let mut pool = Pool::new(2);
        let fakes: Vec<Arc<Fake>> = [50, 100, 200, 400]
            .into_iter()
            .flat_map(|share| [0; 4].map(|_| pool.add_to(CpuAccount::new(share), turn, 0)))
            .collect();
        pool.run(30 * SECOND, &[]);
        let each: Vec<u64> = fakes.chunks(4).map(sum).collect();
        for (at, pair) in each.windows(2).enumerate() {
            let ratio = pair[1] as f64 / pair[0] as f64;
            assert!((1.8..=2.2).contains(&ratio), "{at}: {ratio} in turns of {turn} ns");
        }
    }
}

#[test]
fn agents_of_one_account_have_the_time_of_one() {
    let mut pool = Pool::new(1);
    let account = CpuAccount::new(100);
    let many: Vec<Arc<Fake>> =
        (0..9).map(|_| pool.add_to(account.share(), 500 * MICRO, 0)).collect();
    let alone = pool.add(500 * MICRO, 0);
    pool.run(10 * SECOND, &[]);
    let ratio = sum(&many) as f64 / alone.ran() as f64;
    assert!((0.8..=1.25).contains(&ratio), "{ratio}");
}

#[test]
fn a_new_agent_has_no_advantage() {
    for turn in [500 * MICRO, 30 * MILLI] {
        let mut pool = Pool::new(1);
        let old = pool.add_many(4, turn, 0);
        pool.run(20 * SECOND, &[]);
        let before = sum(&old);
        let new = pool.add(turn, 0);
        pool.run(5 * SECOND, &[]);
        let each = (sum(&old) - before) / 4;
        let most = each + each / 10 + 32 * MILLI;
        assert!(new.ran() <= most, "{} beside {each}, turns of {turn}", new.ran());
        assert!(new.ran() >= each / 2, "{} beside {each}, turns of {turn}", new.ran());
    }
}

#[test]
fn who_was_idle_has_no_credit() {
    let mut pool = Pool::new(1);
    let busy = pool.add_many(3, 500 * MICRO, 0);
    let idle = pool.add(500 * MICRO, 10 * SECOND);
    pool.run(9 * SECOND, &[]);
    // From now on it wants everything.
    let (before, ran) = (sum(&busy), idle.ran());
    let greedy = pool.add_to(idle.pace.account().share(), 500 * MICRO, 0);
    pool.run(SECOND / 2, &[]);
    let each = (sum(&busy) - before) / 3;
    let had = greedy.ran() + idle.ran() - ran;
    assert!(had <= each + each / 10 + 2 * MILLI, "{had} beside {each}");
}

#[test]
fn who_has_used_much_is_kept_waiting_no_longer_than_the_most_that_counts() {
    let mut pool = Pool::new(1);
    // One turn that has the worker for itself at first.
    let greedy = pool.add(20 * SECOND, 0);
    pool.run(5 * SECOND, &[]);
    let others = pool.add_many(4, 90 * MILLI, 0);
    pool.run(10 * MILLI, &[]);
    let ran = greedy.ran();
    pool.run(SECOND, &[]);
    let each = sum(&others) / 4;
    let had = greedy.ran() - ran;
    assert!(had + 60 * MILLI >= each, "{had} beside {each}");
}

#[test]
fn a_long_turn_goes_on_while_nobody_waits() {
    let mut pool = Pool::new(1);
    let alone = pool.add(5 * SECOND, 0);
    pool.run(SECOND, &[]);
    let (_, running) = &pool.workers[0];
    assert!(running.as_ref().is_some_and(|it| it.began == 0), "its slice was ended");
    assert_eq!(alone.ran(), 0);
}

#[test]
fn a_worker_takes_what_waits_with_another() {
    let mut pool = Pool::new(3);
    for _ in 0..6 {
        let fake = pool.add(500 * MICRO, 0);
        pool.asleep.clear();
        // All of it was made ready by one.
        pool.queues.push(0, fake);
    }
    pool.run(500 * MICRO, &[]);
    let ran = pool.all.iter().filter(|fake| fake.turns.load(Ordering::Relaxed) > 0).count();
    assert_eq!(ran, 3);
}

#[test]
fn with_many_workers_two_others_are_enough() {
    let mut pool = Pool::new(16);
    let spinners = pool.add_many(100, 90 * MILLI, MILLI);
    let honest = pool.add(50 * MICRO, 3137 * MICRO);
    pool.run(5 * SECOND, &[]);
    pool.run(20 * SECOND, &[honest]).check(3000, 2 * MILLI, 20 * MILLI);
    assert!(sum(&spinners) >= 16 * 24 * SECOND, "{}", sum(&spinners));
}

#[test]
fn what_one_makes_ready_runs_next_where_nobody_waits_longer() {
    let queues: Queues<Arc<Fake>> = Queues::new(1);
    let mut pool = Pool::new(1);
    pool.queues = queues;
    let [first, second, third] = [0; 3].map(|_| pool.add(10 * MICRO, 0));
    let (worker, _) = &pool.workers[0];
    let take = || pool.queues.take(worker).unwrap().1;
    pool.queues.push_own(worker, first.clone());
    assert!(!pool.queues.board.waits_with(0), "it need not be seen by others");
    assert!(Arc::ptr_eq(&take(), &first));
    worker.set_now(50 * MICRO);
    first.pace.end_turn(50 * MICRO, false);
    // Two that have had nothing come before one that has just run; in the order in which they came.
    pool.queues.push(0, second.clone());
    pool.queues.push(0, third.clone());
    pool.queues.push_own(worker, first.clone());
    for expected in [&second, &third, &first] {
        assert!(Arc::ptr_eq(&take(), expected));
    }
    assert!(pool.queues.take(worker).is_none());
}

#[test]
fn a_short_turn_whose_thread_was_kept_from_its_core_stays_one() {
    let mut pool = Pool::new(1);
    let [short, other] = [0; 2].map(|_| pool.add(10 * MICRO, 0));
    let (worker, _) = &pool.workers[0];
    pool.queues.push(0, short.clone());
    pool.queues.take(worker).unwrap();
    pool.queues.push(0, other);
    assert!(!short.pace.yields_at(5 * MILLI), "the first look comes as soon as it runs again");
    assert!(short.pace.yields_at(6 * MILLI), "it has run for a tick since then");
    short.pace.end_turn(6 * MILLI, false);
    assert_eq!(short.pace.stand().class, Class::Short);
    short.pace.end_turn(12 * MILLI, false);
    assert_eq!(short.pace.stand().class, Class::Long);
}

#[test]
fn what_one_makes_ready_waits_while_long_turns_are_paid() {
    let mut pool = Pool::new(1);
    let [short, long] = [0; 2].map(|_| pool.add(10 * MICRO, 0));
    long.pace.begin_on_caller(0);
    long.pace.end_turn(5 * MILLI, false);
    long.pace.end_turn(10 * MILLI, false);
    let (worker, _) = &pool.workers[0];
    pool.queues.push(0, long.clone());
    for _ in 0..25 {
        pool.queues.settle(worker, Class::Short, MILLI);
    }
    pool.queues.push_own(worker, short);
    let (class, first) = pool.queues.take(worker).unwrap();
    assert!(class == Class::Long && Arc::ptr_eq(&first, &long));
}

#[test]
fn what_one_makes_ready_comes_first_where_it_is_first_also_when_others_are_looked_at() {
    let mut pool = Pool::new(2);
    let [first, later] = [0; 2].map(|_| pool.add(10 * MICRO, 0));
    later.pace.begin_on_caller(0);
    later.pace.end_turn(500 * MICRO, false);
    let (worker, _) = &pool.workers[0];
    worker.set_now(SECOND);
    pool.queues.push(0, later.clone());
    pool.queues.push_own(worker, first.clone());
    for expected in [first, later] {
        assert!(Arc::ptr_eq(&pool.queues.take(worker).unwrap().1, &expected));
    }
}

#[test]
fn a_worker_of_many_that_has_nothing_looks_at_all_others() {
    let mut pool = Pool::new(100);
    let fake = pool.add(10 * MICRO, 0);
    for other in 0..99 {
        pool.queues.push(other, fake.clone());
        assert!(pool.queues.take(&pool.workers[99].0).is_some(), "it does not look at {other}");
    }
}

#[test]
fn between_two_turns_an_agent_makes_room_for_who_had_less() {
    let mut pool = Pool::new(1);
    let [busy, other] = [0; 2].map(|_| pool.add(10 * MICRO, 0));
    let (worker, _) = &pool.workers[0];
    pool.queues.push(0, busy.clone());
    pool.queues.take(worker).unwrap();
    pool.queues.push_own(worker, other);
    let mut now = 0;
    let goes_on = loop {
        now += 10 * MICRO;
        busy.pace.end_turn(now, false);
        let stand = busy.pace.stand();
        if pool.queues.comes_before(worker, stand) {
            break now;
        }
        busy.pace.go_on(stand);
        assert!(now < MILLI, "it goes on for ever");
    };
    assert!((20 * MICRO..=50 * MICRO).contains(&goes_on), "{goes_on}");
}

/// An item whose slice ends when the test says so.
struct Stuck {
    pace: Pace,
    began: AtomicU64,
    ends: Mutex<mpsc::Receiver<()>>,
}

impl Runnable for Arc<Stuck> {
    fn pace(&self) -> &Pace {
        &self.pace
    }

    fn run(self, _lane: Lane<'_, Self>) {
        self.began.fetch_add(1, Ordering::Relaxed);
        let _ = self.ends.lock().recv();
    }

    fn leave(&self) -> bool {
        false
    }
}

#[test]
fn who_waits_for_workers_waits_no_longer_than_they_said() {
    let scheduler = Arc::new(Scheduler::new(2));
    let io = tokio::runtime::Builder::new_current_thread().build().unwrap();
    scheduler.start(&Engine::lease(None).unwrap(), io.handle()).unwrap();
    let (end, ends) = mpsc::channel();
    let pace = Pace::new(CpuAccount::new(100), scheduler.board().clone(), Duration::from_secs(1));
    let stuck = Arc::new(Stuck { pace, began: AtomicU64::new(0), ends: Mutex::new(ends) });
    for _ in 0..3 {
        scheduler.push(stuck.clone(), Lane::outside());
    }
    while stuck.began.load(Ordering::Relaxed) < 2 {
        std::thread::yield_now();
    }
    scheduler.stop();
    scheduler.join(monotonic());
    // The one that waited is dropped, and those that run end by themselves.
    assert_eq!((*scheduler.working.lock(), Arc::strong_count(&stuck)), (2, 3));
    drop(end);
    let mut working = scheduler.working.lock();
    while *working > 0 {
        scheduler.one_ended.wait(&mut working);
    }
    drop(working);
    assert_eq!(Arc::strong_count(&stuck), 1);
}
