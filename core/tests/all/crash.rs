//! A process that is killed at any instant comes back with every turn done or not begun: twenty agents
//! hand tokens on and count them, and after each kill the counts are those of the tokens that were
//! acknowledged.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use caxton::{Deploy, Limits, Point, Runtime};
use serde_json::json;

use crate::support::{HANGS, content, draft, inform, module, wait};

const AGENTS: usize = 20;
/// How often a token is handed on, and counted.
const HOPS: usize = 5;
/// Threads that send tokens, each in its own part of the ring.
const SENDERS: usize = 4;
const KILLS: u64 = 240;
/// Every so many kills the process ends at a named point of a commit, else at any instant.
const AT_POINT: u64 = 4;
const SIGKILL: i32 = 9;

const FOLDER: &str = "CAXTON_CRASH_FOLDER";
const POINT: &str = "CAXTON_CRASH_POINT";
/// Says that a child checks what it finds, and ends.
const ONLY_CHECK: &str = "CAXTON_CRASH_CHECK";

#[test]
fn a_killed_process_comes_back_with_every_turn_done_or_not_begun() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return work(Path::new(&folder));
    }
    let folder = std::env::temp_dir().join(format!("caxton-crash-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for kill in 0..KILLS {
        let points = ["begun", "changed", "before", "committed"];
        let at_point = (kill % AT_POINT == 0).then(|| {
            let point = points[(kill / AT_POINT) as usize % points.len()];
            format!("{point} {}", random.below(40))
        });
        let mut child = start(&folder, at_point.as_deref(), false);
        if at_point.is_none() {
            // Half of them while the store is opened, half while tokens are on their way.
            if kill % 2 == 0 {
                wait_ready(&mut child);
            }
            std::thread::sleep(Duration::from_micros(random.below(60_000)));
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "kill {kill}, {at_point:?}: {status}");
    }
    let status = start(&folder, None, true).wait().unwrap();
    assert!(status.success(), "the last check: {status}");
    let tokens = Log::read(&folder).done.len();
    println!("{KILLS} kills, {tokens} tokens, {} messages", tokens * HOPS);
    assert!(tokens * HOPS >= 10_000, "only {tokens} tokens were sent");
    std::fs::remove_dir_all(folder).unwrap();
}

fn start(folder: &Path, point: Option<&str>, only_check: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = "crash::a_killed_process_comes_back_with_every_turn_done_or_not_begun";
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdout(Stdio::piped());
    if let Some(point) = point {
        command.env(POINT, point);
    }
    if only_check {
        command.env(ONLY_CHECK, "1");
    }
    command.spawn().unwrap()
}

/// Waits until the child has checked what it found, and sends.
fn wait_ready(child: &mut Child) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for line in lines {
        if line.unwrap().contains("ready") {
            return;
        }
    }
    panic!("a child ended before it was ready: {:?}", child.wait());
}

/// What a child does: opens the store, checks the counts, and sends tokens until it is killed.
fn work(folder: &Path) {
    let mut builder = Runtime::builder().store(folder.join("agents.db"));
    if let Ok(point) = std::env::var(POINT) {
        builder = builder.commit_hook(killer(&point));
    }
    let runtime = builder.build().unwrap();
    for number in 0..AGENTS {
        let name = name_of(number);
        if runtime.agent_named(&name).is_err() {
            wait(runtime.deploy(counter(number).name(name))).unwrap();
        }
    }
    let log = check(&runtime, folder);
    if std::env::var_os(ONLY_CHECK).is_some() {
        return wait(runtime.close());
    }
    println!("ready");
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (runtime, next) = (&runtime, log.next);
            scope.spawn(move || {
                for round in 0.. {
                    let token = next + round * SENDERS as u64 + sender as u64;
                    Log::write(folder, 's', token);
                    let to = name_of(begins_at(token));
                    wait(runtime.send(&inform(&to, "A"), Some(HANGS))).unwrap();
                    Log::write(folder, 'd', token);
                }
            });
        }
    });
}

