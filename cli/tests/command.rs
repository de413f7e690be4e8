//! The command as somebody types it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// An agent that loops for ever when it gets a message.
const SPINNER: &str = r#"(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32) (loop $again (br $again)) (i32.const 0)))"#;

/// An agent that traps when it gets a message.
const TRAP: &str = r#"(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32) unreachable))"#;

fn caxton() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caxton"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    caxton().args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Runs it with lines on its standard input.
fn type_in(arguments: &[&str], lines: &str) -> Output {
    let mut child = caxton().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn worker() -> String {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/agents/build/rust.wasm");
    assert!(built.exists(), "rust.wasm is not built; run tests/agents/build.sh");
    built.display().to_string()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

/// Waits until the command has written a line that contains `part` to its standard error.
fn wait_for(child: &mut Child, part: &str) {
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(part)), "no line with {part:?}");
}

#[test]
fn an_agent_answers() {
    let content =
        r#"{"action": "process_data", "data": {"operation": "uppercase", "data": "hello"}}"#;
    let output = run(&["run-agent", &worker(), "--message", content]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(
        out(&output).starts_with(r#"inform {"result":{"result":"HELLO","timestamp":"#),
        "{output:?}"
    );
    assert!(!out(&output).contains('\u{1b}'), "colour where nobody sees it");
    assert!(err(&output).contains("agent info rust agent ready"));
    let output =
        run(&["--color", "always", "run-agent", &worker(), "--message", content, "--no-log"]);
    assert!(out(&output).contains('\u{1b}'));
    assert_eq!(err(&output), "");
}

#[test]
fn messages_come_from_standard_input() {
    let lines = "{\"action\": \"get_status\"}\n\n{\"performative\": \"inform\", \"content\": 1}\n\
                 {\"action\": \"dance\"}\n{\"action\": \"get_status\"}\n";
    let output = type_in(&["run-agent", &worker(), "--json", "--no-log"], lines);
    assert_eq!(code(&output), 1, "{output:?}");
    let said: Vec<Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0]["content"]["result"]["handled"], 1);
    assert_eq!(said[1]["performative"], "not-understood");
    assert_eq!(said[2]["content"]["result"]["handled"], 4);
}

