//! `caxton inspect`.

use std::path::PathBuf;

use caxton::{Inspection, Wasm, printable};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::fail::{Failure, MODULE};
use crate::progress::Progress;
use crate::show::{BAD, BOLD, GOOD, Show, WARNING, bytes};

#[derive(Args)]
pub struct Inspect {
    /// A module or component: WebAssembly, or its text format
    wasm: PathBuf,
}

impl Inspect {
    pub fn run(self, show: &mut Show) -> Result<(), Failure> {
        let found = {
            let _progress = Progress::begin(show, format!("reading {}", self.wasm.display()));
            Wasm::file(&self.wasm).inspect()?
        };
        let name = self.wasm.display().to_string();
        show.found(|| to_json(&name, &found), || lines(&name, &found))?;
        if found.missing.is_empty() {
            return Ok(());
        }
        // What is missing has been said.
        Err(Failure::new(MODULE, "invalid_module", ""))
    }
}

fn to_json(name: &str, found: &Inspection) -> Value {
    let sections: Map<String, Value> =
        found.sections.iter().map(|it| (it.name.clone(), it.bytes.into())).collect();
    let exports: Vec<_> =
        found.exports.iter().map(|it| json!({"name": it.name, "type": it.ty})).collect();
    let imports: Vec<_> = found
        .imports
        .iter()
        .map(|it| json!({"module": it.module, "name": it.name, "type": it.ty}))
        .collect();
    json!({
        "file": name,
        "can_be_an_agent": found.missing.is_empty(),
        "missing": found.missing,
        "advice": found.advice,
        "start": found.start,
        "inbox": found.inbox,
        "bytes": found.bytes,
        "memory_bytes": found.memory_bytes,
        "max_memory_bytes": found.max_memory_bytes,
        "compile_millis": found.compile_millis,
        "compile_function_millis": found.compile_function_millis,
        "compile_function_bytes": found.compile_function_bytes,
        "producers": found.producers,
        "allocators": found.allocators,
        "exports": exports,
        "imports": imports,
        "sections": sections,
    })
}

fn lines(name: &str, found: &Inspection) -> Vec<String> {
    let mut lines = Vec::new();
    if found.missing.is_empty() {
        lines.push(format!("{BOLD}{name}{BOLD:#} {GOOD}can be an agent{GOOD:#}"));
    } else {
        lines.push(format!("{BOLD}{name}{BOLD:#} {BAD}cannot be an agent{BAD:#}"));
        lines.extend(found.missing.iter().map(|line| format!("  {}", printable(line))));
    }
    for advice in &found.advice {
        lines.push(format!("{WARNING}advice{WARNING:#}: {advice}"));
    }
    lines.push(String::new());
    if let Some(start) = found.start {
        lines.push(format!("starts as     {start}"));
    }
    if let Some(inbox) = found.inbox.filter(|inbox| found.start != Some(*inbox)) {
        lines.push(format!("messages to   {inbox}"));
    }
    lines.push(format!("size          {}", bytes(found.bytes)));
    let most = found.max_memory_bytes.map(|most| format!(", {} at the most", bytes(most)));
    lines.push(format!(
        "memory        {} at the start{}",
        bytes(found.memory_bytes),
        most.unwrap_or_default()
    ));
    lines.push(format!(
        "compiling     about {} ms, {} ms and {} for one function at the most",
        found.compile_millis,
        found.compile_function_millis,
        bytes(found.compile_function_bytes)
    ));
    if !found.producers.is_empty() {
        let producers: Vec<_> = found.producers.iter().map(|it| printable(it)).collect();
        lines.push(format!("made by       {}", producers.join(", ")));
    }
    let mut sections: Vec<_> = found.sections.iter().collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.bytes));
    list(&mut lines, "exports", found.exports.iter().map(|it| (it.name.clone(), it.ty.clone())));
    list(
        &mut lines,
        "imports",
        found.imports.iter().map(|it| (format!("{}.{}", it.module, it.name), it.ty.clone())),
    );
    list(&mut lines, "sections", sections.iter().map(|it| (it.name.clone(), bytes(it.bytes))));
    lines
}

fn list(lines: &mut Vec<String>, title: &str, entries: impl Iterator<Item = (String, String)>) {
    let entries: Vec<_> = entries.map(|(name, of)| (printable(&name), printable(&of))).collect();
    if entries.is_empty() {
        return;
    }
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(44);
    lines.push(String::new());
    lines.push(format!("{BOLD}{title}{BOLD:#}"));
    lines.extend(entries.iter().map(|(name, of)| format!("  {name:width$}  {of}")));
}