/// Ends the process at the n-th time that a commit comes to a point.
pub fn killer(point: &str) -> Arc<dyn Fn(Point) -> std::io::Result<()> + Send + Sync> {
    let (name, times) = point.split_once(' ').unwrap();
    let point = match name {
        "begun" => Point::Begun,
        "changed" => Point::Changed,
        "before" => Point::BeforeCommit,
        _ => Point::Committed,
    };
    let left = AtomicU64::new(times.parse().unwrap());
    Arc::new(move |at| {
        if at == point
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err()
        {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-9", &me]).status().unwrap();
        }
        Ok(())
    })
}

/// Checks the counts of all agents against the tokens that were acknowledged. Those that were being
/// sent when the process was killed have been handed on all their way, or not at all.
fn check(runtime: &Runtime, folder: &Path) -> Log {
    let mut log = Log::read(folder);
    let mut counts = Vec::new();
    // What waited for an agent is handled before it is asked; a token goes one agent further with
    // each round.
    for _ in 0..=HOPS {
        counts = (0..AGENTS).map(|number| counted(runtime, number).0).collect();
    }
    let unknown: Vec<u64> =
        log.sent.iter().filter(|token| !log.done.contains(token)).copied().collect();
    assert!(unknown.len() <= SENDERS, "{unknown:?} are on their way");
    let happened = (0..1u32 << unknown.len())
        .map(|chosen| {
            let chosen = unknown.iter().enumerate().filter(move |(at, _)| chosen & (1 << at) != 0);
            chosen.map(|(_, token)| *token).collect::<Vec<_>>()
        })
        .find(|happened| expected(log.done.iter().chain(happened)) == counts);
    let Some(happened) = happened else {
        panic!(
            "counted {counts:?}, sent for sure {:?}, and perhaps {unknown:?}",
            expected(log.done.iter())
        );
    };
    let begun = Instant::now();
    for (number, count) in counts.iter().enumerate() {
        loop {
            let fired = counted(runtime, number).1;
            if fired == *count {
                break;
            }
            assert!(fired < *count, "a timer of {number} fired twice: {fired} of {count}");
            assert!(begun.elapsed() < HANGS, "a timer of {number} is lost: {fired} of {count}");
        }
    }
    for token in unknown {
        let kind = if happened.contains(&token) { 'd' } else { 'n' };
        Log::write(folder, kind, token);
        if kind == 'd' {
            log.done.push(token);
        }
    }
    log
}

/// How often each agent has to have counted.
fn expected<'a>(tokens: impl Iterator<Item = &'a u64>) -> Vec<u64> {
    let mut counts = vec![0; AGENTS];
    for token in tokens {
        for hop in 0..HOPS {
            counts[(begins_at(*token) + hop) % AGENTS] += 1;
        }
    }
    counts
}

/// Where a token begins. Each sender has a part of the ring, so that which of several tokens were
/// handed on can be told from the counts.
fn begins_at(token: u64) -> usize {
    let (sender, round) = (token as usize % SENDERS, token as usize / SENDERS);
    sender * (AGENTS / SENDERS) + round % (AGENTS / SENDERS)
}

fn name_of(number: usize) -> String {
    format!("count-{number}")
}

/// Messages that an agent has counted, and timers.
fn counted(runtime: &Runtime, number: usize) -> (u64, u64) {
    let asked = json!({
        "performative": "request", "receiver": name_of(number), "reply_with": "r1", "content": "Q",
    });
    let reply = wait(runtime.ask(draft(asked)).timeout(HANGS)).unwrap();
    let text = content(&reply);
    let (count, fired) = text.as_str().unwrap().split_once(' ').unwrap();
    (count.parse().unwrap(), fired.parse().unwrap())
}

