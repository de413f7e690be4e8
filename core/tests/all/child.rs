//! Tests that need a process of their own: this binary again, with one test and a variable set.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

/// Set in the child, to the name of its test.
const VARIABLE: &str = "CAXTON_TEST_CHILD";

/// Runs the test `name` in a child that sees `env`; what it printed.
pub fn run(name: &str, env: &[(&str, &str)]) -> Output {
    let output = output(name, env);
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{name} in a child: {}\n{}", output.status, said.join("\n"));
    output
}

/// The same of a test that ends by [`kill`].
pub fn run_until_killed(name: &str, env: &[(&str, &str)]) {
    let status = output(name, env).status;
    assert_eq!(status.signal(), Some(libc::SIGKILL), "{name} in a child: {status}");
}

/// Ends this process as `kill -9` does.
pub fn kill() -> ! {
    // SAFETY: it takes plain values.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    unreachable!("the system ends this process")
}

fn output(name: &str, env: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

/// Whether this process is the child that runs `name`; its parent calls [`run`].
pub fn is_here(name: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|running| running == name)
}

/// The threads of this process that belong to the runtime.
pub fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("caxton"))
        .collect()
}
