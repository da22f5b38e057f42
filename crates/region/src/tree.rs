//! The subtree of a region and the port into it.
//!
//! Promises that the three actors restart together: what one knows of a bid the others know. Never leads past itself: when
//! its intensity is used up the region is in quarantine, its money frozen, and nobody else notices.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ledger::{CapStore, Clock, LeaseBank, LedgerBank, LedgerCaps, LedgerMessage};
use tembusu::{Address, Supervisor, Table, child};

use crate::bidding_state::{BiddingArgs, BiddingState, Keepsake};
use crate::budget_pacer::{BudgetPacer, PacerArgs};
use crate::cap_estate::CapEstate;
use crate::cap_journal::CapJournal;
use crate::farewell::Farewell;
use crate::frequency_capper::{CapperArgs, FrequencyCapper};
use crate::lease_estate::LeaseEstate;
use crate::limits::{
    ACTOR_MAILBOX, BIDDING_MAILBOX, CAP_PAIRS_MAX, CAPPER_INIT, GIVE_BACK, INIT, INTENSITY, INTENSITY_PERIOD,
    JOIN_CALL, LEDGER_CALL, OPEN_BIDS_MAX, SHUTDOWN,
};
use crate::link::Link;
use crate::pace::PacingBoard;
use crate::port::{RegionPort, Tables};
use crate::recovery::Recovery;
use crate::risk::RiskMemory;
use crate::supply::SupplyBook;
use crate::timings::Timings;

/// What a region is made from.
#[derive(Clone, Debug)]
pub struct RegionArgs {
    /// The ledger that records notices.
    pub ledger: Address<LedgerMessage>,
    /// Who grants leases: the same ledger, unless several nodes share one bank.
    pub bank: Arc<dyn LeaseBank>,
    /// Who keeps the counts of its users: the same ledger, unless several nodes share them.
    pub caps: Arc<dyn CapStore>,
    /// Among how many regions each campaign's plan is shared.
    pub regions: u32,
    /// Where the regions of a process meet to share plans by their traffic. Those that have none in common take an equal
    /// part each.
    pub pacing: PacingBoard,
    /// What is known of supply; one for all regions of a process. An empty one means even plans.
    pub supply: SupplyBook,
    /// The time; the system's unless a test says otherwise.
    pub clock: Clock,
    /// How often its actors act.
    pub timings: Timings,
    /// How many crashes it survives, within which period; one more puts it in quarantine.
    pub intensity: (u32, Duration),
    /// A file in which the caps of open bids are written down, for the next process; of the region alone. It need not exist. A
    /// bid is in it [a tenth of a second](crate::limits::JOURNAL_PERIOD) after its commit, which does not wait for that.
    /// `None`: a process that is killed takes them with it, and until those bids have ended a user may be shown as many more.
    pub cap_journal: Option<PathBuf>,
    /// How many bids may be open at once; beyond it commits are refused.
    pub open_bids_max: usize,
    /// How many (campaign or creative, user) pairs are counted for caps at once, in memory; beyond it campaigns with caps refuse
    /// users that have no count yet ([`Refusal::CapsFull`](crate::Refusal::CapsFull)).
    pub cap_pairs_max: usize,
}

impl RegionArgs {
    /// A region among so many, with the system's clock and the standard periods.
    #[must_use]
    pub fn new(ledger: Address<LedgerMessage>, regions: u32) -> Self {
        let bank = Arc::new(LedgerBank::new(ledger.clone(), LEDGER_CALL));
        let caps = Arc::new(LedgerCaps::new(ledger.clone(), JOIN_CALL));
        Self {
            ledger,
            bank,
            caps,
            regions,
            pacing: PacingBoard::new(),
            supply: SupplyBook::new(),
            clock: Clock::system(),
            timings: Timings::STANDARD,
            intensity: (INTENSITY, INTENSITY_PERIOD),
            cap_journal: None,
            open_bids_max: OPEN_BIDS_MAX,
            cap_pairs_max: CAP_PAIRS_MAX,
        }
    }
}

/// The subtree of a region, and what the bid path holds of it.
///
/// The port may be used at once and for ever; it opens when the subtree has started.
pub fn region_supervisor(name: &str, args: RegionArgs) -> (Supervisor, RegionPort) {
    let RegionArgs {
        ledger,
        bank,
        caps,
        regions,
        pacing,
        supply,
        clock,
        timings,
        intensity,
        cap_journal,
        open_bids_max,
        cap_pairs_max,
    } = args;
    let name: Arc<str> = name.into();
    let link = Link::new(ledger, bank, caps, Arc::clone(&name));
    let tables = Tables {
        starting: Table::new(format!("{name}.starting")),
        incarnation: Table::new(format!("{name}.incarnation")),
        pacer: Table::new(format!("{name}.accounts")),
        caps: Table::new(format!("{name}.caps")),
        estate: CapEstate::default(),
        risk: RiskMemory::default(),
        recovery: Recovery::default(),
        farewell: Farewell::default(),
        leases: LeaseEstate::default(),
        market: Table::new(format!("{name}.market")),
    };

    let (crashes, period) = intensity;
    let mut region = Supervisor::one_for_all(&*name).intensity(crashes, period);
    let bidding = BiddingArgs {
        link: link.clone(),
        tables: tables.clone(),
        clock: clock.clone(),
        timings,
        open_bids_max,
        keepsake: Keepsake::default(),
    };
    let bidding = region.add(
        child::<BiddingState>("bidding_state", bidding).mailbox(BIDDING_MAILBOX).init_timeout(INIT).shutdown(SHUTDOWN),
    );
    let seat = pacing.join(&name);
    let pacer =
        PacerArgs { link: link.clone(), tables: tables.clone(), clock: clock.clone(), timings, regions, seat, supply };
    let pacer = region.add(
        child::<BudgetPacer>("budget_pacer", pacer)
            .mailbox(ACTOR_MAILBOX)
            .init_timeout(INIT)
            .shutdown(SHUTDOWN + GIVE_BACK),
    );
    let capper = CapperArgs {
        link,
        tables: tables.clone(),
        clock: clock.clone(),
        timings,
        journal: cap_journal.map(CapJournal::new),
        pairs_max: cap_pairs_max,
    };
    region.add(
        child::<FrequencyCapper>("frequency_capper", capper)
            .mailbox(ACTOR_MAILBOX)
            .init_timeout(CAPPER_INIT)
            .shutdown(SHUTDOWN),
    );
    (region.quarantine(), RegionPort { name, clock, tables, bidding, pacer })
}
