//! Disks that fail: what was acknowledged stays, what failed never happened, and agents go on as soon
//! as there is room again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use caxton::{
    Agent, AgentState, Deploy, Durability, Error, ErrorKind, Limits, LogLevel, LogLine, Point,
    Register, Reply, Runtime, inspect_store,
};

use crate::child;
use crate::store::{Folder, count, counter, open, send};
use crate::support::{agent, until, wait};

const AGENTS: usize = 4;

fn name_of(number: usize) -> String {
    format!("a{number}")
}

fn deploy_all(runtime: &Runtime) {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    for number in 0..AGENTS {
        let deploy = counter().name(name_of(number)).limits(limits.clone());
        wait(runtime.deploy(deploy)).unwrap();
    }
}

/// An error of the store that says what to do.
fn is_of_store(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    let says = ["check that it works and has room", "make room and try again", "was taken back"];
    assert!(says.iter().any(|part| error.message().contains(part)), "{error}");
}

/// Checks that each agent has counted as often as was acknowledged; asking counts too. Of a write that
/// failed a moment ago an agent may learn only now, which takes one more turn of it back.
fn check(runtime: &Runtime, acknowledged: &mut [u64]) {
    for (number, expected) in acknowledged.iter_mut().enumerate() {
        *expected += 1;
        let name = name_of(number);
        let counted = count(runtime, &name).or_else(|error| {
            is_of_store(&error);
            count(runtime, &name)
        });
        assert_eq!(counted.unwrap(), *expected, "agent {number}");
    }
}

/// Sends, asks, deploys and removes; adds what was acknowledged.
fn work(runtime: &Runtime, acknowledged: &mut [u64], content: &str) -> usize {
    let mut failed = 0;
    for (number, counted) in acknowledged.iter_mut().enumerate() {
        let name = name_of(number);
        for outcome in [
            send(runtime, &name, content),
            count(runtime, &name).map(drop),
            send(runtime, &name, content),
        ] {
            match outcome {
                Ok(()) => *counted += 1,
                Err(error) => {
                    is_of_store(&error);
                    failed += 1;
                }
            }
        }
    }
    failed
}

#[test]
fn a_disk_that_fails_now_and_then_loses_nothing_that_was_acknowledged() {
    for point in [Point::Begun, Point::Changed, Point::BeforeCommit, Point::Committed] {
        let folder = Folder::new();
        let (commits, breaks) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
        let may_break = breaks.clone();
        let hook = Arc::new(move |at| {
            // Two of five attempts fail.
            let fails = at == point && commits.fetch_add(1, Ordering::SeqCst) % 5 < 2;
            match fails && may_break.load(Ordering::SeqCst) {
                true => Err(std::io::Error::other("the disk is broken")),
                false => Ok(()),
            }
        });
        let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
        deploy_all(&runtime);
        let mut acknowledged = [0; AGENTS];
        breaks.store(true, Ordering::SeqCst);
        let failed: usize = (0..6).map(|_| work(&runtime, &mut acknowledged, "Q")).sum();
        // What is on disk is acknowledged, whatever comes after that.
        assert_eq!(failed > 0, point != Point::Committed, "{point:?}: {failed} failed");
        breaks.store(false, Ordering::SeqCst);
        check(&runtime, &mut acknowledged);
        for agent in runtime.agents() {
            assert_eq!(agent.stats().restarts, 0, "{:?}", agent.logs());
        }
        wait(runtime.close());
        let runtime = open(&folder.file());
        check(&runtime, &mut acknowledged);
        wait(runtime.close());
    }
}

