//! Folders that agents are granted, and what a store says of grants: neither leads further than the
//! program means it to.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use caxton::{
    Access, Agent, AgentState, Ceiling, Deploy, ErrorKind, EventFilter, Folder as Granted, Grants,
    Limits, Register, Reply, Runtime,
};
use rusqlite::Connection;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use serde_json::json;

use crate::store::{Folder, open};
use crate::support::{agent, ask, content, deploy, draft, handler, log_has, until, wait};

/// An agent that opens the file `x` in its first folder, closes it, and then answers whether it could.
fn opener() -> Deploy {
    let answer = r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"?"}"#;
    let at = 1024 + answer.find('?').unwrap();
    let wasi = r#"(import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))"#;
    let code = handler(&format!(
        "(i32.store8 (i32.const {at}) (i32.add (i32.const 48) (i32.eqz
            (call $open (i32.const 3) (i32.const 1) {{file}}
                (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))))
         (drop (call $close (i32.load (i32.const 8))))
         (call $send {{answer}})"
    ));
    let module = crate::support::module(&code, &[("answer", answer), ("file", "x")]);
    Deploy::bytes(module.replacen("(module", &format!("(module {wasi}"), 1).into_bytes())
}

fn echo() -> Deploy {
    agent(&handler("(i32.const 0)"), &[])
}

fn dirs(host: impl Into<PathBuf>, access: Access) -> Grants {
    let mut grants = Grants::default();
    grants.dirs = vec![Granted::new("/data", host, access)];
    grants
}

fn admin() -> Grants {
    let mut grants = Grants::default();
    grants.directory_admin = true;
    grants
}

fn could_open(runtime: &Runtime, name: &str) -> bool {
    content(&ask(runtime, name).unwrap()) == "1"
}

fn sql(folder: &Folder, text: &str) {
    let connection = Connection::open(folder.file()).unwrap();
    connection.execute_batch(text).unwrap();
    connection.close().unwrap();
}

fn below(folder: &Folder, ceiling: Ceiling) -> Runtime {
    Runtime::builder().workers(1).store(folder.file()).ceiling(ceiling).build().unwrap()
}

/// Checks that an agent stays suspended, for want of this.
fn lacks(agent: &Agent, what: &str) {
    assert_eq!(agent.state(), AgentState::Suspended, "{agent:?}");
    let error = wait(agent.resume()).expect_err(what);
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.message().contains(what), "{error}, expected {what:?}");
    assert!(error.missing().iter().any(|line| line.contains(what)), "{:?}", error.missing());
    assert_eq!(agent.state(), AgentState::Suspended, "{agent:?}");
}

/// A store in a folder of its own, with an agent `a` that opens files and one `b` that does not.
fn sample() -> Folder {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    deploy(&runtime, "a", opener());
    deploy(&runtime, "b", echo());
    wait(runtime.close());
    folder
}

