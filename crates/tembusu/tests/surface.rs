//! The public types are what their users need them to be, and what must not compile does not.

use std::fmt::Debug;

use tembusu::{
    Actor, Address, AdminError, AutoShutdown, CallError, Charge, ChildSpec, Context, Declared, Dynamic,
    DynamicSupervisor, Event, EventKind, Events, EventsError, ExitReason, Flow, Init, Inline, InlineError, Kind,
    Latency, NodeSnapshot, Reply, Report, Restart, Shutdown, SpecError, StartError, State, Strategy, Supervisor,
    SupervisorRef, Table, TellError, Tree,
};
use tembusu_testkit::{Say, Scripted};

/// An actor whose message is sent and not shared.
struct Holder;

impl Actor for Holder {
    type Message = Message;
    type Args = ();
    type Crash = std::convert::Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: Message, cx: &mut Context<Self>) -> Result<Flow, Self::Crash> {
        // The context can be lent over an await.
        let cx = &*cx;
        tokio::task::yield_now().await;
        let _ = cx.path();
        Ok(Flow::Continue)
    }
}

/// Sent as a message, and not shared: nothing may ask more of a message.
type Message = std::cell::Cell<u8>;

fn send<T: Send + 'static>() {}
fn shared<T: Send + Sync + Debug + 'static>() {}
fn handle<T: Send + Sync + Debug + Clone + 'static>() {}
fn value<T: Send + Sync + Debug + Copy + Eq + 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn public_types_are_send_sync_clone_and_debug_where_they_should_be() {
    handle::<Address<Message>>();
    handle::<Table<u8>>();
    handle::<Inline<u8>>();
    handle::<Inline<dyn Fn() + Send + Sync>>();
    handle::<InlineError>();
    handle::<SupervisorRef>();
    handle::<Dynamic<u8, ChildSpec<Scripted>>>();
    handle::<ExitReason>();
    handle::<tembusu::Failure>();
    handle::<tembusu::Partitions<Message>>();
    handle::<tembusu::Tasks>();
    shared::<tembusu::TaskSupervisor>();
    send::<tembusu::TaskHandle<Message>>();
    send::<tembusu::CancelOnDrop<Message>>();
    error::<ExitReason>();
    handle::<Event>();
    handle::<EventKind>();
    handle::<Report>();
    handle::<NodeSnapshot>();
    handle::<Flow>();
    handle::<tembusu::Down>();
    handle::<tembusu::Recipient<Message>>();
    handle::<tembusu::Registry<u8, Message>>();
    handle::<tembusu::Group<Message>>();
    handle::<tembusu::Ground>();
    error::<tembusu::Taken<u8, u8>>();
    handle::<tembusu::Exit>();
    shared::<tembusu::Ended>();
    value::<tembusu::TimerId>();
    value::<tembusu::MonitorId>();
    value::<tembusu::Missed>();
    shared::<Tree>();
    shared::<Events>();
    shared::<tembusu::Turn>();
    shared::<Supervisor>();
    shared::<ChildSpec<Scripted>>();
    shared::<Declared<Scripted>>();
    shared::<DynamicSupervisor<u8, ChildSpec<Scripted>>>();
    shared::<Reply<u8>>();
    shared::<Init<u8>>();
    shared::<tembusu::chaos::Point>();
    send::<Reply<Message>>();
    shared::<Context<Scripted>>();
    shared::<Context<Holder>>();
    value::<Strategy>();
    value::<tembusu::Probe>();
    handle::<tembusu::Backoff>();
    value::<Restart>();
    value::<AutoShutdown>();
    value::<Shutdown>();
    value::<State>();
    value::<Kind>();
    value::<Charge>();
    value::<Latency>();
    error::<InlineError>();
    error::<AdminError>();
    error::<StartError>();
    error::<SpecError>();
    error::<EventsError>();
    error::<TellError<u8>>();
    error::<CallError<u8>>();
    send::<TellError<Message>>();
    send::<CallError<Message>>();
}

#[test]
fn futures_of_the_surface_can_be_spawned() {
    fn spawnable<T: Send>(_: &T) {}
    let mut root = Supervisor::one_for_one("root");
    let address: Address<Say> = root.declare::<Scripted>("a").address();
    spawnable(&address.send(Say::Note("x")));
    spawnable(&address.call(Say::Ask, std::time::Duration::ZERO));
    spawnable(&Inline::<u8>::new("view").call(|byte| *byte, std::time::Duration::ZERO));
    spawnable(&root.handle().restore());
    spawnable(&root.handle().events().recv());
    spawnable(&root.start());
}

#[test]
fn what_must_not_compile_does_not_and_says_why() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
