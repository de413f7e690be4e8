//! Ctrl-C, and being asked to end.

use std::future::Future;
use std::time::Duration;

use caxton::Runtime;

use crate::fail::Failure;

/// How long agents have to end once they are asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Waits for Ctrl-C, or, on Unix, for the signal that asks a program to end.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Where it cannot be heard, the system ends the program by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// Does some work, unless it is interrupted.
pub async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err(Failure::interrupted()),
    }
}

/// Ends the agents in good order; who interrupts once more does not wait for that.
pub async fn close(runtime: &Runtime) {
    tokio::select! {
        () = runtime.close_within(GRACE) => {}
        () = interrupted() => {}
    }
}
