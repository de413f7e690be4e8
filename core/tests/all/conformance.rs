//! The cases of `tests/conformance`, which every language runs.

mod expect;
mod step;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder that the cases, the built agents and all relative paths belong to.
pub fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

#[test]
fn every_case() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(tests_folder().join("conformance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "tests/conformance has no cases");
    let (mut cases, mut failures) = (0, Vec::new());
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let list: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|wrong| panic!("{file}: {wrong}"));
        let mut names = std::collections::HashSet::new();
        for case in list {
            let name = case["name"].as_str().unwrap_or("(a case without a name)").to_owned();
            if !names.insert(name.clone()) {
                failures.push(format!("{file}: two cases are called {name:?}"));
            }
            for (each, result) in run_case(&case) {
                cases += 1;
                if let Err(wrong) = result {
                    failures.push(format!("{file}: {name}{each}: {wrong}"));
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// Runs a case, once for each agent that it is meant for.
fn run_case(case: &Value) -> Vec<(String, Result<(), String>)> {
    const KNOWN: [&str; 5] = ["name", "modules", "each", "runtime", "steps"];
    let wrong = |text: String| vec![(String::new(), Err(text))];
    let Some(object) = case.as_object() else {
        return wrong("a case is an object".to_owned());
    };
    if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return wrong(format!("unknown field {key:?}"));
    }
    match case.get("each") {
        None => vec![(String::new(), step::run(case, None))],
        Some(Value::Array(each)) => each
            .iter()
            .map(|agent| {
                let agent = agent.as_str().unwrap_or_default();
                (format!(" [{agent}]"), step::run(case, Some(agent)))
            })
            .collect(),
        Some(_) => wrong("`each` is an array of names".to_owned()),
    }
}
