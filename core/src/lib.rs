//! Caxton runs systems of sandboxed agents inside your own program.
//!
//! A program deploys WebAssembly agents written in any language, sends them FIPA messages,
//! subscribes to what they say, and takes part with handlers of its own. There is no server.
//!
//! ```no_run
//! use std::time::Duration;
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), caxton::Error> {
//! let runtime = caxton::Runtime::new()?;
//! let echo = runtime.deploy(caxton::Deploy::file("echo.wasm").name("echo")).await?;
//! let reply = echo
//!     .request(&json!({"action": "process_data", "data": {"operation": "uppercase", "data": "hello"}}))
//!     .timeout(Duration::from_secs(5))
//!     .await?;
//! println!("{}", reply.content());
//! runtime.close().await;
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
#![deny(unsafe_code)]

mod account;
mod agent;
#[doc(hidden)]
pub mod bench;
pub mod blocking;
mod by_name;
mod choice;
mod compile_limits;
mod conversation;
mod datum;
mod directory;
mod error;
mod files;
mod fork;
mod grants;
mod host_agent;
mod initiator;
mod lent;
mod limits;
mod message;
mod picture;
mod processor_time;
mod release;
mod runtime;
mod sandbox;
mod scheduler;
mod shares;
mod source;
mod spare;
mod store;
mod trace;

pub use agent::{AgentState, LogLevel, LogLine, Restart, Stats};
pub use compile_limits::CompileLimits;
pub use conversation::{
    Conversation, ConversationFilter, ConversationState, Exchanged, Note, Participant, Protocol,
    Side, Stage,
};
pub use error::{Error, ErrorKind};
pub use grants::{Access, Ceiling, Folder, Grants, Stdout};
pub use host_agent::{Handler, Reply, Task, Within};
pub use initiator::{
    Answer, Brokered, Choose, ContractNet, DutchAuction, EnglishAuction, Informs, Outcome, Status,
    Tender,
};
pub use limits::Limits;
pub use message::{ContentLimits, Draft, Filter, Message, Performative};
pub use picture::{Picture, Sniffer, printable};
pub use release::on_release;
pub use runtime::{
    Agent, Builder, Call, DeadLetter, Deploy, EventFilter, FnHandler, HostAgentHandle, Metrics,
    Protocols, Register, Runtime, Subscription, Trace, Wasm,
};
pub use sandbox::{Export, Import, Inspection, Profile, Section, inspect};
pub use store::{Durability, StoreInspection, StoredAgentInfo, StoredHostInfo, inspect_store};
#[doc(hidden)]
pub use store::{Hook, Point};
