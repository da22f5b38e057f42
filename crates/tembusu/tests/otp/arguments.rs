//! What is kept of a child that has ended: nothing that only its next start would need, when there is none.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, ChildSpec, Context, Flow, Init, Restart, State, Supervisor, child};
use tembusu_testkit::virtual_time;

use crate::stage::{HOUR, settled};

/// Ends normally at its first message; its argument is counted.
struct Holder;

impl Actor for Holder {
    type Message = ();
    type Args = Arc<()>;
    type Crash = Infallible;

    async fn init(_: &Arc<()>, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Stop)
    }
}

fn holder(index: usize, counted: &Arc<()>, restart: Restart) -> ChildSpec<Holder> {
    child::<Holder>(format!("child{index}"), Arc::clone(counted)).restart(restart)
}

/// 59 `simple_one_for_one_corruption`, 71 `do_not_save_start_parameters_for_temporary_children`.
#[test]
fn the_arguments_of_a_child_that_nothing_can_start_again_are_let_go_of_at_its_end() {
    virtual_time(async {
        for restart in [Restart::Temporary, Restart::Transient, Restart::Permanent] {
            for of in ["one_for_one", "one_for_all", "rest_for_one", "dynamic"] {
                let counted = Arc::new(());
                let mut root = match of {
                    "one_for_all" => Supervisor::one_for_all("root"),
                    "rest_for_one" => Supervisor::rest_for_one("root"),
                    _ => Supervisor::one_for_one("root"),
                }
                .intensity(1000, HOUR);
                let pool = root.add_dynamic(
                    tembusu::DynamicSupervisor::new("pool", |spec: ChildSpec<Holder>| spec).intensity(1000, HOUR),
                );
                let tree = root.start().await.expect("it starts");
                let mut children = Vec::new();
                for index in 0..20 {
                    let spec = holder(index, &counted, restart);
                    children.push(match of {
                        "dynamic" => pool.start(spec).await.expect("it starts"),
                        _ => tree.handle().start_child(spec).await.expect("it starts"),
                    });
                }
                assert_eq!(Arc::strong_count(&counted), 21, "one for each");
                for child in children.drain(..) {
                    let _ = child.tell(());
                    settled().await;
                }
                // A dynamic child that has ended is forgotten, unless it is started again.
                let kept = match (restart, of) {
                    (Restart::Temporary, _) | (Restart::Transient, "dynamic") => 0,
                    _ => 20,
                };
                assert_eq!(Arc::strong_count(&counted) - 1, kept, "{restart:?} {of}");
                assert_eq!(tree.handle().snapshot().state, State::Running);
                tree.shutdown().await;
            }
        }
    });
}
