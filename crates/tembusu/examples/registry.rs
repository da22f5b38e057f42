//! Campaigns register themselves under their numbers; a desk finds them, and monitors those that it works with.
//!
//! `cargo run -p tembusu --example registry`

use std::time::Duration;

use tembusu::{Actor, Context, Down, Flow, Init, Registry, Reply, Supervisor, child};

const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

enum Campaign {
    Bid(Reply<u32>),
    Break,
}

type Campaigns = Registry<u32, Campaign>;

struct Running(u32);

impl Actor for Running {
    type Message = Campaign;
    type Args = (u32, Campaigns);
    type Crash = Failed;

    async fn init((number, campaigns): &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, Failed> {
        cx.register(campaigns, *number).map_err(|taken| Failed(taken.to_string()))?;
        Ok(Init::Ready(Self(*number)))
    }

    async fn handle(&mut self, message: Campaign, _: &mut Context<Self>) -> Result<Flow, Failed> {
        match message {
            Campaign::Bid(reply) => drop(reply.send(self.0 * 100)),
            Campaign::Break => return Err(Failed("its definition is broken".to_owned())),
        }
        Ok(Flow::Continue)
    }
}

/// Knows nothing of the tree but the registry.
struct Desk {
    campaigns: Campaigns,
    down: Vec<String>,
}

enum Order {
    Watch(u32),
    Bid(u32, Reply<Option<u32>>),
    Down(Down),
    Seen(Reply<Vec<String>>),
}

impl Actor for Desk {
    type Message = Order;
    type Args = Campaigns;
    type Crash = Failed;

    async fn init(campaigns: &Campaigns, _: &mut Context<Self>) -> Result<Init<Self>, Failed> {
        Ok(Init::Ready(Self { campaigns: campaigns.clone(), down: Vec::new() }))
    }

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<Flow, Failed> {
        match order {
            Order::Watch(number) => {
                if let Some(campaign) = self.campaigns.get(&number) {
                    cx.monitor(&campaign, Order::Down);
                }
            }
            Order::Bid(number, reply) => {
                let bid = match self.campaigns.get(&number) {
                    // It waits no longer than whoever asked the desk.
                    Some(campaign) => campaign.call(Campaign::Bid, PATIENCE).await.ok(),
                    None => None,
                };
                let _ = reply.send(bid);
            }
            Order::Down(down) => self.down.push(format!("{}#{}: {}", down.path, down.incarnation, down.reason)),
            Order::Seen(reply) => drop(reply.send(self.down.clone())),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let campaigns = Campaigns::new("campaigns");
    let mut root = Supervisor::one_for_one("root").intensity(5, Duration::from_secs(10));
    for number in [7, 8] {
        root.add(child::<Running>(format!("campaign_{number}"), (number, campaigns.clone())));
    }
    let desk = root.add(child::<Desk>("desk", campaigns.clone()));
    let tree = root.start().await?;

    assert_eq!(desk.call(|reply| Order::Bid(7, reply), PATIENCE).await?, Some(700));
    assert_eq!(desk.call(|reply| Order::Bid(9, reply), PATIENCE).await?, None);
    desk.tell(Order::Watch(7))?;
    assert!(desk.call(Order::Seen, PATIENCE).await?.is_empty());

    let seven = campaigns.get(&7).ok_or("it runs")?;
    let ended = seven.ended();
    seven.tell(Campaign::Break)?;
    ended.await;
    let seen = desk.call(Order::Seen, PATIENCE).await?;
    assert_eq!(seen, ["root/campaign_7#1: error: its definition is broken"]);
    println!("{}", seen[0]);

    // The address leads to the next incarnation, which has registered itself again.
    assert_eq!(seven.call(Campaign::Bid, PATIENCE).await?, 700);
    assert!(campaigns.get(&7).is_some());
    tree.shutdown().await;
    Ok(())
}
