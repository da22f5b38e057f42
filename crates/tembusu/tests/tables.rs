//! What an incarnation holds ends with it: its tables are withdrawn, its timers dropped.

use std::time::Duration;

use tembusu::{ChildSpec, Supervisor, child};
use tembusu_testkit::{Gate, Journal, Say, Scripted, Step, ask, on_both, virtual_time};
use tokio::time::{advance, sleep};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_table_is_withdrawn_on_a_crash_and_fresh_after_it() {
    on_both(async || {
        let gate = Gate::new();
        let script = Journal::new().script("a").init([Step::Ok, Step::Pass(gate.clone())]);
        let table = script.table();
        let mut root = Supervisor::one_for_one("root").intensity(5, MINUTE);
        let a = root.add(child::<Scripted>("a", script));
        let tree = root.start().await.expect("it starts");
        assert!(!table.is_published());
        for number in [1, 2] {
            a.tell(Say::Publish(number)).expect("it is told");
        }
        assert_eq!(ask(&a).await, 1);
        let kept = table.read().expect("it is published");
        a.tell(Step::Panic.into()).expect("it is told");
        gate.reached(1).await;
        assert!(table.read().is_none(), "withdrawn before the next one is up");
        assert_eq!(*kept, 2, "a reader finishes on its copy");
        gate.open();
        a.tell(Say::Publish(3)).expect("it is told");
        assert_eq!(ask(&a).await, 2);
        assert_eq!(table.read().as_deref(), Some(&3));
        tree.handle().terminate_child("a").await.expect("it is terminated");
        assert!(table.read().is_none(), "withdrawn at an orderly end as well");
    });
}

#[test]
fn a_successor_withdraws_only_its_own() {
    virtual_time(async {
        let script = Journal::new().script("shared");
        let table = script.table();
        let mut root = Supervisor::one_for_one("root").intensity(5, MINUTE);
        let first = root.add(child::<Scripted>("first", script.clone()));
        let second = root.add(child::<Scripted>("second", script));
        let _tree = root.start().await.expect("it starts");
        first.tell(Say::Publish(1)).expect("it is told");
        assert_eq!(ask(&first).await, 1);
        second.tell(Say::Publish(2)).expect("it is told");
        assert_eq!(ask(&second).await, 1);
        first.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&first).await, 2);
        assert_eq!(table.read().as_deref(), Some(&2), "another's publication stays");
    });
}

#[test]
fn timers_come_in_order_and_die_with_their_incarnation() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(5, MINUTE);
        let spec: ChildSpec<Scripted> = child("a", journal.script("a"));
        let a = root.add(spec);
        let _tree = root.start().await.expect("it starts");
        let later = |seconds, note| Say::Later(Duration::from_secs(seconds), Box::new(Say::Note(note)));
        for message in [later(3, "third"), later(1, "first"), later(2, "second"), later(2, "second too")] {
            a.tell(message).expect("it is told");
        }
        sleep(Duration::from_secs(4)).await;
        let said = ["a#1 start", "a#1 says first", "a#1 says second", "a#1 says second too", "a#1 says third"];
        assert_eq!(journal.take(), said);
        a.tell(later(10, "never")).expect("it is told");
        a.tell(Step::Error.into()).expect("it is told");
        a.tell(later(5, "again")).expect("it is told");
        assert_eq!(ask(&a).await, 2);
        advance(MINUTE).await;
        assert_eq!(ask(&a).await, 2);
        assert_eq!(journal.take(), ["a#1 drop", "a#2 start", "a#2 says again"]);
    });
}