#[test]
fn grants_that_somebody_wrote_into_a_store_count_for_nothing() {
    let folder = sample();
    std::fs::write(folder.0.join("x"), "secret").unwrap();
    let host = folder.0.display();
    sql(
        &folder,
        &format!(
            r#"UPDATE agents SET settings = json_set(settings, '$.grants.dirs',
                   json('[{{"guest":"/data","host":"{host}","access":"rw"}}]')) WHERE name = 'a';
               UPDATE agents SET settings = json_set(settings, '$.grants.directory_admin', json('true'))
                   WHERE name = 'b'"#
        ),
    );
    let runtime = open(&folder.file());
    let (a, b) = (runtime.agent_named("a").unwrap(), runtime.agent_named("b").unwrap());
    lacks(&a, r#"dirs "/data""#);
    lacks(&b, "directory_admin");
    assert!(log_has(&a, "stays suspended"));
    // Who begins to watch is told.
    let events = runtime.events(EventFilter::read(br#"{"kind":"suspended"}"#).unwrap()).unwrap();
    let told: Vec<_> = (0..2).map(|_| content(&events.try_next().unwrap())).collect();
    assert_eq!(told[0]["agent"], "a", "{told:?}");
    assert_eq!(told[1]["missing"], json!(["directory_admin"]), "{told:?}");
    assert!(told[1]["reason"].as_str().unwrap().contains("directory_admin"), "{told:?}");
    assert!(events.try_next().is_none());
    // The file goes on to say what it said.
    wait(b.suspend()).unwrap();
    wait(runtime.close());
    // Not even a ceiling lets an agent reach the store.
    let mut most = dirs("/", Access::ReadWrite);
    most.directory_admin = true;
    let runtime = below(&folder, Ceiling::new(most));
    lacks(&runtime.agent_named("a").unwrap(), "no agent may reach a store");
    let b = runtime.agent_named("b").unwrap();
    wait(b.resume()).unwrap();
    until("b runs", || b.state() == AgentState::Active);
    wait(runtime.close());
}

#[test]
fn all_of_the_disk_is_not_granted_by_a_file() {
    let folder = sample();
    sql(
        &folder,
        r#"UPDATE agents SET settings = json_set(settings, '$.grants.dirs',
               json('[{"guest":"/","host":"/","access":"ro"}]'))"#,
    );
    let runtime = open(&folder.file());
    lacks(&runtime.agent_named("a").unwrap(), r#"("/", "ro")"#);
    wait(runtime.close());
    let runtime = below(&folder, Ceiling::new(dirs(&folder.0, Access::ReadWrite)));
    lacks(&runtime.agent_named("b").unwrap(), r#"("/", "ro")"#);
    wait(runtime.close());
}

#[test]
fn a_path_of_a_store_leads_through_no_link() {
    let (folder, data) = (sample(), Folder::new());
    for name in ["inner", "other"] {
        std::fs::create_dir(data.0.join(name)).unwrap();
    }
    std::fs::write(data.0.join("inner/x"), "x").unwrap();
    std::os::unix::fs::symlink("inner", data.0.join("way")).unwrap();
    let host = data.0.join("way");
    let host = host.display();
    sql(
        &folder,
        &format!(
            r#"UPDATE agents SET settings = json_set(settings, '$.grants.dirs',
                   json('[{{"guest":"/data","host":"{host}","access":"ro"}}]')) WHERE name = 'a'"#
        ),
    );
    let runtime = below(&folder, Ceiling::new(dirs(&data.0, Access::ReadOnly)));
    lacks(&runtime.agent_named("a").unwrap(), "has become a link");
    std::fs::remove_file(data.0.join("way")).unwrap();
    std::fs::rename(data.0.join("inner"), data.0.join("way")).unwrap();
    wait(runtime.agent_named("a").unwrap().resume()).unwrap();
    assert!(could_open(&runtime, "a"));
    wait(runtime.close());
}

#[test]
fn a_ceiling_bounds_limits_and_the_file_keeps_them() {
    let folder = sample();
    sql(
        &folder,
        r#"UPDATE agents SET settings = json_set(settings, '$.limits.max_timers', 5000,
               '$.limits.max_host_calls', json('null'), '$.limits.max_subscriptions', 1)"#,
    );
    let runtime = open(&folder.file());
    let limits = runtime.agent_named("a").unwrap().limits().clone();
    assert_eq!((limits.max_timers, limits.max_host_calls), (5000, None));
    wait(runtime.close());
    let mut most = Limits::default();
    most.max_timers = 7;
    most.max_memory_bytes = 0;
    let runtime = below(&folder, Ceiling::default().limits(most));
    let a = runtime.agent_named("a").unwrap();
    let limits = a.limits();
    assert_eq!((limits.max_timers, limits.max_host_calls), (7, Some(1000)));
    assert_eq!((limits.max_subscriptions, limits.max_memory_bytes), (1, 50 << 20));
    // What ams deploys is bounded too, what the program deploys is not.
    let mut own = Limits::default();
    own.max_timers = 900;
    let c = deploy(&runtime, "c", echo().limits(own).grants(admin()));
    assert_eq!(c.limits().max_timers, 900);
    let request = json!({
        "performative": "request", "receiver": "ams", "protocol": "fipa-request",
        "content": {"action": "deploy", "name": "d", "like": "c"},
    });
    let reply = wait(runtime.ask(draft(request))).unwrap();
    assert_eq!(reply.performative().as_str(), "inform", "{}", reply.content());
    assert_eq!(runtime.agent_named("d").unwrap().limits().max_timers, 7);
    wait(a.replace(caxton::Wasm::bytes(b"(module (memory (export \"memory\") 1) (func (export \"handle_message\") (param i32 i32) (result i32) (i32.const 0)))".as_slice()))).unwrap();
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert_eq!(runtime.agent_named("a").unwrap().limits().max_timers, 5000);
    wait(runtime.close());
}

#[test]
fn limits_that_do_not_suffice_hold_an_agent_back() {
    let folder = sample();
    let mut most = Limits::default();
    most.max_memory_bytes = 1 << 10;
    let runtime = below(&folder, Ceiling::default().limits(most));
    lacks(&runtime.agent_named("a").unwrap(), "limits (");
    wait(runtime.agent_named("a").unwrap().remove()).unwrap();
    wait(runtime.close());
    wait(open(&folder.file()).close());
}

#[test]
fn names_that_are_not_given_any_more_come_back_suspended() {
    let folder = sample();
    sql(
        &folder,
        "UPDATE agents SET name = 'AMS' WHERE name = 'a';
         UPDATE agents SET name = 'b' || char(0x200b) WHERE name = 'b'",
    );
    let runtime = open(&folder.file());
    lacks(&runtime.agent_named("AMS").unwrap(), "a name of the runtime");
    lacks(&runtime.agent_named("b\u{200b}").unwrap(), "U+200B");
    let events = runtime.events(EventFilter::everything()).unwrap();
    assert_eq!(content(&events.try_next().unwrap())["agent"], "AMS");
    wait(runtime.agent_named("AMS").unwrap().remove()).unwrap();
    deploy(&runtime, "b", echo());
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert_eq!(runtime.agents().len(), 2);
    wait(runtime.close());
}

#[test]
fn a_host_agent_whose_name_is_not_given_any_more_is_told_of() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let handler = || runtime.handler(|_| async { Reply::Nothing });
    for name in ["clerk", "usual"] {
        runtime.register(Register::new(name, handler())).unwrap();
    }
    wait(runtime.close());
    sql(&folder, "UPDATE hosts SET name = 'cle' || char(0x200b) || 'rk' WHERE name = 'clerk'");
    let runtime = open(&folder.file());
    let events = runtime.events(EventFilter::everything()).unwrap();
    let told = content(&events.try_next().unwrap());
    assert_eq!((&told["event"], &told["agent"]), (&json!("suspended"), &json!("cle\u{200b}rk")));
    assert!(told["missing"][0].as_str().unwrap().contains("U+200B"), "{told}");
    assert!(events.try_next().is_none());
    let handler = runtime.handler(|_| async { Reply::Nothing });
    let error = runtime.register(Register::new("cle\u{200b}rk", handler)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    wait(runtime.close());
}

#[test]
fn a_store_remembers_the_folders_that_its_agents_could_write() {
    let (folder, data) = (Folder::new(), Folder::new());
    let place = data.0.canonicalize().unwrap();
    let runtime = open(&folder.file());
    let a = deploy(&runtime, "a", echo().grants(dirs(&data.0, Access::ReadWrite)));
    wait(a.remove()).unwrap();
    wait(runtime.close());
    let connection = Connection::open(folder.file()).unwrap();
    let mark = format!("writable {}", place.display());
    let count = |mark: &str| -> i64 {
        let sql = "SELECT count(*) FROM marks WHERE name = ?";
        connection.query_row(sql, [mark], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&mark), 1);
    // Another process only has what the store says.
    let other = Folder::new();
    let elsewhere = other.0.canonicalize().unwrap();
    std::fs::create_dir(other.0.join("inner")).unwrap();
    std::os::unix::fs::symlink("inner", other.0.join("way")).unwrap();
    connection
        .execute("INSERT INTO marks VALUES (?, 1)", [format!("writable {}", elsewhere.display())])
        .unwrap();
    connection.close().unwrap();
    let through = |runtime: &Runtime| {
        let deploy = echo().name("b").grants(dirs(other.0.join("way"), Access::ReadOnly));
        wait(runtime.deploy(deploy))
    };
    let ceiling = Ceiling::new(dirs(other.0.join("way"), Access::ReadOnly));
    let opened = Runtime::builder().store(folder.file()).ceiling(ceiling.clone()).build();
    let error = opened.expect_err("the link may be planted");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    wait(Runtime::builder().ceiling(ceiling).build().unwrap().close());
    let runtime = open(&folder.file());
    let error = through(&runtime).expect_err("the link may be planted");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.message().contains("is a link"), "{error}");
    wait(runtime.close());
    let runtime = crate::support::runtime(1);
    through(&runtime).unwrap();
    wait(runtime.close());
}

