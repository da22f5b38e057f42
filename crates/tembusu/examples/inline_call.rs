//! When to send a message, when to call inline, and when to read a table.
//!
//! One actor owns the prices of a shop. What changes them is a **message**: it is handled in turn, and it may wait
//! for anything. What asks for a price a million times a second is an **inline call**: it runs on the caller's
//! thread, and a panic in it restarts the owner, not the caller. What only wants to look reads the **table**: it
//! asks nobody and sees the last value that was published whole.
//!
//! `cargo run -p tembusu --example inline_call`

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Init, Inline, InlineError, Reply, Supervisor, Table, child};

/// The view: what callers may do on their own threads. A trait, so that a stand-in can publish another one.
trait Quote: Send + Sync {
    fn quote(&self, pieces: u64) -> u64;
}

/// The handlers take `&self`: what they share with the actor is an atomic or a lock of its own.
struct Quotes {
    price: Arc<AtomicU64>,
}

impl Quote for Quotes {
    fn quote(&self, pieces: u64) -> u64 {
        assert!(pieces > 0, "nobody buys nothing");
        self.price.load(Ordering::Relaxed) * pieces
    }
}

struct Shop {
    price: Arc<AtomicU64>,
    list: Table<Vec<u64>>,
}

#[derive(Clone)]
struct Wiring {
    quotes: Inline<dyn Quote>,
    list: Table<Vec<u64>>,
}

enum Message {
    SetPrice(u64, Reply<()>),
}

impl Actor for Shop {
    type Message = Message;
    type Args = Wiring;
    type Crash = Infallible;

    async fn init(wiring: &Wiring, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let price = Arc::new(AtomicU64::new(10));
        cx.publish_view(&wiring.quotes, Arc::new(Quotes { price: Arc::clone(&price) }));
        cx.publish(&wiring.list, vec![10]);
        Ok(Init::Ready(Self { price, list: wiring.list.clone() }))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        let Message::SetPrice(price, reply) = message;
        self.price.store(price, Ordering::Relaxed);
        let mut list = self.list.read().map_or_else(Vec::new, |list| list.to_vec());
        list.push(price);
        cx.publish(&self.list, list);
        let _ = reply.send(());
        Ok(Flow::Continue)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let soon = Duration::from_secs(1);
    let wiring = Wiring { quotes: Inline::new("quotes"), list: Table::new("price list") };
    let Wiring { quotes, list } = wiring.clone();
    let mut root = Supervisor::one_for_one("root").intensity(3, Duration::from_secs(10));
    let shop = root.add(child::<Shop>("shop", wiring));
    let tree = root.start().await?;

    // A message changes the state, and waits for its turn.
    shop.call(|reply| Message::SetPrice(12, reply), soon).await?;

    // An inline call: no queue, no hop, no copy.
    let total = quotes.call(|quotes| quotes.quote(3), soon).await?;
    println!("three pieces cost {total}");
    assert_eq!(total, 36);

    // A table is only read.
    let prices = list.read();
    println!("prices so far: {prices:?}");
    assert_eq!(prices.as_deref(), Some(&vec![10, 12]));

    // A panic inside is the owner's: this caller is told, the next one enters its successor.
    let died = quotes.call(|quotes| quotes.quote(0), soon).await;
    assert!(matches!(died, Err(InlineError::Died(_))));
    let total = quotes.call(|quotes| quotes.quote(3), soon).await?;
    println!("after the restart they cost {total}: the state was made anew");
    assert_eq!(total, 30);

    tree.shutdown().await;
    assert!(matches!(quotes.try_call(|quotes| quotes.quote(1)), Err(InlineError::Gone)));
    Ok(())
}
