//! Messages put aside: bounded, back in order, and never lost with the incarnation that put them aside.
#![allow(dead_code)]

mod probe;

use std::convert::Infallible;
use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{
    Actor, Address, CallError, ChildSpec, Context, DeadLetter, Drained, Flow, Init, Supervisor, TellError, Tree, child,
};
use tembusu_testkit::{Gate, Journal, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

async fn one(options: impl FnOnce(ChildSpec<Probe>) -> ChildSpec<Probe>) -> (Address<Do>, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(100, SECOND);
    let a = root.add(options(child::<Probe>("a", Setup::new("a", &journal))));
    (a, root.start().await.expect("it starts"), journal)
}

fn note(text: &str) -> Do {
    Do::Note(text.to_owned())
}

async fn stash(a: &Address<Do>, texts: &'static [&'static str]) {
    run(a, |cx| texts.iter().for_each(|text| cx.stash(note(text)).expect("there is room"))).await;
}

#[test]
fn what_was_aside_comes_back_in_its_order_ahead_of_what_waits() {
    on_both(async || {
        let (a, _tree, journal) = one(|spec| spec).await;
        stash(&a, &["1", "2", "3"]).await;
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        a.tell(Do::Run(Box::new(|cx| assert_eq!(cx.unstash_all(), 3)))).expect("it is told");
        a.tell(note("after")).expect("it is told");
        gate.open();
        settle(&a).await;
        assert_eq!(journal.take(), ["a#1 1", "a#1 2", "a#1 3", "a#1 after"]);
        assert_eq!(run(&a, |cx| cx.unstash_all()).await, 0);
        // Put aside while some of those before are back in the queue: those come first.
        stash(&a, &["4", "5"]).await;
        let twice = |cx: &mut tembusu::Context<Probe>| {
            cx.unstash_all();
            cx.stash(note("6")).expect("there is room");
            cx.unstash_all();
        };
        run(&a, twice).await;
        settle(&a).await;
        assert_eq!(journal.take(), ["a#1 6", "a#1 4", "a#1 5"], "back to the front, each time");
    });
}

#[test]
fn as_many_can_be_aside_as_the_mailbox_holds_and_the_next_is_handed_back() {
    virtual_time(async {
        let (a, _tree, journal) = one(|spec| spec.mailbox(3)).await;
        let refused = run(&a, |cx| {
            for text in ["1", "2", "3"] {
                cx.stash(note(text)).expect("there is room");
            }
            cx.stash(note("4"))
        })
        .await;
        assert!(matches!(refused, Err(TellError::Full(Do::Note(text))) if text == "4"));
        // Back in the queue they leave no room for others, and lose nobody.
        let gate = Gate::new();
        let passing = gate.clone();
        a.tell(Do::Run(Box::new(|cx| assert_eq!(cx.unstash_all(), 3)))).expect("it is told");
        a.tell(Do::Pass(passing)).expect("it is told");
        gate.reached(1).await;
        for _ in 0..3 {
            a.tell(note("new")).expect("the three are handled by then");
        }
        assert!(matches!(a.tell(note("x")), Err(TellError::Full(_))));
        gate.open();
        journal.wait_for("a#1 3").await;
    });
}

#[test]
fn a_crash_loses_nothing_that_was_aside_and_callers_go_on_waiting() {
    on_both(async || {
        let (a, _tree, journal) = one(|spec| spec).await;
        // The call is put aside by the one that ends.
        let gate = Gate::new();
        let (called, ()) = tokio::join!(
            a.call(|reply| Do::Run(Box::new(move |cx| assert!(cx.stash(Do::Ask(reply)).is_ok()))), SECOND * 60),
            async {
                stash(&a, &["1", "2"]).await;
                a.tell(Do::Pass(gate.clone())).expect("it is told");
                gate.reached(1).await;
                a.tell(Do::End(End::Panic)).expect("it is told");
                a.tell(note("waited")).expect("it is told");
                gate.open();
            }
        );
        assert_eq!(called.expect("the second one answers"), 2);
        settle(&a).await;
        assert_eq!(journal.take(), ["a#2 1", "a#2 2", "a#2 waited"]);
    });
}

#[test]
fn an_incarnation_that_is_given_up_loses_nothing_and_can_put_nothing_aside_any_more() {
    real_time(async {
        let (a, tree, journal) = one(|spec| spec.brutal_kill()).await;
        stash(&a, &["aside"]).await;
        let (gate, done) = (Gate::new(), journal.clone());
        let closed = gate.clone();
        let stuck = Do::Run(Box::new(move |cx| {
            closed.block();
            assert!(matches!(cx.stash(note("late")), Err(TellError::Gone(_))));
            assert_eq!(cx.unstash_all(), 0);
            done.note("done");
        }));
        a.tell(stuck).expect("it is told");
        gate.reached(1).await;
        let ended = a.ended();
        // It is linked to one that crashes: it does not notice, and its slot is given to the next one.
        let crasher = child::<Probe>("crasher", Setup::new("crasher", &journal));
        let crasher = tree.handle().start_child(crasher).await.expect("it starts");
        let other = a.clone();
        run(&crasher, move |cx| cx.link(&other)).await;
        crasher.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!(settle(&a).await, 2);
        gate.open();
        journal.wait_for("done").await;
        assert_eq!(journal.take(), ["a#2 aside", "done"]);
    });
}

