//! The bid request: the objects and fields of OpenRTB 2.6 that bidding needs, borrowed from the body.
//!
//! Every field is public and as the exchange sent it. What needs a rule (defaults, older places of a field, which of
//! two fields counts) is a method beside it. Strings that are empty read as absent.
//!
//! Field docs name the section of OpenRTB 2.6 only where this crate reads it in a way of its own.

mod bid_request;
mod deal;
mod device;
mod floor;
mod imp;
mod inventory;
mod media;
mod privacy;
mod tmax;
mod user;
mod validate;

pub use bid_request::{
    AuctionType, BidFeedback, BidRequest, EventNotificationToken, Inventory, RequestExt, parse_request, read_request,
};
pub use deal::{Deal, Pmp};
pub use device::{Coordinate, Device, Geo};
pub use floor::Floor;
pub use imp::{Imp, ImpExt};
pub use inventory::{App, Content, Dooh, Publisher, Site};
pub use media::{Audio, Banner, Format, Native, Video, VideoExt};
pub use privacy::{Regs, RegsExt, SupplyChain, SupplyChainNode};
pub use tmax::{peek_tmax, tmax_of};
pub use user::{Data, Eid, Segment, Source, SourceExt, Uid, User, UserExt};
pub use validate::{Invalid, InvalidKind, Validity, validate, validity};
