use super::super::super::posting::{Commit, Parts};
use super::super::super::writer::Step;
use super::*;

const KIB: usize = 1 << 10;

fn serial(number: u64) -> Serial {
    Serial::from(number)
}

/// Puts `count` commits of `bytes` into a queue.
fn fill(queues: &mut Queues, of: u64, count: usize, bytes: usize) {
    for _ in 0..count {
        let entry = Box::new(Entry::of(Commit::of(serial(of)), Parts::default(), bytes));
        let queue = queues.open(serial(of));
        queue.bytes += bytes;
        queue.entries.push_back(entry);
        queues.list(serial(of));
    }
}

/// Number of commits of a batch that are of these queues.
fn taken(batch: &[Step], of: std::ops::Range<u64>) -> usize {
    batch.iter().filter(|step| of.clone().any(|number| step.queue() == serial(number))).count()
}

#[test]
fn a_family_takes_one_turn_however_many_it_has() {
    let mut queues = Queues::default();
    for child in 100..600 {
        queues.join_family(serial(child), serial(1));
        fill(&mut queues, child, 2, 32 * KIB);
    }
    fill(&mut queues, 2, 1, KIB);
    let batch = queues.next_batch();
    assert_eq!(taken(&batch, 100..600), 8);
    assert_eq!(taken(&batch, 2..3), 1);
}

#[test]
fn those_of_a_family_take_their_turns_and_all_is_written_in_order() {
    let mut queues = Queues::default();
    queues.join_family(serial(10), serial(1));
    // Whom a child has deployed is of the same family.
    queues.join_family(serial(11), serial(10));
    queues.join_family(serial(12), serial(11));
    for child in 10..13 {
        fill(&mut queues, child, 3, 128 * KIB);
    }
    let mut batches = Vec::new();
    loop {
        let batch = queues.next_batch();
        if batch.is_empty() {
            break;
        }
        batches.push(batch.iter().map(Step::queue).collect::<Vec<_>>());
    }
    assert_eq!(batches.len(), 5, "256 KiB each: {batches:?}");
    for child in 10..13 {
        let of = batches.iter().flatten().filter(|queue| **queue == serial(child)).count();
        assert_eq!(of, 3, "{batches:?}");
    }
    let first: Vec<_> = batches.iter().flatten().take(6).copied().collect();
    for child in 10..13 {
        assert!(first.contains(&serial(child)), "none waits for all of another one's: {batches:?}");
    }
    assert!(queues.lines.is_empty() && queues.waiting() == 0);
}

#[test]
fn a_batch_that_is_full_goes_on_with_whose_turn_it_was() {
    let mut queues = Queues::default();
    for agent in 1..6 {
        fill(&mut queues, agent, 2, 256 * KIB);
    }
    let order = |batch: Vec<Step>| batch.iter().map(Step::queue).collect::<Vec<_>>();
    assert_eq!(order(queues.next_batch()), [1, 2, 3, 4].map(serial));
    assert_eq!(order(queues.next_batch()), [5, 1, 2, 3].map(serial));
    assert_eq!(order(queues.next_batch()), [4, 5].map(serial));
}

#[test]
fn who_leaves_a_family_takes_turns_of_its_own() {
    let mut queues = Queues::default();
    for child in 10..12 {
        queues.join_family(serial(child), serial(1));
    }
    let fill_both = |queues: &mut Queues| (10..12).for_each(|it| fill(queues, it, 1, 256 * KIB));
    fill_both(&mut queues);
    assert_eq!(queues.next_batch().len(), 1);
    assert_eq!(queues.next_batch().len(), 1);
    queues.leave_family(serial(11));
    fill_both(&mut queues);
    assert_eq!(queues.next_batch().len(), 2);
}

#[test]
fn who_writes_little_does_not_wait_for_all_that_write_much() {
    let mut queues = Queues::default();
    for busy in 1..=20 {
        fill(&mut queues, busy, 80, 900 * KIB);
    }
    // Until each has had a turn, and more.
    for _ in 0..45 {
        queues.next_batch();
    }
    // Again and again, as soon as the last is written.
    for _ in 0..30 {
        fill(&mut queues, 100, 1, KIB);
        assert_eq!(taken(&queues.next_batch(), 100..101), 1);
    }
    // Whoever writes much waits for all of them.
    fill(&mut queues, 200, 2, 256 * KIB);
    assert!((0..2).map(|_| taken(&queues.next_batch(), 200..201)).sum::<usize>() == 1);
    assert!(!(0..15).any(|_| taken(&queues.next_batch(), 200..201) > 0));
}

#[test]
fn who_writes_much_has_turns_however_many_write_little() {
    let mut queues = Queues::default();
    fill(&mut queues, 1, 40, 900 * KIB);
    queues.next_batch();
    let mut of_busy = 0;
    for _ in 0..40 {
        for light in 100..400 {
            fill(&mut queues, light, 1, 8 * KIB);
        }
        of_busy += taken(&queues.next_batch(), 1..2);
    }
    assert!((5..=40).contains(&of_busy), "{of_busy}");
}

#[test]
fn what_was_written_is_forgotten_when_nobody_waits() {
    let mut queues = Queues::default();
    for agent in 1..5000 {
        fill(&mut queues, agent, 1, KIB);
        while !queues.next_batch().is_empty() {}
        queues.of.clear();
    }
    assert!(queues.written.is_empty() && queues.written.capacity() < 100);
}
