//! OTP's `supervisor_SUITE`, case by case, on a running tree in virtual time.
//!
//! The numbers are those under which the cases are listed in the order of their groups; each test cites number
//! and name. What has no meaning in Rust has no test, and a row here that says why.

#[path = "otp/administration.rs"]
mod administration;
#[path = "otp/live_change.rs"]
mod live_change;
#[path = "otp/retries.rs"]
mod retries;
#[path = "otp/significant.rs"]
mod significant;
#[path = "otp/stage.rs"]
mod stage;
#[path = "otp/start.rs"]
mod start;
