//! The initiator's side of FIPA's protocols, for programs: one call each.
//!
//! Every call here is an `exchange`: a conversation with its participants, whose answers are all
//! collected. What has one participant and one result is a [`Call`](crate::Call).

mod auction;
mod brokered;
mod contract_net;
mod exchange;
mod informs;
mod outcome;
mod room;
mod single;

pub use self::auction::{DutchAuction, EnglishAuction};
pub use self::brokered::Brokered;
pub use self::contract_net::{Choose, ContractNet, Tender};
pub use self::informs::Informs;
pub use self::outcome::{Answer, Outcome, Status};