#[test]
fn what_was_acknowledged_outlives_a_disk_that_stays_broken() {
    let folder = Folder::new();
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = broken.clone();
    let hook = Arc::new(move |_| match breaks.load(Ordering::SeqCst) {
        true => Err(std::io::Error::other("the disk is broken")),
        false => Ok(()),
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    deploy_all(&runtime);
    let mut acknowledged = [0; AGENTS];
    assert_eq!(work(&runtime, &mut acknowledged, "Q"), 0);
    broken.store(true, Ordering::SeqCst);
    assert_eq!(work(&runtime, &mut acknowledged, "Q"), 3 * AGENTS);
    is_of_store(&wait(runtime.deploy(counter().name("late"))).unwrap_err());
    let agent = runtime.agent_named("a0").unwrap();
    is_of_store(&wait(agent.suspend()).unwrap_err());
    assert_ne!(agent.state(), AgentState::Suspended);
    is_of_store(&wait(agent.remove()).unwrap_err());
    wait(runtime.close());
    let runtime = open(&folder.file());
    let names: Vec<String> = runtime.agents().iter().map(|agent| agent.name().to_owned()).collect();
    assert_eq!(names, (0..AGENTS).map(name_of).collect::<Vec<_>>());
    check(&runtime, &mut acknowledged);
    wait(runtime.close());
}

#[test]
fn a_removal_that_could_not_be_written_is_written_later() {
    let folder = Folder::new();
    let broken = Arc::new(AtomicBool::new(false));
    let (tries, commits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (breaks, tried, committed) = (broken.clone(), tries.clone(), commits.clone());
    let hook = Arc::new(move |at| {
        tried.fetch_add(u64::from(at == Point::Begun), Ordering::SeqCst);
        committed.fetch_add(u64::from(at == Point::Committed), Ordering::SeqCst);
        match breaks.load(Ordering::SeqCst) {
            true => Err(std::io::Error::other("the disk is broken")),
            false => Ok(()),
        }
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    deploy_all(&runtime);
    let host = runtime.register(Register::new("h", runtime.handler(|_| async { Reply::Nothing })));
    let host = host.unwrap();
    broken.store(true, Ordering::SeqCst);
    is_of_store(&wait(runtime.agent_named("a1").unwrap().remove()).unwrap_err());
    host.remove();
    let before = tries.load(Ordering::SeqCst);
    until("it is tried again", || tries.load(Ordering::SeqCst) > before + 2);
    let before = commits.load(Ordering::SeqCst);
    broken.store(false, Ordering::SeqCst);
    until("it is written", || commits.load(Ordering::SeqCst) > before);
    wait(runtime.close());
    let found = inspect_store(folder.file()).unwrap();
    let names: Vec<&str> = found.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["a0", "a2", "a3"]);
    assert!(found.host_agents.is_empty());
}

/// An agent that logs each message and timer, stores it, and sleeps then for as long as another
/// thread needs to see that. A message with a `T` in its content sets a timer of 1 ms.
fn noter() -> Deploy {
    let turn = "(drop (call $store {key} (local.get $ptr) (local.get $len)))
        (call $sleep (i64.const 100000))
        (i32.const 0)";
    let code = format!(
        r#"(func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            (local $at i32)
            (call $log (local.get $ptr) (local.get $len))
            (local.set $at (local.get $len))
            (loop $next
                (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                (if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (local.get $at))) (i32.const 84))
                    (then (drop (call $set_timer (i64.const 1000))))
                    (else (br_if $next (local.get $at)))))
            {turn})
        (func (export "handle_timer") (param $id i32) (result i32)
            (local $ptr i32) (local $len i32)
            (call $log {{timer}})
            {turn})
        (func (export "agent_shutdown")
            (call $log {{bye}})
            (call $sleep (i64.const 100000)))"#
    );
    agent(&code, &[("key", "last"), ("timer", "timer"), ("bye", "bye")])
}

/// What a [`noter`] has logged: the contents of its messages, and its timers.
fn noted(agent: &Agent) -> Vec<String> {
    let of_guest = |line: &LogLine| line.level == LogLevel::Info;
    let lines = agent.logs().into_iter().filter(of_guest);
    let text = |line: LogLine| match serde_json::from_str::<serde_json::Value>(&line.text) {
        Ok(message) => message["content"].as_str().unwrap().to_owned(),
        Err(_) => line.text,
    };
    lines.map(text).collect()
}

/// A runtime whose disk works, hangs or fails, and a [`noter`] in it.
struct Noting {
    folder: Folder,
    disk: Arc<AtomicU8>,
    runtime: Runtime,
    agent: Agent,
}

const WORKS: u8 = 0;
const HANGS: u8 = 1;
const FAILS: u8 = 2;

impl Noting {
    fn new() -> Self {
        let folder = Folder::new();
        let disk = Arc::new(AtomicU8::new(WORKS));
        let state = disk.clone();
        let hook = Arc::new(move |_| {
            while state.load(Ordering::SeqCst) == HANGS {
                std::thread::yield_now();
            }
            match state.load(Ordering::SeqCst) {
                WORKS => Ok(()),
                _ => Err(std::io::Error::other("the disk is broken")),
            }
        });
        let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
        let agent = wait(runtime.deploy(noter().name("a"))).unwrap();
        Noting { folder, disk, runtime, agent }
    }

    /// Sends `contents`, of which the disk cannot keep a turn: it fails once a second turn has begun,
    /// and works again when all is taken back.
    fn fail(&self, contents: &[&str], second: impl FnOnce() + Send) {
        wait(self.agent.suspend()).unwrap();
        for content in contents {
            send(&self.runtime, "a", content).unwrap();
        }
        self.disk.store(HANGS, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let resumed = scope.spawn(|| wait(self.agent.resume()));
            until("a turn has begun", || !noted(&self.agent).is_empty());
            scope.spawn(second);
            until("a second turn has begun", || noted(&self.agent).len() == 2);
            self.disk.store(FAILS, Ordering::SeqCst);
            is_of_store(&resumed.join().unwrap().unwrap_err());
            let taken_back = |line: &LogLine| line.text.contains("taken back");
            until("turns were taken back", || self.agent.logs().iter().any(taken_back));
            self.disk.store(WORKS, Ordering::SeqCst);
        });
    }
}

