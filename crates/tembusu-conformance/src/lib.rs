//! Random supervision trees under random scripts, run on Erlang/OTP's own `supervisor` and on tembusu's shell,
//! and compared.
//!
//! A [`Scenario`](scenario::Scenario) is data: a tree and a script. Each side runs it for itself and writes a
//! [`Trace`](trace::Trace): which incarnation of which child was started and how it ended, in order, and what the
//! supervisors answered, step by step. [`compare`](mod@compare) says whether the traces agree, or which single row of
//! the closed list in [`deviations`] makes them agree. Nothing here waits by sleeping: the Erlang side asks its
//! supervisors until they are at rest, our side runs on a virtual clock.
//!
//! Golden traces ([`golden`]) are what Erlang/OTP said once; they are replayed without it.

pub mod compare;
pub mod deviations;
pub mod erlang;
mod etf;
pub mod generate;
pub mod golden;
pub mod ours;
mod rng;
pub mod scenario;
pub mod shrink;
mod text;
pub mod trace;
