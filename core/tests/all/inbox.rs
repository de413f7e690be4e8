//! How messages get into a guest, whatever its memory is like.

use crate::support::*;

/// Texts of a message below the limit of a megabyte, in the order in which they are sent.
const SIZES: [usize; 9] = [1_000_000, 10, 300_000, 70_000, 3000, 500_000, 100, 1_000_000, 1];

#[test]
fn messages_of_every_size_reach_every_agent() {
    let runtime = runtime(1);
    for name in ["rust", "rust-wasi", "rust-bindgen", "assemblyscript", "go", "c"] {
        let agent = deploy(&runtime, name, built(name));
        for size in SIZES {
            assert!(uppercase(&agent, &"x".repeat(size)) == "X".repeat(size), "{name}: {size}");
        }
    }
    wait(runtime.close());
}

#[test]
fn the_first_message_may_be_of_any_size() {
    let runtime = runtime(1);
    for name in ["rust-wasi", "assemblyscript", "c"] {
        for size in [1, 1000, 20_000, 60_000, 130_000, 300_000, 600_000, 1_000_000] {
            let agent = deploy(&runtime, &format!("{name}-{size}"), built(name));
            assert!(uppercase(&agent, &"x".repeat(size)) == "X".repeat(size), "{name}: {size}");
            assert_eq!(agent.stats().dropped_turns, 0, "{name}: {size}");
        }
    }
    wait(runtime.close());
}

#[test]
fn thousands_of_messages_leave_the_guest_whole() {
    let runtime = runtime(1);
    for name in ["assemblyscript", "rust-wasi"] {
        let agent = deploy(&runtime, name, built(name));
        for number in 0..4000 {
            let text = "x".repeat(number % 97 * 11);
            assert_eq!(uppercase(&agent, &text), text.to_uppercase());
        }
        assert_eq!(agent.stats().dropped_turns, 0);
        assert!(agent.stats().memory_bytes < 16 << 20);
    }
    wait(runtime.close());
}
