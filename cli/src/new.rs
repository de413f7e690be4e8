//! `caxton new`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use clap::Args;
use serde_json::json;

use crate::fail::{Failure, WRONG_USE};
use crate::show::{BOLD, GOOD, Show, WARNING};
use crate::templates::Language;

/// The longest name of a project.
const MAX_NAME: usize = 64;
/// Names that a language has given away.
const TAKEN: [&str; 8] = ["alloc", "caxton", "caxton-sdk", "core", "main", "std", "test", "tests"];

#[derive(Args)]
pub struct New {
    /// The agent's name, which is its folder's too: lower-case letters, digits and hyphens
    name: String,

    /// The language that it is written in
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,

    /// The folder in which the project is made; the current one if left out
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

impl New {
    pub fn run(self, show: &mut Show) -> Result<(), Failure> {
        check_name(&self.name)?;
        let folder = self.path.clone().unwrap_or_default().join(&self.name);
        if let Err(error) = fs::create_dir(&folder) {
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => Failure::new(
                    WRONG_USE,
                    "name_taken",
                    format!("{} is there already; choose another name", folder.display()),
                ),
                _ => Failure::file(&folder, &error),
            });
        }
        if let Err(failure) = self.write(&folder) {
            // Half a project is of no use; what cannot be removed stays.
            let _ = fs::remove_dir_all(&folder);
            return Err(failure);
        }
        let wasm = folder.join(format!("{}.wasm", self.name));
        let missing = missing_tools(self.lang);
        let to_install: Vec<_> = missing.iter().map(|tool| tool.install).collect();
        show.found(
            || {
                json!({
                    "name": self.name,
                    "language": self.lang.as_str(),
                    "folder": folder.display().to_string(),
                    "wasm": wasm.display().to_string(),
                    "to_install": to_install,
                })
            },
            || {
                vec![
                    format!("{GOOD}made{GOOD:#} {}, an agent in {}", folder.display(), self.lang.name()),
                    String::new(),
                    format!("  {BOLD}make -C {}{BOLD:#}", folder.display()),
                    format!(
                        "  {BOLD}caxton run-agent {} --message '{{\"action\": \"greet\", \"name\": \"Ada\"}}'{BOLD:#}",
                        wasm.display()
                    ),
                    String::new(),
                    format!("make -C {} test runs its tests", folder.display()),
                ]
            },
        )?;
        for tool in missing {
            show.remark(format!(
                "{WARNING}missing{WARNING:#}: {}; to build it, install {}",
                tool.name, tool.install
            ));
        }
        Ok(())
    }

    fn write(&self, folder: &Path) -> Result<(), Failure> {
        for (path, content) in self.lang.project(&self.name) {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
            }
            fs::write(&path, content).map_err(|error| Failure::file(&path, &error))?;
        }
        Ok(())
    }
}

/// The name is one of a crate, a package of npm, a module of Go and a file.
fn check_name(name: &str) -> Result<(), Failure> {
    let is_plain = name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !is_plain {
        return Err(Failure::wrong_use(format!(
            "{name:?} cannot be a project's name: it has lower-case letters, digits and hyphens, begins with \
             a letter, and {MAX_NAME} characters are the most"
        )));
    }
    if TAKEN.contains(&name) {
        let text = format!("{name:?} cannot be a project's name: it means something else already");
        return Err(Failure::wrong_use(text));
    }
    Ok(())
}

/// What a language needs to build an agent.
struct Tool {
    name: &'static str,
    install: &'static str,
    is_there: fn() -> bool,
}

const MAKE: Tool = Tool {
    name: "make",
    install: "make (a package of that name on Linux; xcode-select --install on macOS)",
    is_there: || runs("make"),
};
const NPM: Tool = Tool {
    name: "npm",
    install: "Node.js 20 or later from https://nodejs.org",
    is_there: || runs("npm"),
};

fn missing_tools(language: Language) -> Vec<Tool> {
    let mut needed = vec![MAKE];
    match language {
        Language::Rust => needed.extend([
            Tool { name: "cargo", install: "Rust from https://rustup.rs", is_there: || runs("cargo") },
            Tool {
                name: "Rust's target for WebAssembly",
                install: "it with: rustup target add wasm32-unknown-unknown",
                is_there: has_rust_target,
            },
        ]),
        Language::AssemblyScript | Language::JavaScript => needed.push(NPM),
        Language::Go => needed.push(Tool {
            name: "go",
            install: "Go 1.24 or later from https://go.dev/dl",
            is_there: || runs("go"),
        }),
        Language::C => needed.push(Tool {
            name: "clang for WebAssembly",
            install: "the WASI SDK, and set WASI_SDK_PATH to it; or, on Debian, clang lld wasi-libc \
                      libclang-rt-dev-wasm32",
            is_there: || env::var_os("WASI_SDK_PATH").is_some() || runs("clang"),
        }),
        Language::Python => needed.push(Tool {
            name: "python3",
            install: "Python 3.10 or later",
            is_there: || runs("python3"),
        }),
    }
    needed.retain(|tool| !(tool.is_there)());
    needed
}

/// Whether there is a program of this name.
fn runs(program: &str) -> bool {
    let Some(folders) = env::var_os("PATH") else { return false };
    env::split_paths(&folders).any(|folder| {
        let path = folder.join(program);
        path.is_file()
            || path.with_extension("exe").is_file()
            || path.with_extension("cmd").is_file()
    })
}

fn has_rust_target() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).stderr(Stdio::null()).output();
    sysroot.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&sysroot).join("lib/rustlib/wasm32-unknown-unknown").is_dir()
    })
}
