//! What tests of supervision trees need, and nothing else: children that do as they are told, a journal of what
//! they did in order, a recorder of the tree's events, and runtimes with a virtual and with the real clock.
//!
//! Nothing here waits by sleeping: on the virtual clock waiting costs no time, and with the real clock
//! everything waits for an event, within [`PATIENCE`].
//!
//! ```
//! use tembusu::{Supervisor, child};
//! use tembusu_testkit::{EventRecorder, Journal, Scripted, Step, virtual_time};
//!
//! virtual_time(async {
//!     let journal = Journal::new();
//!     let mut root = Supervisor::one_for_one("root");
//!     let a = root.add(child::<Scripted>("a", journal.script("a")));
//!     let mut events = EventRecorder::of(&root.handle());
//!     let tree = root.start().await.unwrap();
//!     a.tell(Step::Error.into()).unwrap();
//!     events.expect(&["root/a#1 started", "root/a#1 crashed error 1/1", "root/a#2 restarted"]).await;
//!     tree.shutdown().await;
//!     assert_eq!(journal.take(), ["a#1 start", "a#1 drop", "a#2 start", "a#2 stop shutdown", "a#2 drop"]);
//! });
//! ```

mod gate;
mod journal;
mod recorder;
mod scripted;
mod world;

pub use gate::Gate;
pub use journal::Journal;
pub use recorder::{EventRecorder, line};
pub use scripted::{Boom, PanicsWhenDropped, Say, Script, Scripted, Step, ask};
pub use world::{PATIENCE, on_both, real_time, virtual_time};
