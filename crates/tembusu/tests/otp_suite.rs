//! OTP's `supervisor_SUITE`, case by case, on a running tree in virtual time.
//!
//! The numbers are those under which the cases are listed in the order of their groups; each test cites number and
//! name. What has no meaning in Rust has no test, and a row here that says why.
//!
//! | cases | where |
//! |---|---|
//! | 1, 45 | `start` |
//! | 3 to 7, 10 to 13, 23 to 26, 28 to 32, 39, 72 | `administration` |
//! | 16 to 22 | `stops` |
//! | 34 to 38, 40 to 42, 44, 46 to 54 | `restarts` |
//! | 55, 56, 58, 60 to 62, 67 to 69 | `dynamic` |
//! | 64 to 66, 70 | `retries` |
//! | 73, 74 | `core/tests/scale.rs`, on the core alone |
//! | 77 to 83, and the combinations of 29 | `significant` |
//! | 14, 84 to 94 | `live_change` |
//! | 59, 71 | `arguments` |
//!
//! What has no test is explained in `docs/otp-deviations.md`; `citations` checks that nothing is forgotten.
//!
//! | beyond | what OTP's suite leaves out | where |
//! |---|---|---|
//! | (a) | a second and a third failure during a group restart: while siblings stop, start, wait | `strategies`, `backoff`, `core/tests/groups.rs` |
//! | (b) | deaths of one moment are one failure of a group | `beyond` |
//! | (c) | who ignores its stop costs a group its own budget | `beyond` |
//! | (d) | a flood of messages delays no restart | `bounds` |
//! | (e) | addresses and queues outlive a crash | `queues` |
//! | (f) | a call to one that dies fails at once and says why | `calls` |
//! | (g) | degraded on the first failure too many, and back | `degraded` |
//! | (h) | no back-off makes the limit unreachable | `backoff` |
//! | (i) | panics in init, handler, stop, drop, payload, unwinding | `panics` |
//! | (j) | killed at an await: dropped, no lock held | `trees` |
//! | (k) | an ended supervisor leaves no orphan | `trees` |
//! | (l) | virtual time repeats itself | `beyond`, `core/tests/random.rs` |

#[path = "otp/administration.rs"]
mod administration;
#[path = "otp/arguments.rs"]
mod arguments;
#[path = "otp/beyond.rs"]
mod beyond;
#[path = "otp/citations.rs"]
mod citations;
#[path = "otp/dynamic.rs"]
mod dynamic;
#[path = "otp/live_change.rs"]
mod live_change;
#[path = "otp/restarts.rs"]
mod restarts;
#[path = "otp/retries.rs"]
mod retries;
#[path = "otp/significant.rs"]
mod significant;
#[path = "otp/stage.rs"]
mod stage;
#[path = "otp/start.rs"]
mod start;
#[path = "otp/stops.rs"]
mod stops;
