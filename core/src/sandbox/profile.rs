//! Profiles: what Linux's `perf` needs to name compiled code, and samples of one agent's stack.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fxprof_processed_profile::{
    CategoryColor, CategoryHandle, CategoryPairHandle, Frame, FrameFlags, FrameInfo, ProcessHandle,
    Profile as Samples, ReferenceTimestamp, SamplingInterval, ThreadHandle, Timestamp,
};
use parking_lot::Mutex;
use wasmtime::{AsContext, ProfilingStrategy, WasmBacktrace};

use super::frames::name_of;
use super::ticker::TICK;
use crate::choice::choice;
use crate::source::monotonic;

/// The frames of a stack that a sample keeps, the innermost; also those of a trap's backtrace.
pub(super) const MAX_FRAMES: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// The samples of one profile: a minute of running time. What comes after them is not sampled.
const MAX_SAMPLES: u32 = 60_000;

/// What the compiled code of agents is written down as, for Linux's `perf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// `/tmp/perf-PID.map`, with the names of functions: `perf record -g`, then `perf report`.
    PerfMap,
    /// `jit-PID.dump` in the working folder, with their code too: `perf record -g -k 1`, then
    /// `perf inject --jit`.
    JitDump,
}

choice!(Profile, "profile", PerfMap => "perfmap", JitDump => "jitdump");

impl Profile {
    pub(super) const fn strategy(self) -> ProfilingStrategy {
        match self {
            Profile::PerfMap => ProfilingStrategy::PerfMap,
            Profile::JitDump => ProfilingStrategy::JitDump,
        }
    }
}

/// Samples the stack of one agent's guest, if somebody wants that.
#[derive(Default)]
pub(crate) struct Profiler {
    is_on: AtomicBool,
    recording: Mutex<Option<Box<Recording>>>,
}

struct Recording {
    samples: Samples,
    process: ProcessHandle,
    thread: ThreadHandle,
    category: CategoryPairHandle,
    taken: u32,
    began: Instant,
    last: Duration,
}

impl Profiler {
    /// Begins a profile of the agent `name`, at `now` in microseconds since the Unix epoch; whether
    /// there was none.
    pub fn start(&self, name: &str, now: u64) -> bool {
        let mut recording = self.recording.lock();
        if recording.is_some() {
            return false;
        }
        *recording = Some(Box::new(Recording::new(name, now)));
        self.is_on.store(true, Ordering::Release);
        true
    }

    /// Ends the profile, if there is one: JSON of Firefox's "processed profile format".
    pub fn stop(&self) -> Option<serde_json::Result<String>> {
        let recording = self.recording.lock().take()?;
        self.is_on.store(false, Ordering::Release);
        Some(recording.finish())
    }

    /// Called at each preemption point, with the guest on the stack.
    pub fn sample(&self, store: impl AsContext) {
        if !self.is_on.load(Ordering::Acquire) {
            return;
        }
        let backtrace = WasmBacktrace::force_capture(store);
        if let Some(recording) = &mut *self.recording.lock() {
            recording.add(&backtrace);
        }
    }
}

impl Recording {
    fn new(name: &str, now: u64) -> Self {
        let began = ReferenceTimestamp::from_millis_since_unix_epoch(now as f64 / 1000.0);
        let mut samples = Samples::new("Caxton", began, SamplingInterval::from(TICK));
        let start = Timestamp::from_nanos_since_reference(0);
        let process = samples.add_process(name, std::process::id(), start);
        let thread = samples.add_thread(process, 1, start, true);
        samples.set_thread_name(thread, name);
        samples.add_initial_visible_thread(thread);
        samples.add_initial_selected_thread(thread);
        samples.set_symbolicated(true);
        let category: CategoryHandle = samples.add_category("Agent", CategoryColor::Blue);
        let (began, last) = (monotonic(), Duration::ZERO);
        Recording { samples, process, thread, category: category.into(), taken: 0, began, last }
    }

    fn add(&mut self, backtrace: &WasmBacktrace) {
        if self.taken == MAX_SAMPLES {
            return;
        }
        self.taken += 1;
        let now = self.began.elapsed();
        let ran = now.saturating_sub(self.last).min(TICK);
        self.last = now;
        // The outermost comes first.
        let mut frames = Vec::with_capacity(backtrace.frames().len());
        for frame in backtrace.frames().iter().rev() {
            let name = name_of(frame.func_name(), frame.func_index());
            let label = self.samples.intern_string(&name);
            frames.push(FrameInfo {
                frame: Frame::Label(label),
                category_pair: self.category,
                flags: FrameFlags::empty(),
            });
        }
        let stack = self.samples.intern_stack_frames(self.thread, frames.into_iter());
        let at = Timestamp::from_nanos_since_reference(now.as_nanos() as u64);
        self.samples.add_sample(self.thread, at, stack, ran.into(), 1);
    }

    fn finish(mut self) -> serde_json::Result<String> {
        let end = Timestamp::from_nanos_since_reference(self.began.elapsed().as_nanos() as u64);
        self.samples.set_thread_end_time(self.thread, end);
        self.samples.set_process_end_time(self.process, end);
        serde_json::to_string(&self.samples)
    }
}
