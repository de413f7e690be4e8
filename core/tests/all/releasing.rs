//! Memory that is free goes back when agents have gone: each thread has to do something for that.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::store::Folder;
use crate::support::*;

static THREADS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn note() {
    let thread = std::thread::current();
    THREADS.lock().unwrap().insert(thread.name().unwrap_or_default().to_owned());
}

fn were_here(names: &[&str]) -> bool {
    let threads = THREADS.lock().unwrap();
    names.iter().all(|name| threads.contains(*name))
}

#[test]
fn each_thread_releases_memory_when_an_agent_has_gone() {
    caxton::on_release(note);
    let folder = Folder::new();
    let builder = caxton::Runtime::builder().workers(2).store(folder.file());
    let runtime = builder.build().unwrap();
    let echo = deploy(&runtime, "echo", built("rust"));
    let other = deploy(&runtime, "other", built("rust"));
    // A thread that has not been here has nothing to release.
    let work = || std::thread::Builder::new().name("program".to_owned());
    let ask = || wait(other.ask(&serde_json::json!({"action": "get_status"}))).map(drop);
    std::thread::scope(|scope| {
        let program = work().spawn_scoped(scope, || {
            ask().unwrap();
            wait(echo.remove()).unwrap();
            let all = ["caxton-worker-0", "caxton-worker-1", "caxton-io", "caxton-files"];
            until("the runtime's threads do", || were_here(&all) && were_here(&["caxton-store"]));
            until("and the program's in its next call", || {
                ask().unwrap();
                were_here(&["program"])
            });
        });
        program.unwrap().join().unwrap();
    });
    wait(runtime.close());
}
