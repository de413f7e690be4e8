//! A store whose bytes somebody has changed.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use caxton::blocking::block_on;
use caxton::{ErrorKind, Runtime};
use caxton_fuzz::{Step, deploy, run};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
enum Edit {
    Write(u16, Vec<u8>),
    /// Changes one page's bytes, where the tables are.
    Flip(u8, u16, u8),
    Cut(u16),
    Add(Vec<u8>),
}

fuzz_target!(|edits: Vec<Edit>| {
    let path = folder().join("changed.db");
    let mut bytes = original().to_vec();
    for edit in &edits {
        match edit {
            Edit::Write(at, with) => {
                for (byte, with) in bytes.iter_mut().skip(usize::from(*at)).zip(with) {
                    *byte = *with;
                }
            }
            Edit::Flip(page, at, with) => {
                let at = usize::from(*page) * 4096 + usize::from(*at) % 4096;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= with;
                }
            }
            Edit::Cut(len) => bytes.truncate(usize::from(*len)),
            Edit::Add(more) => bytes.extend_from_slice(more),
        }
    }
    std::fs::write(&path, &bytes).expect("a file");
    for end in ["-wal", "-shm"] {
        drop(std::fs::remove_file(path.with_extension(format!("db{end}"))));
    }
    if let Err(error) = caxton::inspect_store(&path) {
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    }
    match Runtime::builder().workers(1).store(&path).build() {
        Ok(runtime) => block_on(runtime.close()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Store, "{error}");
            let left = std::fs::read(&path).expect("the file is still there");
            assert!(left == bytes, "a store that was refused was changed: {error}");
        }
    }
});

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("caxton-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

/// A store with a bit of everything.
fn original() -> &'static [u8] {
    static ORIGINAL: OnceLock<Vec<u8>> = OnceLock::new();
    ORIGINAL.get_or_init(|| {
        let path = folder().join("original.db");
        drop(std::fs::remove_file(&path));
        let runtime = Runtime::builder().workers(1).store(&path).build().expect("a store");
        let (a, _b) = (deploy(&runtime, "a"), deploy(&runtime, "b"));
        let key = |call: u8| Step { call, relative: 0, args: [16, 8, 16, 40] };
        drop(run(&runtime, "a", &[key(7)], ""));
        let timer = Step { call: 5, relative: 0, args: [1 << 40, 0, 0, 0] };
        drop(run(&runtime, "a", &[timer], ""));
        block_on(a.suspend()).expect("it is there");
        block_on(a.send(&"waiting")).expect("its mailbox is empty");
        block_on(runtime.close());
        std::fs::read(path).expect("the file")
    })
}
