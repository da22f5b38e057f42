//! Specifications: what a tree is made of, as values that are checked before anything starts.

pub(crate) mod backoff;
pub(crate) mod build;
mod child;
mod dynamic;
mod options;
mod partitioned;
pub(crate) mod policy;
mod probe;
mod supervisor;
mod tasks;

pub use backoff::Backoff;
pub use child::{ChildSpec, Declared, child, stand_in};
pub(crate) use dynamic::private::Sealed;
pub use dynamic::{Dynamic, DynamicSupervisor, IntoChild};
pub use partitioned::{PartitionedSupervisor, Partitions};
pub use policy::{AutoShutdown, Restart, Shutdown, Strategy};
pub use probe::Probe;
pub(crate) use supervisor::Entry;
pub use supervisor::Supervisor;
pub use tasks::{CancelOnDrop, TaskHandle, TaskSupervisor, Tasks};
