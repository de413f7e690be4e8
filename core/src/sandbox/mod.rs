//! WebAssembly: loading modules, the host interface, the memory ABI, limits, WASI.
//!
//! The sandbox runs one turn of one instance and hands back its record. It knows nothing of
//! mailboxes; what it needs of the world it asks a [`World`].

mod advice;
mod cache;
mod calls;
mod compilers;
mod component;
mod engine;
mod estimate;
mod fault;
mod frames;
mod host;
mod inspect;
mod instance;
mod meter;
mod module;
mod nested;
mod prices;
mod profile;
mod record;
mod signals;
mod skeleton;
mod stored;
mod template;
mod ticker;
mod turn;
mod wasi;

pub(crate) use compilers::stand_back;
pub(crate) use engine::{Engine, InstancePermit, Lease, Running};
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use host::{Addressee, Cost, Found, Level, NoPlace, Place, World};
pub use inspect::{Export, Import, Inspection, Section, inspect};
pub(crate) use instance::{Ended, Instance, Seat};
pub(crate) use meter::{Meter, Pacer};
pub(crate) use prices::{IN_MEMORY, Prices, WITH_STORE};
pub use profile::Profile;
pub(crate) use profile::Profiler;
pub(crate) use record::{Effect, Kept, Made, Places, Receiver, Receivers, Sent, TurnRecord};
pub(crate) use stored::KEY_BYTES;
pub(crate) use template::{Compiling, Loading, Template};
pub(crate) use turn::{Delivery, Slice, Turn, TurnEnd};
