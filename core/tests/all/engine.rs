//! One engine a process: its cache on disk, and its signal handlers.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use caxton::ErrorKind;

use crate::child;
use crate::support::*;

/// A folder that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, mode: u32) -> Self {
        let path = std::env::temp_dir().join(format!("caxton-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Folder(path)
    }

    fn entries(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn deploys_with_a_cache() {
    const NAME: &str = "engine::deploys_with_a_cache";
    if child::is_here(NAME) {
        let runtime = runtime(1);
        assert_eq!(uppercase(&deploy(&runtime, "a", built("c")), "x"), "X");
        wait(runtime.close());
        return;
    }
    let run = |folder: &Path| child::run(NAME, &[("CAXTON_CACHE_DIR", folder.to_str().unwrap())]);

    let folder = Folder::new("cache", 0o700);
    run(&folder.0);
    let [entry] = &folder.entries()[..] else { panic!("{:?}", folder.entries()) };
    let whole = std::fs::read(entry).unwrap();
    for damage in [0, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[damage] ^= 1;
        std::fs::write(entry, damaged).unwrap();
        run(&folder.0);
        assert!(std::fs::read(entry).unwrap() == whole, "a damaged entry was not rebuilt");
    }
    std::fs::write(entry, &whole[..20]).unwrap();
    run(&folder.0);
    assert!(std::fs::read(entry).unwrap() == whole, "an entry that breaks off was not rebuilt");

    let open = Folder::new("open-cache", 0o755);
    run(&open.0);
    assert!(open.entries().is_empty(), "a folder that others can read was used");
}

#[test]
fn one_module_from_many_threads() {
    let runtime = runtime(2);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let runtime = runtime.clone();
            scope.spawn(move || {
                let agent = deploy(&runtime, &format!("a{thread}"), built("assemblyscript"));
                assert_eq!(uppercase(&agent, "x"), "X");
            });
        }
    });
    wait(runtime.close());
}

#[test]
fn places_come_back() {
    let runtime = caxton::Runtime::builder().workers(1).max_agents(3).build().unwrap();
    for _ in 0..5 {
        let agents = wait(runtime.deploy_many(answerer(), ["a", "b", "c"])).unwrap();
        let error = wait(runtime.deploy(answerer())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.limit_and_used(), Some((3, 4)));
        let failing = wait(runtime.deploy_many(answerer(), ["d", "e"])).unwrap_err();
        assert_eq!(failing.kind(), ErrorKind::LimitExceeded);
        for agent in agents {
            wait(agent.remove()).unwrap();
        }
    }
    wait(runtime.close());
}

#[test]
fn a_guest_may_fault_after_others_took_the_signals() {
    const NAME: &str = "engine::a_guest_may_fault_after_others_took_the_signals";
    if !child::is_here(NAME) {
        child::run(NAME, &[]);
        return;
    }
    let runtime = runtime(1);
    let code = handler("(drop (i32.load (i32.const 0x7ffffff0))) (i32.const 0)");
    let agent = deploy(&runtime, "a", agent(&code, &[]));
    for signal in [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE] {
        // SAFETY: the default action is a valid one for each of these signals.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    for _ in 0..3 {
        let error = wait(agent.request(&())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trapped);
    }
    wait(agent.send(&())).unwrap();
    until("the pool has run it too", || agent.stats().dropped_turns == 4);
    wait(runtime.close());
}
