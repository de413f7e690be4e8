//! The cases of `tests/hostile`, which every language runs: modules and agents that mean harm, while
//! honest ones keep answering.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use caxton::{Deploy, Runtime};
use serde_json::{Map, Value, json};

use crate::child;
use crate::conformance::{step, tests_folder};
use crate::support::{content, draft, until, wait};

const HONEST_AGENTS: usize = 10;
/// The deadline of each honest ask.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long closing may take, where a case says nothing else.
const CLOSE_SECONDS: f64 = 10.0;
/// What may stand in a case beside what its deployment says.
const CASE: [&str; 11] = [
    "name",
    "module",
    "generate",
    "bytes",
    "deploy_error",
    "answers",
    "steps",
    "state",
    "logs",
    "stats",
    "close",
];
const DEPLOYMENT: [&str; 6] =
    ["limits", "content_limits", "compile_limits", "capabilities", "restart", "config"];

#[test]
fn every_case() {
    const NAME: &str = "hostile_agents::every_case";
    if !child::is_here(NAME) {
        // What compiles is not to be kept, and a crash is to cost this test alone.
        child::run(NAME, &[("CAXTON_CACHE_DIR", "")]);
        return;
    }
    each_case("cases.json", run);
    until("all threads are gone", || child::threads().is_empty());
}

