//! Campaigns as supervised subtrees.
//!
//! ```text
//! campaigns (rest_for_one)
//! |-- each (one_for_one, dynamic)
//! |   `-- campaign_7 (one_for_one, 3 restarts in 60 s, then quarantine)
//! |       |-- definition        compiles the campaign and publishes it
//! |       `-- controller        pauses and resumes it
//! |-- loader                    starts every registered campaign, then has nothing to do
//! `-- index_publisher           publishes the index of all that compiled
//! ```
//!
//! A changed definition is the same subtree's: the definition's actor compiles and publishes it, and the index that is built
//! then finds it by its new rules ([`CampaignsHandle::apply`]).
//!
//! A campaign bids while its definition and its controller are both published: one that dies is out at that moment, in every
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
mod subtree;

pub use campaigns::{campaigns_supervisor, campaigns_supervisor_of};
pub use change::{ChangeError, Changes};
pub use controller::{Controller, ControllerArgs, ControllerCrash, ControllerMessage, Standing};
pub(crate) use definition::Condemnation;
pub use definition::{Definition, DefinitionArgs, DefinitionCrash, DefinitionMessage};
pub use handle::{AddError, CampaignState, CampaignStatus, CampaignView, CampaignsHandle, ControlError};
pub use index_publisher::{IndexMessage, IndexPublisher, IndexPublisherArgs, IndexPublisherCrash};
pub(crate) use registry::Slot;
pub use subtree::{INTENSITY_PERIOD, INTENSITY_RESTARTS};
