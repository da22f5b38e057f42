//! A group: stop the siblings in reverse order and wait for each, then spawn all in order.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::cases::Plan;
use crate::figures::Figures;
use crate::peers::catch::catch;
use crate::probe::{OnDemand, Probe};

enum Message {
    Go,
    Crash,
}

type Receiver = mpsc::Receiver<Message>;
type End = Result<Result<(), OnDemand>, Box<dyn Any + Send>>;

struct Exit {
    member: usize,
    receiver: Receiver,
    end: End,
}

struct Running {
    stop: oneshot::Sender<()>,
    /// Its queue, when it was told to stop.
    task: JoinHandle<Option<Receiver>>,
}

struct Member {
    sender: mpsc::Sender<Message>,
    receiver: Option<Receiver>,
    running: Option<Running>,
}

async fn handle(probe: &Probe, first: &mpsc::Sender<Message>, message: Message) -> Result<(), OnDemand> {
    match message {
        Message::Crash => return probe.crash(),
        Message::Go => {
            if probe.handled() {
                let _ = first.try_send(Message::Crash);
            }
        }
    }
    Ok(())
}

/// One incarnation; `None` when it was told to stop.
async fn live(
    probe: &Probe,
    [own, first]: [mpsc::Sender<Message>; 2],
    receiver: &mut Receiver,
    up: oneshot::Sender<()>,
    mut stop: oneshot::Receiver<()>,
) -> Option<End> {
    if probe.up() {
        let _ = own.try_send(Message::Go);
    }
    let _ = up.send(());
    loop {
        let message = tokio::select! {
            biased;
            _ = &mut stop => return None,
            message = receiver.recv() => message?,
        };
        match catch(handle(probe, &first, message)).await {
            Ok(Ok(())) => {}
            end => return Some(end),
        }
    }
}

async fn start(
    member: usize,
    members: &mut [Member],
    probe: &Arc<Probe>,
    exits: &mpsc::UnboundedSender<Exit>,
) -> Option<()> {
    let senders = [members[member].sender.clone(), members[0].sender.clone()];
    let mut receiver = members[member].receiver.take()?;
    let (probe, exits) = (Arc::clone(probe), exits.clone());
    let ((stop, stopped), (up, is_up)) = (oneshot::channel(), oneshot::channel());
    let task = tokio::spawn(async move {
        match live(&probe, senders, &mut receiver, up, stopped).await {
            None => Some(receiver),
            Some(end) => {
                let _ = exits.send(Exit { member, receiver, end });
                None
            }
        }
    });
    members[member].running = Some(Running { stop, task });
    is_up.await.ok()
}

async fn supervise(probe: Arc<Probe>) -> Option<()> {
    let (exits, mut exit) = mpsc::unbounded_channel();
    let mut members: Vec<Member> = (0..probe.plan.members())
        .map(|_| {
            let (sender, receiver) = mpsc::channel(64);
            Member { sender, receiver: Some(receiver), running: None }
        })
        .collect();
    for member in 0..members.len() {
        start(member, &mut members, &probe, &exits).await?;
    }
    loop {
        let Exit { member, receiver, end } = exit.recv().await?;
        if matches!(end, Ok(Ok(()))) {
            return None;
        }
        members[member].receiver = Some(receiver);
        members[member].running = None;
        for sibling in members.iter_mut().rev() {
            let Some(Running { stop, task }) = sibling.running.take() else { continue };
            let _ = stop.send(());
            sibling.receiver = task.await.ok()?;
        }
        for member in 0..members.len() {
            start(member, &mut members, &probe, &exits).await?;
        }
    }
}

pub(super) async fn run(plan: Plan) -> anyhow::Result<Figures> {
    let probe = Arc::new(Probe::new(plan, false));
    tokio::spawn(supervise(Arc::clone(&probe)));
    Ok(probe.figures().await)
}
