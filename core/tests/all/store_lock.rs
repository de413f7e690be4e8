//! Who may have a store's file, and a store whose files are taken away.

use std::path::{Path, PathBuf};

use caxton::{ErrorKind, EventFilter, Runtime, inspect_store};
use rusqlite::Connection;

use crate::child;
use crate::store::{Folder, count, counter, open};
use crate::support::wait;

const FOLDER: &str = "CAXTON_TEST_FOLDER";

fn try_open(path: &Path) -> Result<Runtime, caxton::Error> {
    Runtime::builder().store(path).build()
}

/// Runs the test `name` in a child, for the store in this folder.
fn run(name: &str, folder: &Folder) -> String {
    let output = child::run(name, &[(FOLDER, folder.0.to_str().unwrap())]);
    String::from_utf8(output.stdout).unwrap()
}

/// The store of the folder that the parent has named.
fn store_of_parent() -> PathBuf {
    Path::new(&std::env::var_os(FOLDER).unwrap()).join("agents.db")
}

const OTHER: &str = "store_lock::another_process_finds_it_in_use";

#[test]
fn another_process_finds_it_in_use() {
    if !child::is_here(OTHER) {
        return;
    }
    let path = store_of_parent();
    for error in [try_open(&path).unwrap_err(), inspect_store(&path).unwrap_err()] {
        assert!(error.message().contains("in use by another runtime"), "{error}");
    }
}

#[test]
fn whoever_reads_or_copies_the_file_takes_no_lock_away() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    wait(runtime.deploy(counter().name("a"))).unwrap();
    run(OTHER, &folder);
    drop(std::fs::read(folder.file()).unwrap());
    run(OTHER, &folder);
    std::fs::copy(folder.file(), folder.0.join("copy.db")).unwrap();
    run(OTHER, &folder);
    // Another name of the same file.
    std::fs::hard_link(folder.file(), folder.0.join("link.db")).unwrap();
    assert!(try_open(&folder.0.join("link.db")).is_err());
    run(OTHER, &folder);
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    wait(runtime.close());
    wait(open(&folder.file()).close());
}

const KILLED: &str = "store_lock::what_was_acknowledged_beside_a_stranger_outlives_a_kill";

#[test]
fn what_was_acknowledged_beside_a_stranger_outlives_a_kill() {
    if child::is_here(KILLED) {
        let path = store_of_parent();
        let runtime = open(&path);
        wait(runtime.deploy(counter().name("a"))).unwrap();
        assert_eq!(count(&runtime, "a").unwrap(), 1);
        for _ in 0..2 {
            let stranger = Connection::open(&path).unwrap();
            let error = stranger.query_row("SELECT count(*) FROM agents", [], |_| Ok(()));
            assert!(error.unwrap_err().to_string().contains("locked"));
            assert!(stranger.execute("DELETE FROM data", []).is_err());
            drop(stranger);
            assert_ne!(std::fs::metadata(path.with_file_name("agents.db-wal")).unwrap().len(), 0);
        }
        assert_eq!(count(&runtime, "a").unwrap(), 2);
        child::kill();
    }
    let folder = Folder::new();
    child::run_until_killed(KILLED, &[(FOLDER, folder.0.to_str().unwrap())]);
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    wait(runtime.close());
}

