//! A first walk through the library.
use std::time::Duration;
use tembusu::{Actor, CallError, Context, EventKind, ExitReason, Flow, Init, Reply, Supervisor, child, stand_in, State};

#[derive(Debug, thiserror::Error)]
#[error("boom")]
struct Boom;

struct A(u64);
enum M { Add(u64), Get(Reply<u64>), Panic, Fail, Incarnation(Reply<u64>), Hold(Reply<u64>) }
impl Actor for A {
    type Message = M;
    type Args = ();
    type Crash = Boom;
    async fn init((): &(), _cx: &mut Context<Self>) -> Result<Init<Self>, Boom> { Ok(Init::Ready(A(0))) }
    async fn handle(&mut self, m: M, cx: &mut Context<Self>) -> Result<Flow, Boom> {
        match m {
            M::Add(n) => self.0 += n,
            M::Get(r) => drop(r.send(self.0)),
            M::Panic => panic!("oh no"),
            M::Fail => return Err(Boom),
            M::Incarnation(r) => drop(r.send(cx.incarnation())),
            M::Hold(r) => { let _r = r; panic!("with reply"); }
        }
        Ok(Flow::Continue)
    }
}
struct Fallback;
impl Actor for Fallback {
    type Message = M;
    type Args = ();
    type Crash = Boom;
    async fn init((): &(), _cx: &mut Context<Self>) -> Result<Init<Self>, Boom> { Ok(Init::Ready(Fallback)) }
    async fn handle(&mut self, m: M, _cx: &mut Context<Self>) -> Result<Flow, Boom> {
        if let M::Get(r) = m { let _ = r.send(999); }
        Ok(Flow::Continue)
    }
}
const MS: Duration = Duration::from_millis(500);

#[tokio::test(start_paused = true)]
async fn walk() {
    let mut root = Supervisor::one_for_one("root").intensity(2, Duration::from_secs(10));
    let a = root.add(child::<A>("a", ()));
    let mut sub = Supervisor::rest_for_one("sub").intensity(2, Duration::from_secs(10));
    let b = sub.add(child::<A>("b", ()));
    let c = sub.add(child::<A>("c", ()));
    let mut fb = Supervisor::one_for_one("no_bid");
    fb.add(stand_in::<Fallback>(&b, ()));
    let sub = root.supervisor(sub.degrade_to(fb));
    let mut events = root.handle().events();
    let tree = root.start().await.unwrap();
    a.tell(M::Add(3)).unwrap();
    assert_eq!(a.call(M::Get, MS).await.unwrap(), 3);
    a.tell(M::Panic).unwrap();
    assert_eq!(a.call(M::Get, MS).await.unwrap(), 0);
    assert!(matches!(a.call(M::Hold, MS).await, Err(CallError::Died(ExitReason::Panic { .. }))));
    assert_eq!(a.call(M::Incarnation, MS).await.unwrap(), 3);
    b.tell(M::Fail).unwrap();
    assert_eq!(b.call(M::Incarnation, MS).await.unwrap(), 2);
    assert_eq!(c.call(M::Incarnation, MS).await.unwrap(), 2);
    b.tell(M::Fail).unwrap();
    b.tell(M::Fail).unwrap();
    assert_eq!(b.call(M::Get, MS).await.unwrap(), 999);
    assert!(matches!(c.call(M::Get, MS).await, Err(CallError::Degraded(_))));
    assert_eq!(sub.snapshot().state, State::Degraded);
    sub.restore().await.unwrap();
    assert_eq!(b.call(M::Get, MS).await.unwrap(), 0);
    assert_eq!(sub.snapshot().state, State::Running);
    while let Some(Ok(e)) = events.try_recv() { println!("{} #{} {:?}", e.path, e.incarnation, e.kind); let _ = matches!(e.kind, EventKind::Started); }
    a.tell(M::Fail).unwrap();
    assert!(matches!(tree.wait().await, ExitReason::Exhausted(_)));
    assert!(matches!(a.call(M::Get, MS).await, Err(CallError::Gone(_))));
}