#[test]
fn a_message_that_is_none_is_said_with_its_line() {
    let output = type_in(&["run-agent", &worker(), "--no-log"], "1\nhello\n");
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(err(&output).contains("line 2: this is not JSON"), "{output:?}");
    let mut child = caxton().args(["run-agent", &worker()]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\n\xff\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(err(&output).contains("line 2: this is no text"), "{output:?}");
    let output =
        run(&["run-agent", &worker(), "--message", r#"{"performative": "sing"}"#, "--json"]);
    assert_eq!(code(&output), 2, "{output:?}");
    let error: Value = serde_json::from_str(err(&output).lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "invalid_message");
}

#[test]
fn an_agent_that_fails_says_why() {
    let folder = folder();
    let trap = write(&folder, "trap.wat", TRAP);
    let output = run(&["run-agent", &trap, "--message", "1", "--message", "2"]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert_eq!(err(&output).matches("error: it trapped: ").count(), 2, "{output:?}");
    let output = run(&["run-agent", &trap, "--performative", "inform", "--message", "1"]);
    assert_eq!(code(&output), 1, "{output:?}");
    let spinner = write(&folder, "spinner.wat", SPINNER);
    let limit = ["--limit", "max_execution_time_micros=20000"];
    let output = run(&[&["run-agent", &spinner, "--message", "1"], &limit[..]].concat());
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(err(&output).contains("longer than its limit of 20000 microseconds"), "{output:?}");
    for wrong in ["max_tea=1", "max_timers=many", "max_timers"] {
        assert_eq!(code(&run(&["run-agent", &spinner, "--limit", wrong])), 2);
    }
}

#[test]
fn what_an_agent_writes_cannot_steer_the_terminal() {
    let folder = folder();
    let logger = write(
        &folder,
        "logger.wat",
        r#"(module (import "caxton" "console_log" (func $log (param i32 i32))) (memory (export "memory") 1)
          (data (i32.const 0) "\1b[2Jgone\nnew line")
          (func (export "handle_message") (param i32 i32) (result i32)
            (call $log (i32.const 0) (i32.const 17)) (i32.const 0)))"#,
    );
    let output = run(&["run-agent", &logger, "--performative", "inform", "--message", "1"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(err(&output), "agent info \\u{1b}[2Jgone\nagent info new line\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_cleanly() {
    let folder = folder();
    let spinner = write(&folder, "spinner.wat", SPINNER);
    let arguments =
        ["run-agent", &spinner, "--message", "1", "--limit", "max_execution_time_micros=none"];
    let mut child = caxton().args(arguments).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    // It may not have begun to listen: Ctrl-C then ends it as it ends any program.
    let status = loop {
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(50));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it goes on");
    };
    assert!(matches!(status.code(), Some(130) | None), "{status:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads_is_no_panic() {
    let mut child = caxton().args(["inspect", &worker()]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 141, "{output:?}");
    assert_eq!(err(&output), "");
}

#[test]
fn what_is_in_a_module() {
    let output = run(&["inspect", &worker()]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(out(&output).contains("can be an agent"));
    assert!(out(&output).contains("caxton.send_message"));

    let folder = folder();
    let program = write(
        &folder,
        "program.wat",
        r#"(module (memory (export "memory") 1) (func (export "_start")))"#,
    );
    let output = run(&["inspect", &program]);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(out(&output).contains("export `handle_message`: (i32, i32) -> i32, missing"));
    assert!(out(&output).contains("build it as a library"));
    let output = run(&["inspect", &program, "--json"]);
    let found: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(found["can_be_an_agent"], false);
    assert_eq!(found["missing"], json!(["export `handle_message`: (i32, i32) -> i32, missing"]));

    let component = write(&folder, "component.wat", "(component)");
    let output = run(&["inspect", &component]);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(out(&output).contains("export `handle-message`"), "{output:?}");
    assert!(out(&output).contains("caxton:agent"), "{output:?}");

    let nothing = write(&folder, "nothing.wasm", "\u{7f}ELF");
    let output = run(&["inspect", &nothing]);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(err(&output).contains("this is not WebAssembly"), "{output:?}");
    assert_eq!(code(&run(&["inspect", "/nowhere.wasm"])), 3);
}

const SYSTEM: &str = r#"
store = "agents.db"

[[agent]]
name = "echo"
module = "WORKER"
limits = { max_timers = 8 }
grants = { send_to = ["host"] }
"#;

#[test]
fn a_system_runs_and_its_store_is_looked_at() {
    let folder = folder();
    let system = write(&folder, "system.toml", &SYSTEM.replace("WORKER", &worker()));
    let ask = "{\"performative\": \"request\", \"receiver\": \"echo\", \"content\": {\"action\": \"get_status\"}}\n";
    for handled in [1, 1] {
        // Its code is made anew, and counts anew.
        let output = type_in(&["run", &system, "--once", "--json"], ask);
        assert_eq!(code(&output), 0, "{output:?}");
        let said: Vec<Value> =
            out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answer = said.iter().find(|message| message["sender"] == "echo").unwrap();
        assert_eq!(answer["content"]["result"]["handled"], handled);
    }
    let store = folder.path().join("agents.db").display().to_string();
    let output = run(&["store", &store, "--json"]);
    assert_eq!(code(&output), 0, "{output:?}");
    let found: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(found["agents"][0]["name"], "echo");
    assert!(out(&run(&["store", &store])).contains("echo"));
    let output = run(&["store", &system]);
    assert_eq!(code(&output), 4, "{output:?}");
}

#[cfg(unix)]
#[test]
fn what_a_store_grants_counts_as_far_as_the_ceiling_of_its_system() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let grants = "grants = { dirs = { \"/data\" = [\"data\", \"ro\"] } }";
    let text = SYSTEM.replace("WORKER", &worker()).replace("store = \"agents.db\"", "STORE");
    let text = text.replace("grants = { send_to = [\"host\"] }", grants);
    std::fs::create_dir(folder.path().join("keep")).unwrap();
    let store = "store = \"keep/agents.db\"";
    let below = format!("{store}\n[ceiling]\n{grants}\n");
    for (begin, held) in [(store, false), (store, true), (below.as_str(), false)] {
        let system = write(&folder, "system.toml", &text.replace("STORE", begin));
        let output = type_in(&["run", &system, "--once"], "");
        assert_eq!(code(&output), 0, "{output:?}");
        let told = err(&output).contains("suspended") && err(&output).contains("dirs \"/data\"");
        assert_eq!(told, held, "{output:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_system_goes_on_until_ctrl_c_and_holds_its_store() {
    let folder = folder();
    let system = write(&folder, "system.toml", &SYSTEM.replace("WORKER", &worker()));
    let mut child = caxton().args(["run", &system]).spawn().unwrap();
    wait_for(&mut child, "1 agents run");
    let output = run(&["run", &system]);
    assert_eq!(code(&output), 4, "{output:?}");
    let store = folder.path().join("agents.db").display().to_string();
    assert_eq!(code(&run(&["store", &store])), 4);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(code(&run(&["store", &store])), 0);
}

#[test]
fn a_system_file_that_is_wrong_is_said_with_the_line() {
    let folder = folder();
    for (text, line, part) in [
        ("store = \"a.db\"\ncolour = 1\n", 2, "unknown field `colour`"),
        ("\n[[agent]]\nmodule = \"a.wasm\"\nfoo = 1\n", 4, "unknown field `foo`"),
        ("[limits]\n\nmax_tea = 1\n", 3, "max_tea"),
        ("[[agent]]\nmodule = \"a.wasm\"\n[agent.limits]\nmax_timers = \"many\"\n", 4, "\"none\""),
        ("[[agent]]\nmodule = \"a.wasm\"\nrestart = \"sometimes\"\n", 1, "sometimes"),
        ("[[agent]]\nmodule = \"a.wasm\"\ngrants = { fly = true }\n", 1, "fly"),
        ("[[agent]]\nname = \"a\"\n", 1, "module"),
        ("[ceiling]\ngrants = { fly = true }\n", 1, "fly"),
        ("[ceiling]\n\ncolour = 1\n", 3, "colour"),
        ("[ceiling.limits]\n\nmax_tea = 1\n", 3, "max_tea"),
        ("store = \n", 1, ""),
    ] {
        let system = write(&folder, "system.toml", text);
        let output = run(&["run", &system, "--once"]);
        assert_eq!(code(&output), 2, "{text}: {output:?}");
        let error = err(&output);
        assert!(error.contains(&format!("system.toml, line {line}: ")), "{text}: {error}");
        assert!(error.contains(part), "{text}: {error}");
    }
    let system = write(&folder, "system.toml", "\n[[agent]]\nmodule = \"nowhere.wasm\"\n");
    let output = run(&["run", &system, "--once"]);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(err(&output).contains("line 2") && err(&output).contains("nowhere.wasm"), "{output:?}");
    assert_eq!(code(&run(&["run", "/nowhere.toml"])), 2);
}

#[test]
fn an_agent_is_measured() {
    let output = run(&["bench", &worker(), "--seconds", "0.1", "--json"]);
    assert_eq!(code(&output), 0, "{output:?}");
    let figures: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(figures["answer"], "inform");
    assert!(figures["asks_per_second"].as_f64().unwrap() > 0.0);
    assert!(figures["ask_median_micros"].as_f64().unwrap() > 0.0);
    let told = run(&["bench", &worker(), "--message", r#"{"performative": "inform"}"#]);
    assert_eq!(code(&told), 2, "{told:?}");
}

#[test]
fn a_project_is_made_in_each_language() {
    let folder = folder();
    let path = folder.path().display().to_string();
    for language in ["rust", "assemblyscript", "go", "c", "javascript", "python"] {
        let name = format!("in-{language}");
        let output = run(&["new", &name, "--lang", language, "--path", &path, "--json"]);
        assert_eq!(code(&output), 0, "{output:?}");
        let made: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!(made["language"], language);
        let project = folder.path().join(&name);
        for file in ["Makefile", "README.md", ".gitignore", "caxton-sdk/README.md"] {
            assert!(project.join(file).is_file(), "{language}: {file}");
        }
        let makefile = std::fs::read_to_string(project.join("Makefile")).unwrap();
        assert!(makefile.contains(&format!("{name}.wasm")), "{makefile}");
        let left: Vec<_> = texts(&project)
            .into_iter()
            .filter(|(path, text)| {
                !path.contains("caxton-sdk")
                    && ["my-agent", "my_agent", "../caxton-sdk"].iter().any(|it| text.contains(it))
            })
            .collect();
        assert!(left.is_empty(), "{left:?}");

        let again = run(&["new", &name, "--lang", language, "--path", &path]);
        assert_eq!(code(&again), 2, "{again:?}");
        assert!(err(&again).contains("is there already"), "{again:?}");
    }
    for name in ["Hello", "", "1st", "a b", "../up", "core", "ends-", &"a".repeat(65)] {
        let output = run(&["new", name, "--lang", "c", "--path", &path]);
        assert_eq!(code(&output), 2, "{name}: {output:?}");
    }
    // As the README has it: the folder is made here.
    let here = caxton()
        .args(["new", "my-agent", "--lang", "rust"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&here), 0, "{here:?}");
    assert!(folder.path().join("my-agent/Makefile").is_file());
    assert_eq!(code(&run(&["new", "hello", "--lang", "cobol"])), 2);
    assert_eq!(code(&run(&["new", "hello", "--lang", "c", "--path", "/nowhere"])), 5);
}

/// All files of a folder that are text, with their paths.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[test]
fn what_a_language_lacks_is_said() {
    let folder = folder();
    let path = folder.path().display().to_string();
    for (language, part) in [
        ("rust", "rustup"),
        ("assemblyscript", "nodejs.org"),
        ("go", "go.dev"),
        ("c", "WASI SDK"),
        ("python", "Python 3.10"),
    ] {
        let mut command = caxton();
        command.args(["new", &format!("lacks-{language}"), "--lang", language, "--path", &path]);
        let output = command.env("PATH", "").env_remove("WASI_SDK_PATH").output().unwrap();
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(err(&output).contains("missing: ") && err(&output).contains(part), "{output:?}");
    }
}

#[test]
fn completions_and_help() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(out(&output).contains("run-agent"), "{shell}");
    }
    assert!(out(&run(&["--help"])).contains("Exit codes:"));
    assert!(out(&run(&["run", "--help"])).contains("[[agent]]"));
    assert_eq!(code(&run(&["fly"])), 2);
    assert_eq!(code(&run(&[])), 2);
    assert_eq!(out(&run(&["--version"])).trim(), concat!("caxton ", env!("CARGO_PKG_VERSION")));
}
