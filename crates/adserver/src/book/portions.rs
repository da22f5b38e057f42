//! A change that is recorded in several portions: all of it, nothing of it, or what was recorded before the ledger failed.
//!
//! How: the book with a ledger on disk, and an actor between the two that counts what is recorded at a time and leaves one of
//! these unanswered.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campaign::{Campaign, CampaignId, CampaignsHandle, campaigns_supervisor, parse_campaigns};
use ledger::{LeaseAsk, LedgerArgs, LedgerMessage};
use money::Nanos;
use tembusu::{Actor, Address, Context, Flow, Init, Supervisor, Tree, child};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{BookArgs, BookError, BookMessage, CampaignBook, Change, FileWords, Orders, Outs, Reloaded};

const WITHIN: Duration = Duration::from_secs(60);
const CAMPAIGNS: u32 = 8;
const PORTION: usize = 3;

/// Hands on to the ledger what the book asks.
#[derive(Debug)]
struct Between {
    ledger: Address<LedgerMessage>,
    seen: Seen,
}

type Seen = Arc<Mutex<Portions>>;

#[derive(Debug, Default)]
struct Portions {
    sizes: Vec<usize>,
    /// Which of them is lost.
    lost: Option<usize>,
}

#[derive(Debug, thiserror::Error)]
enum Never {}

impl Actor for Between {
    type Message = LedgerMessage;
    type Args = (Address<LedgerMessage>, Seen);
    type Crash = Never;

    async fn init((ledger, seen): &Self::Args, _: &mut Context<Self>) -> Result<Init<Self>, Never> {
        Ok(Init::Ready(Self { ledger: ledger.clone(), seen: Arc::clone(seen) }))
    }

    async fn handle(&mut self, message: LedgerMessage, _: &mut Context<Self>) -> Result<Flow, Never> {
        if let LedgerMessage::RecordCampaigns { entries, .. } = &message {
            let mut seen = self.seen.lock().expect("nobody panics with it");
            seen.sizes.push(entries.len());
            if seen.lost == Some(seen.sizes.len()) {
                return Ok(Flow::Continue);
            }
        }
        self.ledger.tell(message).expect("the ledger has room");
        Ok(Flow::Continue)
    }
}

struct World {
    tree: Tree,
    ledger: Address<LedgerMessage>,
    campaigns: CampaignsHandle,
    book: Address<BookMessage>,
    seen: Seen,
    file: PathBuf,
    _folder: TempDir,
}

/// The campaigns with this price in cents, and the last of them with this budget.
fn text(cents: u32, last_budget: &str) -> String {
    let campaign = |id| {
        let budget = if id == CAMPAIGNS { last_budget } else { "100.00" };
        format!(
            "[[campaign]]\nid = {id}\nname = \"{id}\"\nadvertiser_domain = \"house.example\"\nbudget = \"{budget}\"\n\
             bid_cpm = \"1.{cents}\"\nstarts = \"2026-01-01\"\nends = \"2090-12-31\"\ncountries = [\"SG\"]\n\
             [[campaign.creative]]\nid = {id}\nsizes = [\"320x50\"]\nsecure = true\n\
             markup = '<img src=\"https://cdn.example/a.png\">'\n"
        )
    };
    (1..=CAMPAIGNS).map(campaign).collect()
}

