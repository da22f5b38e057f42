//! The sockets of one exchange: listener, connections, framing and deadlines.
//!
//! They stand outside the exchange's crash domain and know nothing of bids: a [`Handler`] answers the framed bytes. What they
//! promise, whatever happens behind the handler:
//!
//! - every request that was read gets exactly one answer, and never a bid after its deadline;
//! - no connect is refused and no keep-alive connection is closed because something below crashed;
//! - a panic while framing costs its own connection and no other;
//! - at a drain, what is in flight is answered before its connection closes.
//!
//! They never parse JSON beyond a scan for `tmax`, never touch money, and never wait for anything without a limit.

mod accept;
mod answer;
mod bind;
mod body;
mod connection;
mod date;
mod deflate;
mod handler;
mod head_clock;
mod idle;
mod inflate;
mod limits;
mod reply;
mod respond;
mod rest;
mod seat;
mod timed_stream;
mod tracker;
mod usual;
mod usual_head;
mod within;

pub use accept::{AcceptLoop, ServeArgs, TookOver};
pub use bind::{BACKLOG, BindError, bind};
pub use handler::{Answer, Framed, Handler, Outcome};
pub use limits::{Deadlines, Limits, TIME_LEFT_MIN, TIMER_SLACK};
pub use tracker::{ConnectionTracker, Drained};