/// An agent that counts what it is handed, `A` to `E`, hands it on as the next letter until it is `E`,
/// and sets a timer each time, which it counts as well. A `Q` asks for both counts.
fn counter(number: usize) -> Deploy {
    let tell = r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"0000000000 0000000000"}"#;
    let count = 1024 + tell.find("0000000000").unwrap();
    let fired = count + 11;
    let code = format!(
        r#"
        (func $more (param $key i32) (param $len i32) (param $digits i32)
            (local $digit i32)
            (call $read)
            (local.set $digit (i32.add (local.get $digits) (i32.const 9)))
            (loop $next
                (i32.store8 (local.get $digit)
                    (i32.add (i32.load8_u (local.get $digit)) (i32.const 1)))
                (if (i32.eq (i32.load8_u (local.get $digit)) (i32.const 58)) (then
                    (i32.store8 (local.get $digit) (i32.const 48))
                    (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
                    (br $next))))
            (drop (call $store (local.get $key) (local.get $len) (local.get $digits) (i32.const 10))))
        (func $read
            (drop (call $load {{count}} (i32.const {count}) (i32.const 10)))
            (drop (call $load {{fired}} (i32.const {fired}) (i32.const 10))))
        (func $find (param $ptr i32) (param $len i32) (param $char i32) (result i32)
            (loop $next
                (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
                (if (i32.eq (i32.load8_u (local.get $ptr)) (local.get $char))
                    (then (return (local.get $ptr))))
                (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
                (local.set $len (i32.sub (local.get $len) (i32.const 1)))
                (br $next))
            unreachable)
        (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            (local $letter i32) (local $template i32)
            (if (call $find (local.get $ptr) (local.get $len) (i32.const 81)) (then
                (call $read)
                (return (call $send {{tell}}))))
            (local.set $letter (i32.const 65))
            (block $found (loop $next
                (br_if $found (call $find (local.get $ptr) (local.get $len) (local.get $letter)))
                (local.set $letter (i32.add (local.get $letter) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $letter) (i32.const 70))))
                unreachable)
            (call $more {{count}} (i32.const {count}))
            (drop (call $set_timer (i64.const 1000)))
            (if (i32.eq (local.get $letter) (i32.const 69)) (then (return (i32.const 0))))
            (local.set $template (call $load {{config}} (i32.const 8192) (i32.const 1024)))
            (i32.store8 (call $find (i32.const 8192) (local.get $template) (i32.const 63))
                (i32.add (local.get $letter) (i32.const 1)))
            (call $send (i32.const 8192) (local.get $template)))
        (func (export "handle_timer") (param i32) (result i32)
            (call $more {{fired}} (i32.const {fired}))
            (i32.const 0))"#
    );
    let texts = [("tell", tell), ("count", "count"), ("fired", "fired"), ("config", "config")];
    let next = name_of((number + 1) % AGENTS);
    let template = json!({"performative": "inform", "receiver": next, "content": "?"});
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    // A machine that stands still for a second takes no token away.
    limits.max_execution_time_micros = None;
    Deploy::bytes(module(&code, &texts).into_bytes()).config(template.to_string()).limits(limits)
}

/// What became of each token, in a file of its own: `s` before it is sent, `d` when it is for sure, `n`
/// when it was found to be lost with the process that sent it.
struct Log {
    sent: Vec<u64>,
    done: Vec<u64>,
    next: u64,
}

impl Log {
    fn path(folder: &Path) -> PathBuf {
        folder.join("log")
    }

    fn write(folder: &Path, kind: char, token: u64) {
        let mut file =
            OpenOptions::new().append(true).create(true).open(Self::path(folder)).unwrap();
        file.write_all(format!("{kind} {token}\n").as_bytes()).unwrap();
    }

    fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(Self::path(folder)).unwrap_or_default();
        let mut log = Log { sent: Vec::new(), done: Vec::new(), next: 0 };
        for line in text.lines() {
            let (kind, token) = line.split_once(' ').unwrap();
            let token: u64 = token.parse().unwrap();
            match kind {
                "s" => log.sent.push(token),
                "d" => log.done.push(token),
                _ => log.sent.retain(|sent| *sent != token),
            }
            // A round is not begun again.
            log.next = log.next.max((token / SENDERS as u64 + 1) * SENDERS as u64);
        }
        log
    }
}

/// Numbers without a pattern, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}
