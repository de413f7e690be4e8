//! The extension module behind the Python package `caxton`.
//!
//! It converts, calls the core, and converts back: what the runtime does is decided in the core.

mod agent;
mod call;
mod conversation;
mod decode;
mod encode;
mod errors;
mod host_agent;
mod informs;
mod inspect;
mod inspect_store;
mod looper;
mod message;
mod mode;
mod negotiate;
mod options;
mod outcome;
mod register;
mod runtime;
mod subscription;
mod tender;
mod trace;

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `caxton` with its arguments, the first of which is its own name; the exit code.
#[pyfunction]
fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| caxton_cli::run(arguments))
}

/// The extension module.
#[pymodule]
mod _caxton {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::agent::{Agent, AsyncAgent, DeadLetter, LogLine};
    #[pymodule_export]
    use super::call::Call;
    #[pymodule_export]
    use super::conversation::{Conversation, Exchanged, Participant};
    #[pymodule_export]
    use super::host_agent::HostAgent;
    #[pymodule_export]
    use super::informs::{AsyncInforms, Informs};
    #[pymodule_export]
    use super::inspect::{Export, Import, Inspection, inspect};
    #[pymodule_export]
    use super::inspect_store::{StoreInspection, StoredAgent, StoredHostAgent, inspect_store};
    #[pymodule_export]
    use super::looper::Looper;
    #[pymodule_export]
    use super::message::Message;
    #[pymodule_export]
    use super::options::{compile_limits_defaults, content_limits_defaults, limits_defaults};
    #[pymodule_export]
    use super::outcome::{Answer, Outcome};
    #[pymodule_export]
    use super::register::{Task, Tasks};
    #[pymodule_export]
    use super::run_command;
    #[pymodule_export]
    use super::runtime::{AsyncRuntime, Runtime};
    #[pymodule_export]
    use super::subscription::{AsyncSubscription, Feed, Subscription};
    #[pymodule_export]
    use super::tender::Tender;
    #[pymodule_export]
    use super::trace::Trace;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        caxton_bindings_allocator::set_up();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let codes: Vec<&str> = caxton::ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        module.add("ERROR_CODES", codes)?;
        // The list would say again what the package's own says.
        module.delattr("__all__")
    }
}