/// What a [`noter`] notes when the disk cannot keep the first turn of these messages; `expected` turns
/// once it can.
fn note_and_fail(contents: &[&str], expected: usize) -> Vec<String> {
    let noting = Noting::new();
    noting.fail(contents, || ());
    let Noting { runtime, agent, .. } = &noting;
    wait(agent.resume()).unwrap();
    until("all is handled again", || noted(agent).len() >= 2 + expected);
    // Timers and messages take turns: one that rang too often would be between these.
    send(runtime, "a", "end").unwrap();
    send(runtime, "a", "end").unwrap();
    until("that is the end", || noted(agent).iter().filter(|noted| *noted == "end").count() == 2);
    let noted = noted(agent);
    wait(runtime.close());
    noted
}

#[test]
fn what_is_handled_again_keeps_its_order() {
    let noted = note_and_fail(&["1", "2", "3"], 3);
    assert_eq!(noted, ["1", "2", "1", "2", "3", "end", "end"]);
}

#[test]
fn a_timer_of_a_turn_that_never_happened_does_not_ring() {
    let noted = note_and_fail(&["T"], 2);
    assert_eq!(noted, ["T", "timer", "T", "timer", "end", "end"]);
}

#[test]
fn an_agent_that_ends_while_its_turns_are_taken_back_is_gone_for_good() {
    let noting = Noting::new();
    let Noting { folder, runtime, agent, .. } = &noting;
    // Its own end may be what could not be written: then it is written later.
    noting.fail(&["1"], || drop(wait(agent.remove())));
    assert_eq!(noted(agent), ["1", "bye"]);
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert!(runtime.agents().is_empty());
    let dead = runtime.dead_letters();
    assert!(dead.iter().any(|letter| letter.message.content() == "\"1\""), "{dead:?}");
    wait(runtime.close());
}

/// Lets no file of this process grow beyond `bytes`; `None` lifts that.
fn limit_files(bytes: Option<u64>) {
    let limit = libc::rlimit {
        rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY),
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: both take plain values; writing beyond the limit fails in place of the signal.
    let done = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &limit)
    };
    assert_eq!(done, 0);
}

const FULL: &str = "store_faults::a_full_disk_fails_calls_and_nothing_else";

#[test]
fn a_full_disk_fails_calls_and_nothing_else() {
    if !child::is_here(FULL) {
        child::run(FULL, &[]);
        return;
    }
    for durability in [Durability::Full, Durability::Relaxed] {
        // Short writes end within a page, between two of them, and in the head of the log.
        for room in [0, 1, 5_000, 123_456, 700_001] {
            fill(room, durability);
        }
    }
}

