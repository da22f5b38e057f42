//! Campaigns as supervised subtrees.
//!
//! ```text
//! campaigns (rest_for_one)
//! |-- each (one_for_one, dynamic)
//! |   `-- campaign_7 (one_for_one, 3 restarts in 60 s, then quarantine)
//! |       |-- definition        compiles the campaign and publishes it
//! |       `-- controller        pauses and resumes it
//! |-- loader                    lets every registered campaign bid, and wakes those that are charged
//! `-- index_publisher           publishes the index of all that compiled
//! ```
//!
//! A campaign that has done nothing wrong **rests**: compiled, in the index, and without actors, so that a hundred thousand of
//! them take the memory of their definitions and start in the time that compiling takes. The first panic in its evaluation takes
//! it out of every index at once and starts its subtree, whose first incarnation is charged with it; so does a definition
//! that does not compile. From then on it has its subtree until it is removed.
//!
//! A changed definition is the same subtree's: the definition's actor compiles and publishes it, and the index that is built
//! then finds it by its new rules ([`CampaignsHandle::apply`]).
//!
//! A campaign with a subtree bids while its definition and its controller are both published: one that dies is out at that moment, in every
//! index ever made, and back when its successor has published. What must outlive every incarnation (definitions, an
//! operator's pause, tables) is in the registry, which nothing here can crash.

mod campaigns;
mod change;
mod controller;
mod definition;
mod handle;
mod index_publisher;
mod loader;
mod registry;
#[cfg(test)]
mod sample;
mod shared;
mod slot;
mod subtree;

pub use campaigns::{campaigns_supervisor, campaigns_supervisor_of};
pub use change::{ChangeError, Changes, CheckedChanges, Unpublished};
pub use controller::{Controller, ControllerArgs, ControllerCrash, ControllerMessage, Standing};
pub(crate) use definition::Condemnation;
pub use definition::{Definition, DefinitionArgs, DefinitionCrash, DefinitionMessage};
pub use handle::{AddError, CampaignState, CampaignStatus, CampaignView, CampaignsHandle, ControlError};
pub use index_publisher::{IndexMessage, IndexPublisher, IndexPublisherArgs, IndexPublisherCrash};
pub(crate) use slot::Slot;
pub use subtree::{INTENSITY_PERIOD, INTENSITY_RESTARTS};
