//! Which entries make room for others.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::time::Duration;

use super::*;

#[test]
fn what_was_used_longest_ago_makes_room() {
    let folder = std::env::temp_dir().join(format!("caxton-prune-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // The later ones were used earlier.
    for (at, name) in ["a", "b", "c", "d"].iter().enumerate() {
        let path = folder.join(name);
        fs::write(&path, [0; 100]).unwrap();
        let used = wall_clock() - Duration::from_secs(60 * (at as u64 + 1));
        let file = File::options().append(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(used)).unwrap();
    }
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    prune(&folder, 400);
    assert_eq!(names(), ["a", "b", "c", "d"]);
    prune(&folder, 399);
    assert_eq!(names(), ["a", "b", "c"]);
    prune(&folder, 100);
    assert_eq!(names(), ["a"]);
    fs::remove_dir_all(&folder).unwrap();
}
