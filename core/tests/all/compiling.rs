//! What compiling may cost, and who waits for it.

use std::path::PathBuf;
use std::time::Duration;

use caxton::{CompileLimits, Deploy, Error, ErrorKind, Grants, Runtime};

use crate::child;
use crate::support::*;

/// An agent with one more function, which has these locals.
fn with_function(locals: usize, body: &str) -> String {
    let locals = "i32 ".repeat(locals);
    format!(
        "(module (memory (export \"memory\") 1) (type $pair (func (param i32 i32) (result i32 i32)))
            (func $dear (param i32) (local {locals}) {body})
            {})",
        handler("(i32.const 0)")
    )
}

/// Loops inside one another, all of which read and write all locals.
fn loops_with_locals(loops: usize, locals: usize) -> String {
    let inner: String = (1..=locals)
        .map(|at| format!("(local.set {at} (i32.add (local.get {at}) (i32.const 1)))"))
        .collect();
    let ends = "(br_if 0 (local.get 0)) end ".repeat(loops);
    with_function(locals, &format!("{} {inner} {ends}", "loop ".repeat(loops)))
}

/// Modules of some kilobytes each that would take minutes or gigabytes.
fn bombs() -> Vec<(&'static str, String)> {
    let parameters = "i32.const 1 i32.const 2 loop (type $pair) local.get 0 br_if 0 end drop drop ";
    vec![
        ("its loops", with_function(0, &"loop end ".repeat(20_000))),
        ("its loops", with_function(0, &parameters.repeat(5000))),
        ("how deep its loops are nested", loops_with_locals(600, 300)),
        (
            "its operators",
            with_function(
                0,
                &format!("local.get 0 {} drop", "local.get 0 i32.add ".repeat(200_000)),
            ),
        ),
        ("its br_table entries times its locals", {
            let entries = "0 ".repeat(50_000);
            with_function(2000, &format!("block (br_table {entries} (local.get 0)) end"))
        }),
    ]
}

fn limits(name: &str, value: Option<u64>) -> CompileLimits {
    let mut limits = CompileLimits::default();
    limits.set(name, value).unwrap();
    limits
}

fn refusal(runtime: &Runtime, deploy: Deploy) -> Error {
    let error = wait(runtime.deploy(deploy)).map(|agent| agent.name().to_owned()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidModule, "{error}");
    error
}

#[test]
fn what_would_take_minutes_is_refused_at_once() {
    let runtime = runtime(1);
    for (term, text) in bombs() {
        let error = refusal(&runtime, Deploy::bytes(text.clone().into_bytes()));
        for part in
            ["function 0 (dear)", &format!("most of it for {term}"), "max_compile_function_"]
        {
            assert!(error.message().contains(part), "{part:?} is not in: {error}");
        }
        let found = caxton::inspect(text.as_bytes()).unwrap();
        assert!(found.missing.is_empty(), "{:?}", found.missing);
        let limits = CompileLimits::default();
        assert!(
            Some(found.compile_function_millis) > limits.max_compile_function_millis
                || Some(found.compile_function_bytes) > limits.max_compile_function_bytes
        );
    }
    wait(runtime.close());
}

#[test]
fn a_limit_holds_however_the_module_was_compiled_before() {
    let runtime = runtime(1);
    let module = with_function(1, "(local.set 1 (local.get 0))").into_bytes();
    let strict = limits("max_compile_millis", Some(0));
    let text = "compiling its 2 functions would take about 1 ms";
    let refused = |deploy: Deploy| {
        let error = refusal(&runtime, deploy);
        assert!(error.message().contains(text), "{error}");
        assert!(error.message().contains("max_compile_millis"), "{error}");
    };
    refused(Deploy::bytes(module.clone()).compile_limits(strict.clone()));
    // In memory, and then at most on disk.
    let same = Deploy::bytes(module.clone());
    let agent = deploy(&runtime, "a", same.clone());
    refused(same.clone().compile_limits(strict.clone()));
    refused(Deploy::bytes(module.clone()).compile_limits(strict.clone()));
    wait(agent.remove()).unwrap();
    refused(Deploy::bytes(module.clone()).compile_limits(strict.clone()));
    wait(runtime.close());

    // The runtime's own limits hold for all but those that have others.
    let runtime = Runtime::builder().compile_limits(strict).build().unwrap();
    refusal(&runtime, same.clone());
    let lifted = same.compile_limits(limits("max_compile_millis", None));
    let agent = deploy(&runtime, "a", lifted);
    // What takes its place is held to them too.
    let other = with_function(2, "").into_bytes();
    let error = wait(agent.replace(caxton::Wasm::bytes(other))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidModule);
    wait(runtime.close());
}

