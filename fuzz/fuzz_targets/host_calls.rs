//! Every host function, with any arguments, from within a guest.
#![no_main]

use arbitrary::Arbitrary;
use caxton::blocking::block_on;
use caxton_fuzz::{Step, check_alive, deploy_hasty, run, runtime};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Program {
    steps: Vec<(u8, u8, [Arg; 4])>,
    texts: String,
}

/// Numbers as they matter: small ones, those around the ends of what is there, and any.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Arg {
    Small(u8),
    Offset(u16),
    Negative(u8),
    NearEnd(u8),
    Any(i64),
}

impl Arg {
    fn value(self) -> i64 {
        match self {
            Arg::Small(value) => i64::from(value),
            Arg::Offset(value) => i64::from(value),
            Arg::Negative(value) => -1 - i64::from(value),
            Arg::NearEnd(value) => (2 << 16) - 128 + i64::from(value),
            Arg::Any(value) => value,
        }
    }
}

fuzz_target!(|program: Program| {
    let agent = deploy_hasty(runtime(), "a");
    let steps: Vec<Step> = program
        .steps
        .iter()
        .take(200)
        .map(|(call, relative, args)| Step {
            call: *call,
            relative: *relative,
            args: args.map(Arg::value),
        })
        .collect();
    drop(run(runtime(), "a", &steps, &program.texts));
    drop(run(runtime(), "a", &[], ""));
    assert!(agent.stats().stored_bytes <= agent.limits().max_storage_bytes);
    block_on(agent.remove()).expect("it is there");
    check_alive();
});