#[test]
fn a_folder_is_let_go_with_its_agent() {
    let data = Folder::new();
    let runtime = crate::support::runtime(1);
    let agents: Vec<_> = ["a", "b"]
        .iter()
        .map(|name| deploy(&runtime, name, echo().grants(dirs(&data.0, Access::ReadOnly))))
        .collect();
    let store = || Runtime::builder().workers(1).store(data.file()).build();
    for agent in &agents {
        let error = store().expect_err("the folder is granted");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(!data.file().exists());
        wait(agent.remove()).unwrap();
    }
    // The handles that the program keeps do not hold it.
    wait(store().unwrap().close());
    // One that could not be granted is not either.
    let keep = store().unwrap();
    wait(runtime.deploy(echo().grants(dirs(&data.0, Access::ReadOnly)))).unwrap_err();
    wait(keep.close());
    wait(store().unwrap().close());
    wait(runtime.close());
}

#[test]
fn whatever_a_path_becomes_the_folder_with_the_store_is_not_reached() {
    let (folder, data) = (Folder::new(), Folder::new());
    std::fs::write(folder.0.join("x"), "secret").unwrap();
    std::fs::create_dir(data.0.join("here")).unwrap();
    std::os::unix::fs::symlink(&folder.0, data.0.join("there")).unwrap();
    let (here, there) = (data.0.join("here"), data.0.join("there"));
    let runtime = open(&folder.file());
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                exchange(&here, &there);
            }
        });
        let _ending = Ending(&ended);
        for _ in 0..200 {
            if let Ok(agent) = wait(runtime.deploy(opener().grants(dirs(&here, Access::ReadOnly))))
            {
                let opened = could_open(&runtime, agent.name());
                if opened {
                    ended.store(true, Ordering::Relaxed);
                }
                assert!(!opened, "the store's folder was granted");
                wait(agent.remove()).unwrap();
            }
        }
    });
    wait(runtime.close());
}

