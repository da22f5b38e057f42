//! A chain of two actors under one supervisor: the second depends on the first, and both come back after a crash.
//!
//! `cargo run -p tembusu --example pacer`

use std::time::Duration;

use tembusu::{Actor, Address, Context, Flow, Init, Reply, Supervisor, child};

/// What a call may take.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
#[error("the ledger is lost")]
struct LedgerLost;

struct Pacer(i64);

enum Message {
    Add(i64),
    Take(i64, Reply<bool>),
    LoseTheLedger,
}

impl Actor for Pacer {
    type Message = Message;
    type Args = i64;
    type Crash = LedgerLost;

    async fn init(start: &i64, _: &mut Context<Self>) -> Result<Init<Self>, LedgerLost> {
        Ok(Init::Ready(Self(*start)))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, LedgerLost> {
        match message {
            Message::Add(amount) => self.0 += amount,
            Message::Take(amount, reply) => {
                let granted = amount <= self.0;
                self.0 -= if granted { amount } else { 0 };
                let _ = reply.send(granted);
            }
            Message::LoseTheLedger => return Err(LedgerLost),
        }
        Ok(Flow::Continue)
    }
}

struct Bidder {
    pacer: Address<Message>,
}

enum Bid {
    Offer(i64, Reply<bool>),
}

impl Actor for Bidder {
    type Message = Bid;
    type Args = Address<Message>;
    type Crash = LedgerLost;

    async fn init(pacer: &Address<Message>, _: &mut Context<Self>) -> Result<Init<Self>, LedgerLost> {
        Ok(Init::Ready(Self { pacer: pacer.clone() }))
    }

    async fn handle(&mut self, Bid::Offer(price, reply): Bid, _: &mut Context<Self>) -> Result<Flow, LedgerLost> {
        // A call that is not answered is no bid, whatever the reason.
        let granted = self.pacer.call(|reply| Message::Take(price, reply), PATIENCE).await.unwrap_or(false);
        let _ = reply.send(granted);
        Ok(Flow::Continue)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut region = Supervisor::rest_for_one("sg").intensity(5, Duration::from_secs(10));
    let pacer = region.add(child::<Pacer>("pacer", 1_000));
    let bidder = region.add(child::<Bidder>("bidder", pacer.clone()).shutdown(Duration::from_millis(200)));
    let tree = region.start().await?;

    pacer.tell(Message::Add(500))?;
    assert!(bidder.call(|reply| Bid::Offer(1_200, reply), PATIENCE).await?);

    // Both are restarted; the addresses and what waits behind them go on.
    pacer.tell(Message::LoseTheLedger)?;
    assert!(bidder.call(|reply| Bid::Offer(900, reply), PATIENCE).await?);
    for node in tree.handle().snapshot().children {
        println!("{} is {}, incarnation {}", node.path, node.state.label(), node.incarnation);
    }
    tree.shutdown().await;
    Ok(())
}
