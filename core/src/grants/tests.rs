//! Tests of grants and folders.
#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

#[test]
fn names_and_beginnings_of_names() {
    let grants = Grants {
        send_to: Some(vec!["a".to_owned(), "worker-*".to_owned(), "topic:news".to_owned()]),
        ..Grants::default()
    };
    for name in ["a", "worker-", "worker-12", "topic:news"] {
        assert!(grants.may_send_to(name), "{name}");
    }
    for name in ["b", "ab", "worker", "topic:new", "topic:news2", "*"] {
        assert!(!grants.may_send_to(name), "{name}");
    }
    assert!(Grants::default().may_send_to("anybody"));
    assert!(!Grants::default().may_observe("anybody"));
}

fn grants(send_to: &[&str]) -> Option<Vec<String>> {
    Some(send_to.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn what_two_lists_of_names_allow() {
    for (one, other, both) in [
        (None, None, None),
        (None, grants(&["a"]), grants(&["a"])),
        (grants(&["a", "b"]), grants(&["b", "c"]), grants(&["b"])),
        (grants(&["a*"]), grants(&["ab", "c"]), grants(&["ab"])),
        (grants(&["ab*", "c"]), grants(&["a*"]), grants(&["ab*"])),
        (grants(&["*"]), grants(&["a*", "b"]), grants(&["a*", "b"])),
        (grants(&[]), grants(&["*"]), grants(&[])),
    ] {
        assert_eq!(super::ceiling::meet(one.clone(), other.clone()), both, "{one:?} {other:?}");
        let sorted = |list: Option<Vec<String>>| {
            list.map(|mut list| {
                list.sort();
                list
            })
        };
        assert_eq!(sorted(super::ceiling::meet(other, one)), sorted(both));
    }
}

#[cfg(unix)]
mod folders {
    use std::collections::HashSet;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::error::ErrorKind;
    use crate::grants::folder::{Found, Links};
    use crate::grants::granted::Held;
    use crate::grants::{Access, check_store};

    /// A folder of its own for a test.
    struct Here(PathBuf);

    impl Here {
        fn new() -> Self {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("caxton-walk-{}-{number}", std::process::id());
            let path = std::env::temp_dir().canonicalize().unwrap().join(name);
            std::fs::create_dir_all(path.join("a/b")).unwrap();
            std::fs::write(path.join("file"), "").unwrap();
            Here(path)
        }
    }

    impl Drop for Here {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    fn walk(path: &Path) -> Result<PathBuf, ErrorKind> {
        let stored = HashSet::new();
        let found = Found::walk(path, Links::NotPlanted(&stored));
        found.map(|found| found.place.clone()).map_err(|error| error.kind())
    }

    #[test]
    fn a_walk_comes_to_where_the_system_comes_to() {
        let here = Here::new();
        let at = |name: &str| here.0.join(name);
        symlink("a", at("to-a")).unwrap();
        symlink(at("a/b"), at("to-b")).unwrap();
        symlink("../to-a/./b//..", at("a/round")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("file", at("to-file")).unwrap();
        symlink("/", at("root")).unwrap();
        let inside = format!("root{}/a", here.0.display());
        for name in [
            "",
            ".",
            "a",
            "a/",
            "a/b/..",
            "a/b/../..",
            "to-a",
            "to-a/b",
            "to-b/..",
            "a/round/b",
            "to-b/../../to-a",
            "root",
            "root/..",
            &inside,
            "file",
            "to-file",
            "file/..",
            "circle",
            "circle/a",
            "dangling",
            "nowhere",
            "nowhere/..",
        ] {
            let path = at(name);
            let wanted = path.canonicalize().ok().filter(|path| path.is_dir());
            assert_eq!(walk(&path).ok(), wanted, "{name}");
        }
        assert_eq!(walk(Path::new("/")).unwrap(), Path::new("/"));
        assert_eq!(walk(Path::new(".")).unwrap(), std::env::current_dir().unwrap());
        assert_eq!(walk(Path::new("")), Err(ErrorKind::InvalidArgument));
        assert_eq!(walk(&at("circle")), Err(ErrorKind::InvalidArgument));
        // A path that was found before has no links on it.
        for (name, kind) in
            [("to-a/b", ErrorKind::PermissionDenied), ("dangling", ErrorKind::PermissionDenied)]
        {
            let error = Found::walk(&at(name), Links::None).err().unwrap();
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert!(Found::walk(&at("a/b"), Links::None).is_ok());
    }

    #[test]
    fn a_handle_leads_to_the_folder_wherever_it_is() {
        let here = Here::new();
        let found = Found::walk(&here.0.join("a"), Links::None).unwrap();
        std::fs::rename(here.0.join("a"), here.0.join("away")).unwrap();
        std::fs::create_dir(here.0.join("a")).unwrap();
        let path = found.by_handle().unwrap();
        assert!(path.join("b").is_dir());
        assert!(found.reaches(&here.0.join("away/b")));
        assert!(found.is_within(found.identity().unwrap()));
        // What holds it has it in it, and beside it is something else.
        assert!(found.reaches(&here.0));
        assert!(!found.reaches(&here.0.join("file")));
    }

    #[test]
    fn folders_are_granted_as_long_as_somebody_has_them() {
        let here = Here::new();
        let held = || Held::new(Found::walk(&here.0.join("a"), Links::None).unwrap());
        let store = here.0.join("a/b/agents.db");
        check_store(&store).unwrap();
        let (one, other) = (held(), held());
        assert!(std::sync::Arc::ptr_eq(&one, &other), "one handle is enough");
        assert_eq!(check_store(&store).unwrap_err().kind(), ErrorKind::PermissionDenied);
        drop(one);
        assert_eq!(check_store(&store).unwrap_err().kind(), ErrorKind::PermissionDenied);
        drop(other);
        check_store(&store).unwrap();
        check_store(&here.0.join("nowhere/agents.db")).unwrap();
    }

    #[test]
    fn a_new_folder_with_the_number_of_one_that_is_gone_is_another() {
        use std::os::unix::fs::MetadataExt;

        let here = Here::new();
        let at = |name: &str| here.0.join(name);
        std::fs::create_dir(at("gone")).unwrap();
        let found = Found::walk(&at("gone"), Links::None).unwrap();
        let (place, old) = (found.place.clone(), found.identity().unwrap());
        let before = place.metadata().unwrap();
        let Ok(born) = before.created() else {
            eprintln!("skipped: this file system does not know when a folder was made");
            return;
        };
        let held = Held::new(found);
        held.note(&place, Access::ReadWrite);
        drop(held);
        std::fs::remove_dir(&place).unwrap();
        // The clock of a file system goes by milliseconds.
        while std::fs::write(at("later"), "").is_ok()
            && at("later").metadata().unwrap().created().unwrap() <= born
        {
            std::fs::remove_file(at("later")).unwrap();
        }
        // It may have the number.
        std::fs::remove_file(at("later")).unwrap();
        let new = (0..1000).map(|number| at(&format!("new-{number}"))).find(|new| {
            std::fs::create_dir(new).unwrap();
            new.metadata().unwrap().ino() == before.ino()
        });
        let Some(new) = new else {
            eprintln!("skipped: this file system does not give a number again");
            return;
        };
        let found = Found::walk(&new, Links::None).unwrap();
        assert!(found.identity().unwrap() != old);
        assert!(!found.is_within(old));
        symlink("../a", new.join("way")).unwrap();
        assert!(walk(&new.join("way")).is_ok(), "nobody could plant a link in it");
    }

    #[test]
    fn links_count_as_planted_where_somebody_could_write() {
        let here = Here::new();
        symlink("b", here.0.join("a/way")).unwrap();
        symlink("a/b", here.0.join("mine")).unwrap();
        let (way, mine) = (here.0.join("a/way"), here.0.join("mine"));
        let held = Held::new(Found::walk(&here.0.join("a"), Links::None).unwrap());
        held.note(&held.place, Access::ReadOnly);
        assert!(walk(&way).is_ok());
        held.note(&held.place, Access::ReadWrite);
        drop(held);
        assert_eq!(walk(&way), Err(ErrorKind::PermissionDenied));
        assert!(walk(&mine).is_ok());
        assert_eq!(check_store(&way).unwrap_err().kind(), ErrorKind::PermissionDenied);
        check_store(&mine).unwrap();
        // It is the folder that counts, and its place.
        std::fs::rename(here.0.join("a"), here.0.join("away")).unwrap();
        assert_eq!(walk(&here.0.join("away/way")), Err(ErrorKind::PermissionDenied));
        std::fs::create_dir_all(here.0.join("a/b")).unwrap();
        symlink("b", &way).unwrap();
        assert_eq!(walk(&way), Err(ErrorKind::PermissionDenied));
        // What a store says counts beside.
        let stored = HashSet::from([here.0.clone()]);
        let error = Found::walk(&mine, Links::NotPlanted(&stored)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
}