fn exchange(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// Lets a thread beside a test end, also where the test fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn threads_that_wait_at_a_pipe_keep_no_deployment_waiting() {
    let data = Folder::new();
    let (file, pipe) = (data.0.join("x"), data.0.join("pipe"));
    std::fs::write(&file, "x").unwrap();
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let runtime = crate::support::runtime(2);
    let mut limits = Limits::default();
    limits.max_execution_time_micros = Some(200_000);
    let deployed = opener().limits(limits).grants(dirs(&data.0, Access::ReadOnly));
    let names: Vec<String> = (0..5).map(|number| format!("a-{number}")).collect();
    let agents = wait(runtime.deploy_many(deployed, names)).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                exchange(&file, &pipe);
            }
        });
        let _ending = Ending(&ended);
        // What takes the file's place after it has been looked at keeps a thread.
        for agent in &agents {
            until("its opening waits at the pipe", || {
                let _ = ask(&runtime, agent.name());
                log_has(agent, "has not come back")
            });
        }
    });
    // It keeps one, not one for each attempt.
    let dropped: Vec<u64> = agents.iter().map(|agent| agent.stats().dropped_time).collect();
    for agent in agents.iter().cycle().take(50) {
        assert!(!could_open(&runtime, agent.name()));
    }
    let later: Vec<u64> = agents.iter().map(|agent| agent.stats().dropped_time).collect();
    assert_eq!(later, dropped);
    let module = "(module (memory (export \"memory\") 3) (func (export \"handle_message\") \
                  (param i32 i32) (result i32) (i32.const 7)))";
    deploy(&runtime, "b", Deploy::bytes(module.as_bytes()));
    // Whoever comes to the other end lets them go.
    if pipe.metadata().unwrap().is_file() {
        exchange(&file, &pipe);
    }
    let _end = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    for agent in &agents {
        until("it opens files again", || could_open(&runtime, agent.name()));
    }
    wait(runtime.close());
}