#[test]
fn bombs_keep_nobody_waiting() {
    const NAME: &str = "compiling::bombs_keep_nobody_waiting";
    if !child::is_here(NAME) {
        // It ends while a module is being compiled.
        child::run(NAME, &[("CAXTON_CACHE_DIR", "")]);
        return;
    }
    let runtime = runtime(2);
    let cached = answerer();
    deploy(&runtime, "first", cached.clone());
    let folder = std::env::temp_dir().join(format!("caxton-compiling-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("f"), "x").unwrap();
    let reader = deploy(&runtime, "reader", reader(&folder));
    let lifted = |name| limits(name, None);
    std::thread::scope(|scope| {
        let bombs: Vec<_> = (0..4)
            .map(|at| {
                let bomb = loops_with_locals(500, 300 + at).into_bytes();
                let deploy =
                    Deploy::bytes(bomb).compile_limits(lifted("max_compile_function_millis"));
                let runtime = &runtime;
                scope.spawn(move || wait(runtime.deploy(deploy)).map(drop))
            })
            .collect();
        until("a bomb is being compiled", || {
            child::threads().iter().any(|name| name.starts_with("caxton-comp"))
        });
        for at in 0..3 {
            deploy(&runtime, &format!("cached-{at}"), cached.clone());
            // One that has to be compiled, and takes short.
            let text = with_function(at + 1, "");
            deploy(&runtime, &format!("new-{at}"), Deploy::bytes(text.into_bytes()));
            assert_eq!(content(&ask(&runtime, "reader").unwrap()), "yes");
        }
        drop(reader);
        // It gives up after a moment, whatever is being compiled.
        wait(runtime.close_within(Duration::from_secs(2)));
        for bomb in bombs {
            assert_eq!(bomb.join().unwrap().unwrap_err().kind(), ErrorKind::Closed);
        }
    });
    std::fs::remove_dir_all(&folder).unwrap();
}

/// An agent that opens and reads the file `f` of a folder, and answers if that went well.
fn reader(folder: &std::path::Path) -> Deploy {
    let send = "(import \"caxton\" \"send_message\" (func $send (param i32 i32) (result i32)))";
    let text: String = YES.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let code = handler(
        "(if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)
                (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 32)) (then unreachable))
         (i32.store (i32.const 40) (i32.const 64)) (i32.store (i32.const 44) (i32.const 1))
         (if (call $read (i32.load (i32.const 32)) (i32.const 40) (i32.const 1) (i32.const 48))
            (then unreachable))
         (drop (call $close (i32.load (i32.const 32))))
         (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 120))
            (then (drop (call $send (i32.const 1024) (i32.const {len}))))) (i32.const 0)",
    );
    let code = code.replace("{len}", &YES.len().to_string());
    let module = format!(
        "(module {send}
            (import \"wasi_snapshot_preview1\" \"path_open\"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import \"wasi_snapshot_preview1\" \"fd_read\"
                (func $read (param i32 i32 i32 i32) (result i32)))
            (import \"wasi_snapshot_preview1\" \"fd_close\" (func $close (param i32) (result i32)))
            (memory (export \"memory\") 1) (data (i32.const 16) \"f\")
            (data (i32.const 1024) \"{text}\") {code})"
    );
    let grants = format!(r#"{{"dirs": {{"/": [{:?}, "ro"]}}}}"#, folder.to_str().unwrap());
    Deploy::bytes(module.into_bytes()).grants(Grants::from_json(&grants).unwrap())
}

#[test]
fn as_many_agents_of_wasm_bindgen_as_of_others() {
    let text = with_function(0, "").replacen(
        "(memory",
        "(import \"wbg\" \"__wbindgen_string_new\" (func $new (param i32 i32) (result externref)))
         (table 128 externref)
         (func (export \"keep\") (result i32)
            (table.set 0 (i32.const 1) (call $new (i32.const 0) (i32.const 0)))
            (ref.is_null (table.get 0 (i32.const 1))))
         (memory",
        1,
    );
    let runtime = runtime(2);
    let names = (0..1100).map(|at| format!("a{at}"));
    wait(runtime.deploy_many(Deploy::bytes(text.into_bytes()), names)).unwrap();
    wait(runtime.close());
}

/// All modules that are in the project or were built for it.
fn modules(folder: PathBuf, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git", "node_modules", ".venv"].contains(&&*name) {
            modules(path, found);
        } else if name.ends_with(".wasm") {
            found.push(path);
        }
    }
}

#[test]
fn what_toolchains_make_is_within_the_limits() {
    let mut found = Vec::new();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    modules(root.canonicalize().unwrap(), &mut found);
    assert!(!found.is_empty());
    let limits = CompileLimits::default();
    for path in found {
        let Ok(found) = caxton::inspect(&std::fs::read(&path).unwrap()) else { continue };
        println!(
            "{:>8} ms {:>6} ms {:>6} MiB  {}",
            found.compile_millis,
            found.compile_function_millis,
            found.compile_function_bytes >> 20,
            path.display()
        );
        assert!(
            Some(found.compile_millis) <= limits.max_compile_millis
                && Some(found.compile_function_millis) <= limits.max_compile_function_millis
                && Some(found.compile_function_bytes) <= limits.max_compile_function_bytes,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_module_that_an_agent_runs_does_not_wait_for_what_others_read() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    /// More than there are threads that read modules.
    const READERS: usize = 8;

    let folder = crate::store::Folder::new();
    let pipe = folder.0.join("module.wasm");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let runtime = runtime(1);
    let known = || Deploy::bytes(module(&handler("(i32.const 0)"), &[]).into_bytes());
    deploy(&runtime, "first", known());
    std::thread::scope(|scope| {
        // Reads until somebody has been at the other end of the pipe.
        let read = || wait(runtime.deploy(Deploy::file(&pipe))).unwrap_err();
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
        // Deployed many times, since nothing says when all of them read.
        let known = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..50 {
                deploy(&runtime, &format!("known-{number}"), known());
                std::thread::yield_now();
            }
        }));
        until("all have read", || {
            drop(std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap());
            readers.iter().all(|reader| reader.is_finished())
        });
        known.unwrap();
    });
    wait(runtime.close());
}
