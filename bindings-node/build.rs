//! Sets up the linker for a Node addon.

fn main() {
    napi_build::setup();
    // Node unloads the addon when the worker thread that loaded it has ended, and the threads that ran
    // its code end after that.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