impl World {
    async fn start() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("campaigns.toml");
        let definitions: Vec<Campaign> = parse_campaigns(&text(50, "100.00")).expect("sound");
        let known = FileWords::new(&file, [], &definitions);
        let mut root = Supervisor::one_for_one("root");
        let (supervisor, ledger) =
            ledger::supervisor(LedgerArgs::new(folder.path().join("ledger.db"), Handle::current()));
        root.supervisor(supervisor);
        let (supervisor, campaigns) = campaigns_supervisor(definitions).expect("no two are the same");
        root.supervisor(supervisor);
        let seen = Seen::default();
        let between = root.add(child::<Between>("between", (ledger.clone(), Arc::clone(&seen))));
        let args = BookArgs {
            ledger: between,
            campaigns: campaigns.clone(),
            file: known,
            outs: Outs::default(),
            portion: PORTION,
        };
        let book = root.add(child::<CampaignBook>("book", args).init_timeout(WITHIN));
        let tree = root.start().await.expect("it starts");
        seen.lock().expect("nobody panics with it").sizes.clear();
        World { tree, ledger, campaigns, book, seen, file, _folder: folder }
    }

    async fn reload(&self, text: &str) -> Result<Reloaded, BookError> {
        std::fs::write(&self.file, text).expect("written");
        let by = Change { who: "mei".to_owned(), why: String::new() };
        let reload = |reply| BookMessage::Reload { orders: Orders::default(), by, reply: Some(reply) };
        self.book.call(reload, WITHIN).await.expect("the book answers")
    }

    /// The version of each campaign on disk, and of each that bids.
    async fn versions(&self) -> (Vec<u32>, Vec<u32>) {
        let words = self.ledger.call(|reply| LedgerMessage::CampaignWords { reply }, WITHIN).await.expect("words");
        let bidding = (1..=CAMPAIGNS).filter_map(|id| self.campaigns.view(CampaignId(id)));
        (words.iter().map(|word| word.version).collect(), bidding.map(|view| view.version).collect())
    }

    fn portions(&self) -> Vec<usize> {
        std::mem::take(&mut self.seen.lock().expect("nobody panics with it").sizes)
    }
}

#[tokio::test]
async fn a_change_of_many_campaigns_is_recorded_in_portions_and_counts_as_a_whole() {
    let world = World::start().await;
    let reloaded = world.reload(&text(60, "100.00")).await.expect("it counts");
    assert_eq!((reloaded.changed.len(), reloaded.effective), (8, true));
    assert_eq!(world.portions(), [3, 3, 2]);
    assert_eq!(world.versions().await, (vec![2; 8], vec![2; 8]));
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_budget_that_is_too_low_in_the_last_portion_keeps_the_first_from_being_recorded() {
    let world = World::start().await;
    let (want, least) = (Nanos(50_000_000_000), Nanos(1_000_000_000));
    let ask = LeaseAsk { region: "sg".into(), campaign: CampaignId(CAMPAIGNS), want, least };
    let granted = world.ledger.call(|reply| LedgerMessage::Lease { ask, reply }, WITHIN).await;
    granted.expect("the ledger answers").expect("there is money");
    let refused = world.reload(&text(60, "0.50")).await;
    assert!(matches!(&refused, Err(BookError::Refused(why)) if why.len() == 1), "{refused:?}");
    assert_eq!(world.portions(), [0; 0]);
    assert_eq!(world.versions().await, (vec![1; 8], vec![1; 8]));
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_portion_that_the_ledger_does_not_confirm_leaves_what_was_recorded_before_and_the_next_reload_does_the_rest()
{
    let world = World::start().await;
    world.seen.lock().expect("nobody panics with it").lost = Some(2);
    let failed = world.reload(&text(60, "100.00")).await;
    assert!(matches!(failed, Err(BookError::Unconfirmed(_))), "{failed:?}");
    assert_eq!(world.portions(), [3, 3]);
    assert_eq!(world.versions().await, (vec![2, 2, 2, 1, 1, 1, 1, 1], vec![1; 8]), "nothing bids by halves");

    world.seen.lock().expect("nobody panics with it").lost = None;
    let reloaded = world.reload(&text(60, "100.00")).await.expect("it counts");
    assert_eq!((reloaded.changed.len(), reloaded.unchanged), (5, 3));
    assert_eq!(world.portions(), [3, 2]);
    assert_eq!(world.versions().await, (vec![2; 8], vec![2; 8]));
    world.tree.shutdown().await;
}
