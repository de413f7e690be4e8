//! What a guest's calls of WASI cost, and what they may make the host keep.

use std::path::Path;

use caxton::{Access, Agent, Deploy, Folder as Granted, Grants, Limits, Runtime};

use crate::store::Folder;
use crate::support::*;

const IMPORTS: &str = r#"
    (import "wasi_snapshot_preview1" "fd_read"
        (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pwrite"
        (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
        (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_get"
        (func $fd_fdstat_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_rename"
        (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get"
        (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get"
        (func $random (param i32 i32) (result i32)))"#;

/// The most bytes that one call reads or writes.
const PIECE: u32 = 256 << 10;

const BAD_COUNT: u32 = 28;
const QUOTA: u32 = 19;
const TOO_MANY_OPEN: u32 = 33;
const TOO_LONG: u32 = 37;
const NO_MEMORY: u32 = 48;

/// An agent of so many pages that may use `folder` and runs this code, with some buffers at the beginning of its
/// memory: at 0 one of all of it, at 8 one of two gigabytes, at 16 one of eight bytes at 64, at 32 the name of a file.
fn guest(pages: u32, code: &str, folder: &Path) -> Deploy {
    let mut grants = Grants::default();
    grants.dirs = vec![Granted::new("/data", folder, Access::ReadWrite)];
    let all = pages << 16;
    Deploy::bytes(
        format!(
            "(module {IMPORTS}
             (memory (export \"memory\") {pages})
             (data (i32.const 32) \"file\")
             (func $is (param i32 i32)
               (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
             (func (export \"handle_message\") (param i32 i32) (result i32)
               (local $n i32)
               (i32.store (i32.const 4) (i32.const {all}))
               (i32.store (i32.const 8) (i32.const 64)) (i32.store (i32.const 12) (i32.const 0x7fffffff))
               (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 8))
               {code} (i32.const 0)))"
        )
        .into_bytes(),
    )
    .grants(grants)
}

/// Opens the file for reading and writing; it is made where there is none. Its number is at 128.
const OPEN: &str = "(call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4)
    (i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 128))";

fn is(call: &str, errno: u32) -> String {
    format!("(call $is {call} (i32.const {errno}))\n")
}

/// Lets the agent have one turn, which is to end well.
fn run(runtime: &Runtime, name: &str, deployment: Deploy) -> Agent {
    let agent = deploy(runtime, name, deployment);
    turn(&agent);
    agent
}

fn turn(agent: &Agent) {
    let before = agent.stats().turns;
    wait(agent.send(&())).unwrap();
    until("it has had its turn", || {
        let stats = agent.stats();
        if stats.dropped_turns > 0 {
            until("its log says why", || log_has(agent, "a turn was dropped"));
            panic!("{:?}", agent.logs());
        }
        stats.turns > before
    });
}

fn unlimited() -> Limits {
    let mut limits = patient();
    limits.max_turn_work = None;
    limits
}

#[test]
fn what_is_asked_of_the_host_at_once_is_paid_for_or_refused() {
    let (runtime, folder) = (runtime(2), Folder::new());
    let fd = "(i32.load (i32.const 128))";
    let read =
        |iovs: u32| format!("(call $fd_read {fd} (i32.const {iovs}) (i32.const 1) (i32.const 96))");
    let write = |iovs: u32| {
        format!("(call $fd_write {fd} (i32.const {iovs}) (i32.const 1) (i32.const 96))")
    };
    let pwrite =
        format!("(call $fd_pwrite {fd} (i32.const 8) (i32.const 1) (i64.const 0) (i32.const 96))");
    let many_buffers =
        format!("(call $fd_read {fd} (i32.const 0) (i32.const 1000000) (i32.const 96))");
    let to_stdout = "(call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 96))";
    let long_path =
        "(call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 0x7fffffff)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 128))";
    let rename = "(call $path_rename (i32.const 3) (i32.const 32) (i32.const 4)
        (i32.const 3) (i32.const 32) (i32.const 5000))";
    let poll = "(call $poll (i32.const 4096) (i32.const 4096) (i32.const 1000000) (i32.const 96))";
    let paid = [
        is(OPEN, 0),
        is(&write(16), 0),
        // Of a long buffer a piece is read or written at once, and its length is the guest's again.
        is(&write(8), 0),
        is("(i32.load (i32.const 96))", PIECE),
        is("(i32.load (i32.const 12))", 0x7fff_ffff),
        is(&pwrite, 0),
        is(&read(8), 0),
        is(to_stdout, 0),
        is("(i32.load (i32.const 96))", PIECE),
        is(&many_buffers, BAD_COUNT),
        is(long_path, TOO_LONG),
        is(rename, TOO_LONG),
        is(poll, QUOTA),
        is("(call $random (i32.const 0) (i32.const 0x3000000))", QUOTA),
        format!("(loop $again (br_if $again (i32.eqz {})))", read(8)),
        is(&read(8), QUOTA),
        is(&write(8), QUOTA),
        is(&pwrite, QUOTA),
        is(to_stdout, QUOTA),
    ];
    let agent = run(&runtime, "paid", guest(768, &paid.concat(), &folder.0));
    assert_eq!(agent.stats().refused_work, 7);
    let refused = [
        is(OPEN, 0),
        is(&read(8), NO_MEMORY),
        is(&write(8), NO_MEMORY),
        is(&pwrite, NO_MEMORY),
        is(&many_buffers, BAD_COUNT),
        is(poll, NO_MEMORY),
        // All of its memory is its own.
        is("(call $random (i32.const 256) (i32.const 0x2ff0000))", 0),
    ];
    let mut little = unlimited();
    little.max_host_bytes = 100_000;
    let agent = run(&runtime, "refused", guest(768, &refused.concat(), &folder.0).limits(little));
    assert!(log_has(&agent, "max_host_bytes"));
    wait(agent.remove()).unwrap();
    assert_eq!(agent.stats().host_bytes, 0);
}

#[test]
fn as_much_as_may_be_open_is_open_and_one_more_is_an_error() {
    let (runtime, folder) = (runtime(1), Folder::new());
    let code = format!(
        "(loop $again
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.eqz {OPEN})))
         (call $is {OPEN} (i32.const {TOO_MANY_OPEN}))
         (if (i32.lt_u (local.get $n) (i32.const 64)) (then unreachable))
         (if (i32.gt_u (local.get $n) (i32.const 100)) (then unreachable))
         (drop (call $fd_close (i32.load (i32.const 128))))
         (call $is {OPEN} (i32.const 0))"
    );
    let agent = run(&runtime, "a", guest(1, &code, &folder.0).limits(unlimited()));
    assert!(log_has(&agent, "as much open"));
    let open = agent.stats().host_bytes;
    assert!(open > 0, "what is open is kept for it");
    wait(agent.remove()).unwrap();
    assert_eq!(agent.stats().host_bytes, 0);
}

#[test]
fn listing_a_folder_costs_what_is_in_it() {
    let (runtime, folder) = (runtime(1), Folder::new());
    for number in 0..2000 {
        std::fs::write(folder.0.join(format!("{number}")), "").unwrap();
    }
    let list = "(call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (i64.const 0) (i32.const 96))";
    let agent = run(&runtime, "a", guest(1, &is(list, 0), &folder.0).limits(patient()));
    let work = agent.stats().work;
    assert!((4000..4100).contains(&work), "{work} units");
    let mut few = patient();
    few.max_turn_work = Some(1000);
    let twice = format!("{}{}", is(list, QUOTA), is(list, QUOTA));
    let agent = run(&runtime, "b", guest(1, &twice, &folder.0).limits(few));
    // What was counted is paid for, though the list was refused, and the second call counts nothing.
    assert_eq!((agent.stats().work, agent.stats().refused_work), (1000, 2));
    let mut little = patient();
    little.max_host_bytes = 100_000;
    run(&runtime, "c", guest(1, &is(list, NO_MEMORY), &folder.0).limits(little));
}

/// Links of long texts, each of which leads to the next, from `10` to the file `49`.
fn chain(folder: &Folder) {
    std::fs::create_dir_all(folder.0.join("a/a")).unwrap();
    for link in 10..49 {
        let text = format!("{}{}", "a/../".repeat(800), link + 1);
        std::os::unix::fs::symlink(text, folder.0.join(link.to_string())).unwrap();
    }
    std::fs::write(folder.0.join("49"), "").unwrap();
}

#[test]
fn the_time_of_a_call_for_files_is_the_agents() {
    let (runtime, folder) = (runtime(1), Folder::new());
    chain(&folder);
    let code = |path: &str| {
        format!(
            "(i32.store16 (i32.const 256) (i32.const {}))
             (local.set $n (i32.const 20))
             (loop $again
               {}
               (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))",
            u16::from_le_bytes(path.as_bytes().try_into().unwrap()),
            is(
                "(call $stat (i32.const 3) (i32.const 1) (i32.const 256) (i32.const 2) (i32.const 512))",
                0
            )
        )
    };
    let cpu = |name: &str, path: &str| {
        let agent = deploy(&runtime, name, guest(1, &code(path), &folder.0).limits(patient()));
        turn(&agent);
        let before = agent.stats();
        turn(&agent);
        agent.stats().cpu_micros - before.cpu_micros
    };
    let (short, long) = (cpu("short", "49"), cpu("long", "10"));
    assert!(long > short + 20_000, "{short} and {long} microseconds");
}

#[test]
fn lines_through_standard_output_are_cheap_once_they_are_not_kept() {
    let (runtime, folder) = (runtime(1), Folder::new());
    // Forty million empty lines, of which each write takes a piece.
    let code = format!(
        "(memory.fill (i32.const 65536) (i32.const 10) (i32.const 4000000))
         (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 4000000))
         (loop $again
           {}
           (local.set $n (i32.add (local.get $n) (i32.load (i32.const 96))))
           (br_if $again (i32.lt_u (local.get $n) (i32.const 40000000))))",
        is("(call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 96))", 0)
    );
    let agent = run(&runtime, "a", guest(64, &code, &folder.0));
    let kept = agent.logs().len();
    assert!(kept > 1000, "{kept} lines are kept");
    let lines = 40_000_000_u64.next_multiple_of(PIECE.into());
    assert_eq!(agent.stats().log_lines_dropped + 64 * 1024, lines);
}

/// A component that waits for as many clocks as it can have, and reads from streams of a file.
const MANY_POLLABLES: &str = r#"(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "pollable" (type $q (eq $p)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $libc
    (memory (export "memory") 100)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $libc (instantiate $libc))
  (core func $clock (canon lower (func $clock "subscribe-duration")))
  (core func $poll (canon lower (func $poll "poll")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core func $random (canon lower (func $random "get-random-bytes")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "host" "clock" (func $clock (param i64) (result i32)))
    (import "host" "poll" (func $poll (param i32 i32 i32)))
    (import "host" "random" (func $random (param i64 i32)))
    (func (export "handle") (param i32 i32) (result i32) (local $n i32)
      {code}
      (i32.const 0)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "clock" (func $clock)) (export "poll" (func $poll)) (export "random" (func $random))))))
  (func (export "handle-message") (param "message" string) (result s32)
    (canon lift (core func $i "handle") (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")))))"#;

#[test]
fn a_component_gets_no_more_than_its_places_and_no_more_than_it_pays_for() {
    let runtime = runtime(1);
    let component = |code: &str| Deploy::bytes(MANY_POLLABLES.replace("{code}", code).into_bytes());
    let dropped = |name: &str, code: &str, why: &str| {
        let agent = deploy(&runtime, name, component(code).limits(patient()));
        wait(agent.send(&())).unwrap();
        until("its turn is dropped", || agent.stats().dropped_turns == 1);
        until("its log says why", || log_has(&agent, "a turn was dropped"));
        assert!(log_has(&agent, why), "{:?}", agent.logs());
    };
    dropped(
        "clocks",
        "(loop $again (drop (call $clock (i64.const 1000000000))) (br $again))",
        "no free keys",
    );
    // The same one, a million times; more than may be lifted; more than may be polled.
    let fill = "(local.set $n (call $clock (i64.const 1)))
        (memory.fill (i32.const 8192) (i32.const 0) (i32.const 6000000))
        (i32.store (i32.const 8192) (local.get $n))
        (memory.copy (i32.const 8196) (i32.const 8192) (i32.const 4))";
    let all = format!(
        "{fill} (local.set $n (i32.const 8192))
         (loop $again
           (i32.store (local.get $n) (i32.load (i32.const 8192)))
           (local.set $n (i32.add (local.get $n) (i32.const 4)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const 6000000))))"
    );
    dropped(
        "polls",
        &format!("{all} (call $poll (i32.const 8192) (i32.const 5000) (i32.const 16))"),
        "1024 is the most",
    );
    dropped(
        "lifts",
        &format!("{all} (call $poll (i32.const 8192) (i32.const 1400000) (i32.const 16))"),
        "a turn was dropped",
    );
    dropped("random", "(call $random (i64.const 0x7fffffffffff) (i32.const 16))", "max_turn_work");
    let agent =
        run(&runtime, "some", component("(call $random (i64.const 1000000) (i32.const 16))"));
    assert!(agent.stats().work >= 5800);
    wait(agent.remove()).unwrap();
    assert_eq!(agent.stats().host_bytes, 0);
}
