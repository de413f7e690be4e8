//! Timers: each that was set and not taken back comes due once.
#![no_main]
#![allow(clippy::disallowed_methods, reason = "it waits in real time")]

use arbitrary::Arbitrary;
use caxton::blocking::block_on;
use caxton_fuzz::{CALLS, Step, deploy, run, runtime, timers_in};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
enum Act {
    /// Sets a timer, so many microseconds ahead.
    Set(u16),
    /// Takes back the timer with this number, which may be none.
    Cancel(u8),
    /// Lets the turn end here.
    Turn,
}

fuzz_target!(|acts: Vec<Act>| {
    let agent = deploy(runtime(), "a");
    let place = |name: &str| {
        CALLS.iter().position(|(call, ..)| *call == name).expect("it is one of them") as u8
    };
    let (set, cancel) = (place("set_timer"), place("cancel_timer"));
    let mut handled = 0;
    for turn in acts.iter().take(300).collect::<Vec<_>>().split(|act| matches!(act, Act::Turn)) {
        let steps: Vec<Step> = turn
            .iter()
            .map(|act| match act {
                Act::Set(ahead) => (set, i64::from(*ahead) % 2_000),
                Act::Cancel(id) => (cancel, i64::from(*id)),
                Act::Turn => unreachable!("turns are split there"),
            })
            .map(|(call, first)| Step { call, relative: 0, args: [first, 0, 0, 0] })
            .collect();
        handled += timers_in(&run(runtime(), "a", &steps, ""));
    }
    // Numbers are given in order, so which are left is known; some that were taken back were handled
    // before that.
    let (mut given, mut taken) = (0u32, std::collections::BTreeSet::new());
    for act in acts.iter().take(300) {
        match act {
            Act::Set(_) => given += 1,
            Act::Cancel(id) if (1..=given).contains(&u32::from(*id)) => {
                taken.insert(*id);
            }
            Act::Cancel(_) | Act::Turn => {}
        }
    }
    let least = given - taken.len() as u32;
    let begun = std::time::Instant::now();
    while handled < least {
        assert!(begun.elapsed().as_secs() < 20, "{handled} of {least} timers came due");
        handled += timers_in(&run(runtime(), "a", &[], ""));
    }
    assert!(handled <= given, "{handled} timers came due, and {given} were set");
    block_on(agent.remove()).expect("it is there");
});
