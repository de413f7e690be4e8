//! Modules that nobody's compiler made.
#![no_main]

use caxton::blocking::block_on;
use caxton::{Deploy, ErrorKind, Limits, Wasm};
use caxton_fuzz::{check_alive, runtime};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(found) = caxton::inspect(bytes) else { return };
    let mut limits = Limits::default();
    limits.max_execution_time_micros = Some(20_000);
    let deploy = Deploy::new(Wasm::bytes(bytes)).name("a").limits(limits);
    match block_on(runtime().deploy(deploy)) {
        Ok(agent) => {
            assert!(found.missing.is_empty(), "{:?}", found.missing);
            block_on(agent.send(&"hello")).expect("its mailbox is empty");
            block_on(agent.remove()).expect("it is there");
        }
        Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{error}"),
    }
    check_alive();
});
