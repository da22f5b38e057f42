//! The core on a virtual clock, with children that do as a test says.
//!
//! The numbers in names and docs ("case 51") are those of OTP's `supervisor_SUITE`, in the order of its groups.

mod against_model;
mod backoff;
mod cast;
mod degrade;
mod doomed;
mod exits;
mod explore;
mod first_start;
mod forest;
mod groups;
mod history;
mod intensity;
mod laws;
mod order;
mod probe;
mod queues;
mod random;
mod requests;
mod scale;
mod script;
mod significant;
mod stage;
mod stopping;
mod world;