/// Runs every case of a file of `tests/hostile`, or those whose names have a part that the environment says.
pub fn each_case(file: &str, run: impl Fn(&Map<String, Value>) -> Result<(), String>) {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    let cases: Vec<Map<String, Value>> = serde_json::from_str(&text).unwrap();
    let only = std::env::var("CAXTON_HOSTILE").unwrap_or_default();
    let mut names = HashSet::new();
    let mut failures = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        assert!(names.insert(name), "two cases are called {name:?}");
        if !name.contains(&only) {
            continue;
        }
        let begun = Instant::now();
        if let Err(wrong) = run(case) {
            failures.push(format!("{name}: {wrong}"));
        }
        println!("{name}: {:?}", begun.elapsed());
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

pub fn folder() -> PathBuf {
    tests_folder().join("hostile")
}

/// Runs one case in a runtime of its own.
fn run(case: &Map<String, Value>) -> Result<(), String> {
    let known = |key: &&String| CASE.contains(&key.as_str()) || DEPLOYMENT.contains(&key.as_str());
    if let Some(key) = case.keys().find(|key| !known(key)) {
        return Err(format!("unknown key {key:?}"));
    }
    let runtime = Runtime::builder().workers(2).build().unwrap();
    let names = (0..HONEST_AGENTS).map(honest_name);
    let honest = Deploy::file(folder().join("honest.wat"));
    wait(runtime.deploy_many(honest, names)).unwrap();
    let stop = AtomicBool::new(false);
    let (result, asked) = std::thread::scope(|scope| {
        let asker = scope.spawn(|| keep_asking(&runtime, &stop));
        let result = step::run_in(&runtime, modules(case), None, &steps(case));
        stop.store(true, Ordering::Relaxed);
        (result, asker.join().unwrap())
    });
    let asked = asked.and_then(|()| (0..HONEST_AGENTS).try_for_each(|n| ask_honest(&runtime, n)));
    let seconds = case.get("close").map_or(CLOSE_SECONDS, |seconds| seconds.as_f64().unwrap());
    let timeout = Duration::from_secs_f64(seconds);
    let begun = Instant::now();
    wait(runtime.close_within(timeout));
    let closed = begun.elapsed();
    result?;
    asked?;
    if closed > timeout + DEADLINE {
        return Err(format!("closing took {closed:?}, with a timeout of {timeout:?}"));
    }
    Ok(())
}

fn honest_name(n: usize) -> String {
    format!("honest-{n}")
}

/// Asks the honest agents in turn until `stop`.
fn keep_asking(runtime: &Runtime, stop: &AtomicBool) -> Result<(), String> {
    let mut turn = (0..HONEST_AGENTS).cycle();
    while !stop.load(Ordering::Relaxed) {
        ask_honest(runtime, turn.next().unwrap())?;
    }
    Ok(())
}

fn ask_honest(runtime: &Runtime, n: usize) -> Result<(), String> {
    let name = honest_name(n);
    let message = draft(json!({
        "performative": "request", "receiver": name, "reply_with": "honest",
    }));
    let reply = wait(runtime.ask(message).timeout(DEADLINE))
        .map_err(|error| format!("{name} did not answer: {error:?}"))?;
    if reply.sender() != name || content(&reply) != "honest" {
        return Err(format!("{name} answered {reply:?}"));
    }
    Ok(())
}

/// The modules of the folder, and the one that the case brings along.
pub fn modules(case: &Map<String, Value>) -> Value {
    let prelude = std::fs::read_to_string(folder().join("prelude.wat")).unwrap();
    let mut modules = Map::new();
    for entry in std::fs::read_dir(folder().join("modules")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap().replacen(";; prelude", &prelude, 1);
        modules.insert(name, json!([text]));
    }
    if let Some(what) = case.get("generate") {
        modules.insert("generated".to_owned(), json!([generate(what)]));
    }
    modules.into()
}

/// A module that is too long to be kept as a file.
pub fn generate(what: &Value) -> String {
    let (kind, count) = what.as_object().unwrap().iter().next().unwrap();
    let count = count.as_u64().unwrap() as usize;
    let long = "x".repeat(count);
    let parts = match kind.as_str() {
        "functions" => "(func)".repeat(count),
        "padding" => format!(";;{long}\n"),
        "long_export" => format!("(func (export \"{long}\"))"),
        "long_import" => format!("(import \"caxton\" \"{long}\" (func))"),
        "long_function_name" => format!("(func ${long})"),
        "imports" => format!("(import \"caxton\" \"{}\" (func))", "x".repeat(50_000)).repeat(count),
        "bindgen_imports" => "(import \"wbg\" \"f\" (func))".repeat(count),
        "blocks" => format!("(func {} {})", "block ".repeat(count), "end ".repeat(count)),
        "loops_with_locals" => {
            let locals = "i32 ".repeat(count);
            let add = |at| format!("(local.set {at} (i32.add (local.get {at}) (i32.const 1)))");
            let adds: String = (0..count).map(add).collect();
            let ends = "(br_if 0 (local.get 0)) end ".repeat(count);
            format!("(func (local {locals}) {} {adds} {ends})", "loop ".repeat(count))
        }
        "empty_loops" => format!("(func {})", "loop end ".repeat(count)),
        "loops_with_parameters" => {
            let one = "i32.const 1 i32.const 2 loop (param i32 i32) drop drop end ";
            format!("(func {})", one.repeat(count))
        }
        "additions" => {
            format!("(func i32.const 0 {} drop)", "i32.const 1 i32.add ".repeat(count))
        }
        "element_items" => format!("(func) (elem func {})", "0 ".repeat(count)),
        "element_expressions" => {
            let expressions = "(item ref.func 0) (item ref.null func) ".repeat(count / 2);
            format!("(func) (elem funcref {expressions})")
        }
        "types" => {
            let digit =
                |at: usize, place: u32| ["i32", "i64", "f32", "f64"][at / 4_usize.pow(place) % 4];
            let params = |at| (0..9).map(|place| digit(at, place)).collect::<Vec<_>>().join(" ");
            (0..count).map(|at| format!("(type (func (param {})))", params(at))).collect()
        }
        "constant_expression" => {
            format!("(global i32 i32.const 0 {})", "i32.const 1 i32.add ".repeat(count))
        }
        "computed_globals" => {
            format!("(func) {}", "(global funcref (ref.func 0))".repeat(count))
        }
        "computed_data" => "(data (offset i32.const 0 i32.const 0 i32.add) \"x\")".repeat(count),
        "clauses" => {
            let half = "(catch $tag $caught)".repeat(count / 2);
            format!(
                "(tag $tag) (func (block $caught (try_table {half} (try_table {half} (throw $tag)))))"
            )
        }
        "calls_in_try" => {
            let locals = "i32 ".repeat(100);
            let begin: String = (0..100)
                .map(|at| format!("(local.set {at} (i32.load (i32.const {at})))"))
                .collect();
            let calls: String =
                (0..count).map(|at| format!("(local.set {} (call $f))", at % 100)).collect();
            let end: String = (0..100)
                .map(|at| format!("(i32.store (i32.const {at}) (local.get {at}))"))
                .collect();
            format!(
                "(tag $tag) (func $f (result i32) (throw $tag)) (func (local {locals}) {begin} (block $caught \
                 (try_table (catch $tag $caught) {calls})) {end})"
            )
        }
        "branch_table_entries" => {
            let one = format!("(block (br_table {} (local.get 0)))", "0 ".repeat(1000));
            format!("(func (param i32) {})", one.repeat(count / 1000))
        }
        other => panic!("unknown module {other:?}"),
    };
    let handler = "(func (export \"handle_message\") (param i32 i32) (result i32) (i32.const 7))";
    format!("(module {parts} (memory (export \"memory\") 1) {handler})")
}

/// The steps of a case: its short forms are written out as steps of the conformance cases.
fn steps(case: &Map<String, Value>) -> Vec<Value> {
    let name = &case["name"];
    let mut steps = Vec::new();
    if ["module", "generate", "bytes"].iter().any(|key| case.contains_key(*key)) {
        let mut deploy = Map::from_iter([("name".to_owned(), name.clone())]);
        for key in DEPLOYMENT {
            if let Some(value) = case.get(key) {
                deploy.insert(key.to_owned(), value.clone());
            }
        }
        let module = match (case.get("bytes"), case.get("generate"), case.get("module")) {
            (Some(hex), ..) => json!(format!("bytes:{}", hex.as_str().unwrap())),
            (_, Some(_), _) => json!("generated"),
            (.., module) => module.cloned().unwrap_or_default(),
        };
        deploy.insert("module".to_owned(), module);
        let mut step = json!({"deploy": deploy});
        if let Some(error) = case.get("deploy_error") {
            step["error"] = error.clone();
        }
        steps.push(step);
    }
    let list = |key: &str| case.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for expected in list("answers") {
        let ask = json!({"performative": "request", "receiver": name, "reply_with": "r1"});
        steps.push(json!({"ask": ask, "expect": expected}));
    }
    steps.extend(list("steps"));
    for key in ["stats", "state", "logs"] {
        if let Some(expected) = case.get(key) {
            steps.push(json!({(key): name, "expect": expected, "eventually": true}));
        }
    }
    steps
}