#[test]
fn nothing_is_acknowledged_once_the_files_are_gone() {
    type Harm = fn(&Folder);
    let harms: [(&str, Harm); 7] = [
        ("agents.db was moved or deleted", |folder| std::fs::remove_file(folder.file()).unwrap()),
        ("agents.db-wal was moved or deleted", |folder| {
            std::fs::remove_file(folder.0.join("agents.db-wal")).unwrap();
        }),
        ("agents.db is another file", |folder| {
            std::fs::copy(folder.file(), folder.0.join("copy")).unwrap();
            std::fs::rename(folder.0.join("copy"), folder.file()).unwrap();
        }),
        ("agents.db was cut off", |folder| cut(&folder.file())),
        ("agents.db-wal was cut off", |folder| cut(&folder.0.join("agents.db-wal"))),
        ("agents.db was moved or deleted", |folder| std::fs::remove_dir_all(&folder.0).unwrap()),
        ("agents.db was moved or deleted", |folder| {
            std::fs::rename(&folder.0, folder.0.with_extension("moved")).unwrap();
            std::fs::remove_dir_all(folder.0.with_extension("moved")).unwrap();
        }),
    ];
    for (said, harm) in harms {
        let folder = Folder::new();
        let runtime = open(&folder.file());
        let filter = EventFilter::read(br#"{"kind":"store_failed"}"#).unwrap();
        let events = runtime.events(filter).unwrap();
        wait(runtime.deploy(counter().name("a"))).unwrap();
        assert_eq!(count(&runtime, "a").unwrap(), 1);
        harm(&folder);
        for _ in 0..3 {
            let error = count(&runtime, "a").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store, "{said}: {error}");
        }
        let error = wait(runtime.deploy(counter().name("b"))).unwrap_err();
        assert!(
            error.message().contains(said) && error.message().contains("open it again"),
            "{error}"
        );
        assert!(wait(events.next()).is_some());
        wait(runtime.close());
    }
}

fn cut(path: &Path) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
}

#[test]
fn files_that_were_put_back_are_opened_again() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    wait(runtime.deploy(counter().name("a"))).unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    let away = folder.0.join("away.db");
    std::fs::rename(folder.file(), &away).unwrap();
    assert_eq!(count(&runtime, "a").unwrap_err().kind(), ErrorKind::Store);
    std::fs::rename(&away, folder.file()).unwrap();
    assert_eq!(count(&runtime, "a").unwrap_err().kind(), ErrorKind::Store);
    wait(runtime.close());
    let runtime = open(&folder.file());
    // The turn that failed was written: its asker was told that this is not known.
    assert!((2..=3).contains(&count(&runtime, "a").unwrap()));
    wait(runtime.close());
}

const FORKED: &str = "store_lock::a_forked_child_has_no_lock";

#[test]
fn a_forked_child_has_no_lock() {
    if child::is_here(FORKED) {
        let path = store_of_parent();
        let runtime = open(&path);
        wait(runtime.deploy(counter().name("a"))).unwrap();
        // SAFETY: the child only waits until it is killed, without the pipes that the test reads.
        let forked = unsafe {
            let forked = libc::fork();
            if forked == 0 {
                libc::close(1);
                libc::close(2);
                loop {
                    libc::pause();
                }
            }
            forked
        };
        println!("forked {forked}");
        // The child has given nothing up for its parent.
        let folder = std::mem::ManuallyDrop::new(Folder(path.parent().unwrap().to_owned()));
        run(OTHER, &folder);
        // The process ends as if it were killed, and its child lives on.
        // SAFETY: it takes a plain value.
        unsafe { libc::_exit(0) };
    }
    let folder = Folder::new();
    let said = run(FORKED, &folder);
    let forked = said.split("forked ").nth(1).unwrap().split_whitespace().next().unwrap();
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    wait(runtime.close());
    // SAFETY: it takes plain values.
    assert_eq!(unsafe { libc::kill(forked.parse().unwrap(), libc::SIGKILL) }, 0);
}

const NAMES: &str = "store_lock::a_path_is_a_path";

#[test]
fn a_path_is_a_path() {
    if !child::is_here(NAMES) {
        run(NAMES, &Folder::new());
        return;
    }
    let folder = store_of_parent().parent().unwrap().to_owned();
    std::env::set_current_dir(&folder).unwrap();
    for name in [":memory:", "file:x.db", "file:y.db?mode=memory", "z.db?immutable=1"] {
        for expected in 1..=2 {
            let runtime = open(Path::new(name));
            if expected == 1 {
                wait(runtime.deploy(counter().name("a"))).unwrap();
            }
            assert_eq!(count(&runtime, "a").unwrap(), expected, "{name}");
            wait(runtime.close());
        }
        assert!(folder.join(name).is_file(), "{name}");
        assert_eq!(inspect_store(name).unwrap().agents.len(), 1, "{name}");
    }
    assert_eq!(try_open(Path::new("")).unwrap_err().kind(), ErrorKind::Store);
}
