//! A sign of life during work that takes long, such as compiling a large module.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::show::Show;

/// How often it moves.
const TICK: Duration = Duration::from_millis(100);

/// Shows that work goes on, and since when, until it is dropped; nothing where nobody would see it.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    pub fn begin(show: &Show, what: impl Into<String>) -> Self {
        if !show.shows_progress() {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner().with_message(what.into());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Progress(Some(bar))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