fn fill(room: u64, durability: Durability) {
    let folder = Folder::new();
    let builder = || Runtime::builder().store(folder.file()).durability(durability);
    let runtime = builder().build().unwrap();
    deploy_all(&runtime);
    let mut acknowledged = [0; AGENTS];
    assert_eq!(work(&runtime, &mut acknowledged, "Q"), 0);
    let log = folder.0.join("agents.db-wal");
    let content = format!("Q{}", "-".repeat(9_000));
    for _ in 0..2 {
        limit_files(Some(size_of(&log) + room));
        let mut failed = 0;
        until("the disk is full", || {
            failed += work(&runtime, &mut acknowledged, &content);
            failed > 0
        });
        limit_files(None);
        check(&runtime, &mut acknowledged);
        assert_eq!(work(&runtime, &mut acknowledged, &content), 0);
    }
    // It is full when the program ends, too: the log cannot be copied into the file.
    limit_files(Some(4096));
    wait(runtime.close());
    limit_files(None);
    assert!(size_of(&log) > 0, "the log is gone");
    assert_eq!(inspect_store(folder.file()).unwrap().agents.len(), AGENTS);
    let runtime = builder().build().unwrap();
    check(&runtime, &mut acknowledged);
    wait(runtime.close());
    assert!(!log.exists());
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len())
}

const NO_ROOM: &str = "store_faults::a_store_for_which_there_is_no_room_is_refused";

#[test]
fn a_store_for_which_there_is_no_room_is_refused() {
    if !child::is_here(NO_ROOM) {
        child::run(NO_ROOM, &[]);
        return;
    }
    let folder = Folder::new();
    for room in [0, 100, 4096, 10_000] {
        let path: PathBuf = folder.0.join(format!("{room}.db"));
        limit_files(Some(room));
        let error = Runtime::builder().store(&path).build().unwrap_err();
        limit_files(None);
        is_of_store(&error);
        // Later there is room.
        wait(open(&path).close());
    }
}

/// True while no file of this process can be synced.
static NO_SYNC: AtomicBool = AtomicBool::new(false);

/// Stands in for the C library's function in this program, and so for SQLite.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: libc::c_int) -> libc::c_int {
    sync(libc::SYS_fdatasync, file)
}

#[unsafe(no_mangle)]
extern "C" fn fsync(file: libc::c_int) -> libc::c_int {
    sync(libc::SYS_fsync, file)
}

fn sync(call: libc::c_long, file: libc::c_int) -> libc::c_int {
    // SAFETY: the calls take a plain number; the place of the error is the thread's own.
    unsafe {
        if NO_SYNC.load(Ordering::SeqCst) {
            *libc::__errno_location() = libc::EIO;
            return -1;
        }
        libc::syscall(call, file) as libc::c_int
    }
}

const UNSYNCED: &str = "store_faults::what_could_not_be_synced_does_not_come_back_after_a_kill";

#[test]
fn what_could_not_be_synced_does_not_come_back_after_a_kill() {
    const FOLDER: &str = "CAXTON_TEST_FOLDER";
    if child::is_here(UNSYNCED) {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        let works_again = std::env::var_os("CAXTON_TEST_WORKS_AGAIN").is_some();
        let runtime = open(&folder.join("agents.db"));
        wait(runtime.deploy(counter().name("a"))).unwrap();
        for expected in 1..=3 {
            assert_eq!(count(&runtime, "a").unwrap(), expected);
        }
        NO_SYNC.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            is_of_store(&count(&runtime, "a").unwrap_err());
        }
        NO_SYNC.store(false, Ordering::SeqCst);
        if works_again {
            until("it is counted", || count(&runtime, "a").is_ok());
        }
        child::kill();
    }
    for works_again in [false, true] {
        let folder = Folder::new();
        let env = [(FOLDER, folder.0.to_str().unwrap()), ("CAXTON_TEST_WORKS_AGAIN", "1")];
        child::run_until_killed(UNSYNCED, &env[..1 + usize::from(works_again)]);
        let runtime = open(&folder.file());
        assert_eq!(count(&runtime, "a").unwrap(), 4 + u64::from(works_again));
        wait(runtime.close());
    }
}
