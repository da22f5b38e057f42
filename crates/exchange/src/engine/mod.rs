//! Bytes to decision: the bid engine, as a plain struct and as an actor.
//!
//! [`Engine`] is state with plain functions, callable without a tree. [`BidEngine`] wraps it in a life cycle and publishes it as
//! a view ([`Decide`]): connections enter it by inline calls, and it crashes alone. [`NoBidEngine`] publishes the same view
//! while the exchange is degraded.

mod actor;
mod answer;
mod feedback;

mod message;
pub(crate) mod no_bid;
mod settings;
mod state;
mod view;

pub use actor::{BidEngine, EngineArgs};
pub use answer::{EngineAnswer, Offer, Seal};
pub use feedback::FEEDBACK_MAX;

pub use message::EngineMessage;
pub use no_bid::NoBidEngine;
pub use settings::{EngineSettings, RegionCells, Territory};
pub use state::{Engine, EngineCrash};
pub use view::Decide;

pub use crate::chaos;
