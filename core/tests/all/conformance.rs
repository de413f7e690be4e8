//! The cases of `tests/conformance`, which every language runs.

pub mod expect;
mod folder;
mod inspected;
mod negotiate;
pub mod step;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

/// Cases that run at once; most of their time they wait.
const AT_ONCE: usize = 4;

/// The folder that the cases and the built agents belong to.
pub fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

#[test]
fn every_case() {
    let runs = Mutex::new(read_all());
    let count = runs.lock().unwrap().len();
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(run) = runs.lock().unwrap().pop() else { return };
                    let result = step::run(&run.case, run.each.as_deref());
                    if let Err(wrong) = result {
                        failures.lock().unwrap().push(format!("{}: {wrong}", run.label));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    println!("{count} cases");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// A case, and the agent that it is run with if it is meant for several.
struct Run {
    label: String,
    case: Value,
    each: Option<String>,
}

fn read_all() -> Vec<Run> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(tests_folder().join("conformance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "tests/conformance has no cases");
    let part = std::env::var("CAXTON_CASE").unwrap_or_default();
    files.iter().flat_map(|path| read(path)).filter(|run| run.label.contains(&part)).collect()
}

fn read(path: &Path) -> Vec<Run> {
    const KNOWN: [&str; 6] = ["name", "modules", "each", "folder", "runtime", "steps"];
    let file = path.file_name().unwrap().to_string_lossy();
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|wrong| panic!("{file}: {wrong}"));
    let mut names = HashSet::new();
    let mut runs = Vec::new();
    for case in cases {
        let object = case.as_object().unwrap_or_else(|| panic!("{file}: a case is an object"));
        let name = object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            panic!("{file}: {name}: unknown field {key:?}");
        }
        assert!(!name.is_empty(), "{file}: a case without a name");
        assert!(names.insert(name.clone()), "{file}: two cases are called {name:?}");
        let label = format!("{file}: {name}");
        match case.get("each").cloned() {
            None => runs.push(Run { label, case, each: None }),
            Some(each) => {
                for agent in each.as_array().unwrap() {
                    let agent = agent.as_str().unwrap();
                    let label = format!("{label} [{agent}]");
                    runs.push(Run { label, case: case.clone(), each: Some(agent.to_owned()) });
                }
            }
        }
    }
    runs
}
