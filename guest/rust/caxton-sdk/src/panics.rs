//! Panics, whose texts would else be lost: a WebAssembly module has no standard error.

/// Has the text of a panic written to the agent's log, at the level `error`, before the turn is
/// dropped. An agent that is made with [`agent`](crate::agent) does this by itself. Without the feature
/// `std` it does nothing: such an agent has a panic handler of its own.
pub fn log_panics() {
    #[cfg(all(feature = "std", target_arch = "wasm32"))]
    std::panic::set_hook(alloc::boxed::Box::new(|panic| {
        crate::host::console_error(&alloc::format!("{panic}"));
    }));
}
