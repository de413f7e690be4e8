//! Takes the projects of `caxton new` along: the template of each language, and its kit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const LANGUAGES: [&str; 6] = ["rust", "assemblyscript", "go", "c", "javascript", "python"];

/// What is built or installed, and what only the kit's own authors need.
const LEFT_OUT: [&str; 12] = [
    "node_modules",
    "target",
    "build",
    "dist",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "my-agent.wasm",
    "a.out",
    "testdata",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let guest = root.join("../guest");
    let mut out = String::from(
        "/// Language, path in the project, content.\npub static FILES: &[(&str, &str, &[u8])] = &[\n",
    );
    for language in LANGUAGES {
        let folder = guest.join(language);
        take(&mut out, language, &folder.join("template"), Path::new(""), false)?;
        take(&mut out, language, &folder.join("caxton-sdk"), Path::new("caxton-sdk"), true)?;
    }
    out.push_str("];\n");
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("files.rs");
    fs::write(target, out)
}

fn take(
    out: &mut String,
    language: &str,
    folder: &Path,
    to: &Path,
    is_kit: bool,
) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().map_err(|name| {
            io::Error::other(format!("{} in {}", name.display(), folder.display()))
        })?;
        let is_left_out = LEFT_OUT.contains(&name.as_str())
            || name.ends_with(".pyc")
            || name.ends_with(".wasm")
            // A kit's own tests are no part of a project.
            || is_kit && ["test", "tests"].contains(&name.as_str());
        if is_left_out {
            continue;
        }
        let (path, to) = (entry.path(), to.join(&name));
        if path.is_dir() {
            take(out, language, &path, &to, is_kit)?;
        } else {
            println!("cargo::rerun-if-changed={}", path.display());
            let path = fs::canonicalize(&path)?;
            let to = to.to_string_lossy().replace('\\', "/");
            writeln!(
                out,
                "({language:?}, {to:?}, include_bytes!({:?})),",
                path.display().to_string()
            )
            .map_err(io::Error::other)?;
        }
    }
    Ok(())
}