#[test]
fn a_call_that_expires_while_it_is_aside_is_a_time_out_and_not_handled() {
    virtual_time(async {
        let (a, tree, _) = one(|spec| spec).await;
        let called = a.call(
            |reply| {
                Do::Run(Box::new(move |cx| {
                    let late = Do::Run(Box::new(move |cx| panic!("{} handles it: {:?}", cx.path(), reply.send(()))));
                    cx.stash(late).expect("there is room");
                }))
            },
            SECOND,
        );
        assert!(matches!(called.await, Err(CallError::Timeout { enqueued: true })));
        run(&a, |cx| cx.unstash_all()).await;
        assert_eq!(settle(&a).await, 1);
        assert_eq!(tree.handle().snapshot().children[0].expired, 1);
    });
}

#[test]
fn it_ends_with_a_fresh_queue_and_with_the_child() {
    on_both(async || {
        let (a, tree, journal) = one(ChildSpec::fresh_queue).await;
        stash(&a, &["1"]).await;
        let ended = a.ended();
        a.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!(settle(&a).await, 2);
        assert!(journal.take().is_empty());
        let handle = tree.handle();
        assert_eq!(handle.snapshot().children[0].dead_letters, 1);
        stash(&a, &["2"]).await;
        handle.terminate_child("a").await.expect("it is terminated");
        assert_eq!(handle.snapshot().children[0].dead_letters, 2);
        handle.restart_child("a").await.expect("it starts");
        settle(&a).await;
        assert_eq!(journal.take(), ["a#2 stop shutdown"]);
    });
}

#[test]
fn what_is_aside_is_waited_for_when_the_child_is_drained() {
    virtual_time(async {
        let (a, tree, journal) = one(|spec| spec).await;
        stash(&a, &["1"]).await;
        // Nothing more comes in, but its timers work.
        let unstash = |cx: &mut tembusu::Context<Probe>| assert_eq!(cx.unstash_all(), 1);
        run(&a, move |cx| cx.after(SECOND, Do::Run(Box::new(unstash)))).await;
        let drained = tree.handle().drain_child("a", SECOND * 5).await.expect("it is drained");
        assert_eq!(drained, Drained::Empty);
        assert_eq!(journal.take(), ["a#1 1", "a#1 stop shutdown"]);
        tree.handle().restart_child("a").await.expect("its specification stays");
        stash(&a, &["2", "3"]).await;
        let drained = tree.handle().drain_child("a", SECOND * 5).await.expect("its time is over");
        assert_eq!(drained, Drained::TimedOut { left: 2 });
    });
}

/// Keeps letters as they are: nobody drops what is in them.
struct Letters(Vec<DeadLetter<Do>>);

impl Actor for Letters {
    type Message = DeadLetter<Do>;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(Vec::new())))
    }

    async fn handle(&mut self, letter: DeadLetter<Do>, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        self.0.push(letter);
        Ok(Flow::Continue)
    }
}

/// Puts every call aside.
struct Hoarder;

impl Actor for Hoarder {
    type Message = Do;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, message: Do, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {
            Do::Pass(gate) => gate.pass().await,
            call => cx.stash(call).expect("there is room"),
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn the_caller_of_a_call_that_is_aside_is_told_at_once_when_it_becomes_a_dead_letter() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root");
        let letters = root.add(child::<Letters>("letters", ()));
        let a = root.add(child::<Hoarder>("a", ()).dead_letters(letters));
        let tree = root.start().await.expect("it starts");
        let begun = tokio::time::Instant::now();
        let handle = tree.handle();
        let (called, ended) = tokio::join!(biased; a.call(Do::Ask, SECOND * 60), async {
            let gate = Gate::new();
            a.tell(Do::Pass(gate.clone())).expect("it is told");
            gate.reached(1).await;
            gate.open();
            handle.terminate_child("a").await
        });
        ended.expect("it is terminated");
        assert!(matches!(called, Err(CallError::Gone(None))), "{called:?}");
        assert!(begun.elapsed().is_zero(), "nothing was waited for");
        assert_eq!(handle.snapshot().children[1].dead_letters, 1);
    });
}

/// Puts what it has kept aside after the message at hand.
struct Keeper(Option<Do>);

impl Actor for Keeper {
    type Message = Do;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(None)))
    }

    async fn handle(&mut self, message: Do, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match (message, self.0.take()) {
            (first, None) if cx.unstash_all() == 0 => self.0 = Some(first),
            (call, Some(kept)) => {
                cx.stash(call).expect("there is room");
                cx.stash(kept).expect("there is room");
            }
            (_, None) => {}
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn a_message_that_was_kept_and_is_put_aside_does_not_expire_with_the_call_at_hand() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Keeper>("a", ()));
        let tree = root.start().await.expect("it starts");
        a.tell(Do::Note("kept".into())).expect("it is told");
        assert!(matches!(a.call(Do::Ask, SECOND).await, Err(CallError::Timeout { enqueued: true })));
        // Both come back: the call is too late, and only the call.
        a.tell(Do::Note("unstash".into())).expect("it is told");
        tree.handle().describe_child("a", SECOND * 5).await.expect("it comes to it");
        assert_eq!(tree.handle().drain_child("a", SECOND).await.expect("it is drained"), Drained::Empty);
        assert_eq!(tree.handle().snapshot().children[0].expired, 1);
    });
}
