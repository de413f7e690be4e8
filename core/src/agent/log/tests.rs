#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

fn texts(ring: &LogRing) -> Vec<String> {
    ring.lines().into_iter().map(|line| line.text).collect()
}

fn write(ring: &Arc<LogRing>, voice: Voice, text: &str, account: &Arc<Account>) -> bool {
    ring.push(0, voice, Level::Info, text, account)
}

#[test]
fn the_oldest_lines_of_whoever_has_most_make_room_among_all_logs() {
    let logs = Arc::new(Logs::with_most(64 << 10));
    let [one, other] = [(); 2].map(|()| (LogRing::new(u64::MAX, &logs), Account::new(u64::MAX)));
    write(&one.0, Voice::Guest, "kept", &one.1);
    let long = "x".repeat(1000);
    for number in 0..200 {
        write(&other.0, Voice::Guest, &format!("{number} {long}"), &other.1);
        assert!(logs.bytes() <= 64 << 10, "{}", logs.bytes());
    }
    assert_eq!(texts(&one.0), ["kept"]);
    let left = texts(&other.0);
    assert!(left.len() > 40, "{} lines are left", left.len());
    assert!(left.last().unwrap().starts_with("199 "));
    assert!(left.first().unwrap().starts_with(&format!("{} ", 200 - left.len())));
    let kept: usize = left.iter().map(|text| weight(text)).sum();
    assert_eq!(other.1.bytes(), kept as u64);
}

#[test]
fn logs_that_one_account_pays_for_count_as_one() {
    let logs = Arc::new(Logs::with_most(64 << 10));
    let (many, one) = (Account::new(u64::MAX), Account::new(u64::MAX));
    let alone = LogRing::new(u64::MAX, &logs);
    for _ in 0..30 {
        write(&alone, Voice::Guest, &"x".repeat(1000), &one);
    }
    let rings: Vec<_> = (0..50).map(|_| LogRing::new(u64::MAX, &logs)).collect();
    for ring in &rings {
        write(ring, Voice::Guest, &"x".repeat(1000), &many);
    }
    let left: Vec<usize> = rings.iter().map(|ring| ring.lines().len()).collect();
    assert!(left.iter().sum::<usize>() < 32, "{left:?}");
    assert!(alone.lines().len() >= 28, "{}", alone.lines().len());
    // The oldest of them went.
    assert!(left.is_sorted(), "{left:?}");
    drop((rings, alone));
    assert_eq!((logs.bytes(), many.bytes(), one.bytes()), (0, 0, 0));
}

#[test]
fn what_the_runtime_says_stays_however_much_the_guest_writes() {
    let (logs, account) = (Arc::default(), Account::new(u64::MAX));
    let ring = LogRing::new(100, &logs);
    assert!(write(&ring, Voice::Guest, &"x".repeat(99), &account));
    assert!(!write(&ring, Voice::Guest, "more", &account));
    assert!(write(&ring, Voice::Host, "a remark", &account));
    assert!(!write(&ring, Voice::Host, &"x".repeat(5000), &account));
    assert!(write(&ring, Voice::Runtime, "a trap", &account));
    assert_eq!(ring.dropped(), 2);
    for _ in 0..20_000 {
        ring.begin_turn();
        write(&ring, Voice::Guest, &"y".repeat(99), &account);
    }
    assert!(texts(&ring).first().is_some_and(|first| first == "a trap"));
    assert!(account.bytes() <= RING_BYTES as u64);
    for number in 0..10_000 {
        write(&ring, Voice::Runtime, &format!("trap {number}"), &account);
    }
    let left = texts(&ring);
    assert!(left.iter().any(|text| text.starts_with('y')), "its lines have their share too");
    assert_eq!(left.last().unwrap(), "trap 9999");
}

#[test]
fn what_the_runtime_says_is_kept_on_a_full_account_too() {
    let (logs, account) = (Arc::default(), Account::new(1000));
    let full = account.try_charge(900);
    let ring = LogRing::new(u64::MAX, &logs);
    write(&ring, Voice::Guest, "x", &account);
    assert_eq!(texts(&ring), ["x"]);
    write(&ring, Voice::Runtime, &"a trap ".repeat(10_000), &account);
    let left = texts(&ring);
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with("a trap") && left[0].len() <= LONGEST_LINE);
    assert!(write(&ring, Voice::Guest, "x", &account));
    assert_eq!(texts(&ring), left, "what is written on a full account is dropped");
    drop((full, ring));
    assert_eq!(account.bytes(), 0);
}

#[test]
fn a_log_that_is_left_to_somebody_charges_its_agent_no_more() {
    let (logs, account, runtime) = (Arc::default(), Account::new(u64::MAX), Account::new(u64::MAX));
    let (written, empty) = (LogRing::new(u64::MAX, &logs), LogRing::new(u64::MAX, &logs));
    write(&written, Voice::Guest, "before", &account);
    let heir = Owner::gone(&runtime);
    for ring in [&written, &empty] {
        ring.leave_to(&heir);
        write(ring, Voice::Runtime, "after", &account);
    }
    assert_eq!(account.bytes(), 0);
    assert_eq!(texts(&written), ["before", "after"]);
    assert_eq!(texts(&empty), ["after"]);
    drop((written, empty));
    assert_eq!((runtime.bytes(), logs.bytes()), (0, 0));
}
