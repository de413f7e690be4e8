//! Linking a module's imports to the host's functions.

use wasmtime::{ExternType, FuncType, Linker, Module};

use super::assemblyscript;
use super::facts::{kind, signature};
use super::imports::{FUNCTIONS, HostFunction};
use crate::error::{Error, shown};
use crate::sandbox::fault::{Fault, FaultKind};
use crate::sandbox::host::Host;
use crate::sandbox::template::unfit;
use crate::sandbox::wasi;

/// The most imports that cannot be linked before the rest is not looked at: a module may have a
/// million.
const MAX_MISSING: usize = 1000;

/// Links every import of `module`, or says of each that could not be linked what it is, what was
/// expected, and the nearest name known.
pub(in crate::sandbox) fn link(module: &Module) -> Result<Linker<Host>, Error> {
    let mut linker = Linker::new(module.engine());
    // A module may import the same function twice.
    linker.allow_shadowing(true);
    let mut missing = Vec::new();
    let mut has_wasi = false;
    for import in module.imports() {
        if missing.len() == MAX_MISSING {
            missing.push("further imports, which were not looked at".to_owned());
            break;
        }
        let (from, name) = (import.module(), import.name());
        let found = import.ty();
        let ExternType::Func(found) = &found else {
            missing.push(format!(
                "import `{}.{}`: a {}; the host offers functions only",
                shown(from),
                shown(name),
                kind(&found)
            ));
            continue;
        };
        if from == wasi::MODULE {
            if wasi::FUNCTIONS.contains(&name) {
                has_wasi = true;
            } else {
                missing.push(unknown(from, name, found, wasi::FUNCTIONS.iter().copied()));
            }
            continue;
        }
        if is_bindgen(from) {
            stub(&mut linker, from, name, found)?;
            continue;
        }
        let known =
            FUNCTIONS.iter().chain(assemblyscript::FUNCTIONS.iter().filter(|_| from == "env"));
        match known.clone().find(|function| function.name == name) {
            None => missing.push(unknown(from, name, found, known.map(|function| function.name))),
            Some(function) => match fit(module, function, found) {
                Ok(keeps_result) => {
                    (function.define)(&mut linker, from, keeps_result).map_err(internal)?;
                }
                Err(wrong) => missing.push(format!("import `{}.{name}`: {wrong}", shown(from))),
            },
        }
    }
    if !missing.is_empty() {
        return Err(unfit("imports what the host does not offer", missing));
    }
    if has_wasi {
        wasi::link(&mut linker).map_err(internal)?;
    }
    Ok(linker)
}

/// Whether the guest declared the function's result, if its type fits at all.
fn fit(module: &Module, function: &HostFunction, found: &FuncType) -> Result<bool, String> {
    let engine = module.engine();
    let params = || function.params.iter().cloned();
    let whole = FuncType::new(engine, params(), function.result.clone());
    if whole.matches(found) {
        return Ok(true);
    }
    if function.result.is_some() && FuncType::new(engine, params(), None).matches(found) {
        return Ok(false);
    }
    Err(format!("expected {}, found {}", signature(&whole), signature(found)))
}

fn unknown<'a>(
    from: &str,
    name: &str,
    found: &FuncType,
    known: impl Iterator<Item = &'a str>,
) -> String {
    // A name may be 100,000 bytes long; comparing it would take long, and showing it helps nobody.
    let (from, name) = (shown(from), shown(name));
    let nearest = known.min_by_key(|candidate| strsim::damerau_levenshtein(candidate, &name));
    let hint =
        nearest.map(|nearest| format!("; the nearest name is `{nearest}`")).unwrap_or_default();
    format!("import `{from}.{name}` of type {}: not known{hint}", signature(found))
}

/// The modules that wasm-bindgen imports from, before and after its command-line tool.
fn is_bindgen(module: &str) -> bool {
    module.starts_with("__wbindgen_")
        || module == "wbg"
        || (module.starts_with("./") && module.ends_with("_bg.js"))
}

/// There is no JavaScript around an agent; a call of one of these is a trap.
fn stub(linker: &mut Linker<Host>, from: &str, name: &str, ty: &FuncType) -> Result<(), Error> {
    let called =
        format!("it called `{from}.{name}`, which only exists with wasm-bindgen in JavaScript");
    linker
        .func_new(from, name, ty.clone(), move |_, _, _| {
            Err(Fault::new(FaultKind::Trap, called.clone()).into())
        })
        .map(drop)
        .map_err(internal)
}

fn internal(error: wasmtime::Error) -> Error {
    Error::new(crate::error::ErrorKind::InvalidModule, format!("{error:#}"))
}
