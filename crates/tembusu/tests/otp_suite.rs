//! OTP's `supervisor_SUITE`, case by case, on a running tree in virtual time.
//!
//! The numbers are those under which the cases are listed in the order of their groups; each test cites number and
//! name. What has no meaning in Rust has no test, and a row here that says why.
//!
//! | cases | where |
//! |---|---|
//! | 1, 8, 9, 45 | `start` |
//! | 3 to 7, 10 to 13, 23 to 26, 28 to 32, 39, 72 | `administration` |
//! | 16 to 22 | `stops` |
//! | 34 to 38, 40 to 42, 44, 46 to 54 | `restarts` |
//! | 55, 56, 58, 60 to 62, 68, 69 | `dynamic` |
//! | 64 to 66, 70 | `retries` |
//! | 73, 74 | `core/tests/scale.rs`, on the core alone |
//! | 77 to 83, and the combinations of 29 | `significant` |
//! | 84 to 94 | `live_change` |
//!
//! | case | no meaning in Rust: why |
//! |---|---|
//! | 2 `sup_start_ignore_init` | a supervisor runs no code of a user, so it has no `init` that could ignore; a child can |
//! | 14 `sup_start_map_simple` | a dynamic child has a specification of its own, made by its template: `live_change` reads them |
//! | 15 `sup_start_map_faulty_specs`, most of 28 to 30 | what is no specification does not compile; what is left is a `SpecError` |
//! | 27 `extra_return`, 57 `simple_one_for_one_extra` | a start returns the typed address; what else a child has to say it answers or publishes |
//! | 33 `already_started_outside_supervisor` | an actor is started by its supervisor only; there is no start function that could find another |
//! | 43 `external_start_no_progress_log`, 95 and 96 `format_log` | there is no log handler to format for: what happens is an `Event` |
//! | 59 `simple_one_for_one_corruption`, 71 `do_not_save_start_parameters...` | the arguments of an ended child are dropped with it: `trees` tests that they are let go |
//! | 63 `child_unlink` | a child cannot leave its supervisor: there is no link to take away |
//! | 67 `simple_global_supervisor` | names are no part of supervision: an address taken before a crash works after it |
//! | 75 `get_callback_module` | there is no callback module |
//! | 76 `auto_hibernate` | an idle supervisor has no process, and so nothing to hibernate |

#[path = "otp/administration.rs"]
mod administration;
#[path = "otp/arguments.rs"]
mod arguments;
#[path = "otp/beyond.rs"]
mod beyond;
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
