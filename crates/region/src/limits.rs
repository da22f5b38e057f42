//! The limits of a region: every queue, loop, wait and table, with its unit and reason.

use std::time::Duration;

use money::Nanos;

/// Locks over which the cap table is spread: several times the threads that bid, so that they rarely meet.
pub const CAP_SHARDS: usize = 64;

/// (campaign or creative, user) pairs in a shard; 4 million in all unless said otherwise
/// ([`RegionArgs::cap_pairs_max`](crate::RegionArgs::cap_pairs_max)). Beyond it new users are refused by capped campaigns.
pub const CAP_ENTRIES_PER_SHARD_MAX: usize = 65_536;

/// The same over all shards.
pub const CAP_PAIRS_MAX: usize = CAP_SHARDS * CAP_ENTRIES_PER_SHARD_MAX;

/// Moments at which a user was billed that are told apart; beyond it the closest are put together, as the later of them. Caps
/// of up to so many are exact.
pub const MARKS_MAX: usize = 32;

/// Rows of the archive of counts that have a checksum together, looked at one block at a time: 128 KiB.
pub const ARCHIVE_BLOCK_ROWS: usize = 4_096;

/// Blocks of the archive that are looked at each [`FORGET_PERIOD`]: all of a million rows in five minutes, in a tenth of a
/// millisecond at a time.
pub const ARCHIVE_BLOCKS_CHECKED: usize = 8;

/// The age at which a minute's counts are taken into the archive: billings of it are on disk by then, on a clock that is set
/// back by less as well.
pub const ARCHIVE_LAG: Duration = Duration::from_secs(120);

/// How often the archive is brought up to date: what a region reads again after a crash is at most so old.
pub const ARCHIVE_PERIOD: Duration = Duration::from_secs(300);

/// For how long a user's last impression is kept to the second, although the archive has it to the minute: beyond an hour only
/// windows of a day and more see the difference.
pub const ARCHIVE_EXACT: Duration = Duration::from_secs(3_660);

const _: () = assert!(ARCHIVE_LAG.as_secs().is_multiple_of(60), "the archive ends with a minute");

/// How often what is open in the caps is written down: what a process that is killed forgets of it.
pub const JOURNAL_PERIOD: Duration = Duration::from_millis(100);

/// How long the journal is left alone after the disk refused it; then it is written anew, with all that is open.
pub const JOURNAL_RETRY: Duration = Duration::from_secs(5);

/// The size below which a journal is never written anew: some 20,000 changes.
pub const JOURNAL_BYTES_MIN: usize = 1 << 20;

/// How many times its size a journal may reach before it is written anew.
pub const JOURNAL_GROWTH_MAX: usize = 4;

/// Changes in a shard that may wait to be written down, some 500,000 in all; beyond it the journal is written anew.
pub const NOTES_PER_SHARD_MAX: usize = 8_192;

/// Open leases of one campaign in one region: the bid path looks through them in turn.
pub const LEASES_PER_CAMPAIGN_MAX: usize = 16;

/// Open bids that a region tracks; beyond it commits are refused, so the bids are not sent. Some 100 bytes each.
pub const OPEN_BIDS_MAX: usize = 1_000_000;

/// Expiries of ended bids that may be kept without a look at them: 2 KiB.
pub const STALE_EXPIRIES_MIN: usize = 64;

/// Campaigns without a lease that may wait for one at a time.
pub const WANTED_MAX: usize = 4_096;

/// Commits and events that may wait for `bidding_state`: a tenth of a second at 100,000 a second.
pub const BIDDING_MAILBOX: usize = 16_384;

/// Commits that wake `bidding_state`: a wake-up of another thread costs as much as the rest of a bid. Fewer wait for the next
/// event, question or look at what has expired, each of which finds them first: [`EXPIRY_PERIOD`] at the longest.
pub const COMMITS_TOGETHER: usize = 64;

const _: () = assert!(COMMITS_TOGETHER * 4 <= BIDDING_MAILBOX, "the queue has room for more while they are handled");

/// Events and renewals that may wait for the pacer or the capper. What does not fit is fetched from the ledger later.
pub const ACTOR_MAILBOX: usize = 4_096;

/// How long `init` waits for its snapshot; a region that gave up sooner would use up its intensity on nothing but a busy day.
pub const JOIN_CALL: Duration = Duration::from_secs(10);

/// How long the capper's `init` waits for its users' counts when it has read none of them before. A million rows take a second
/// or two, and as many pairs as it may count have several rows each: a region that gave up over them would never bid again.
pub const COUNTS_CALL: Duration = Duration::from_secs(300);

/// How long a handler waits for the ledger: a commit of it takes milliseconds, a stuck disk does not count.
pub const LEDGER_CALL: Duration = Duration::from_millis(500);

/// How long the pacer takes at most to give its leases back when the region ends in good order. What it does not get to comes
/// back by itself when the leases close. Some commits of the ledger; a region that crashes while the ledger is stuck does not
/// wait much longer for its pacer.
pub const GIVE_BACK: Duration = Duration::from_millis(800);

/// Leases that the pacer asks for, or gives back, at a time: a part of the ledger's queue, so that notices find room in it.
pub const LEDGER_CALLS_MAX: usize = 512;

/// How long `init` may take in all: one call, bounded by [`JOIN_CALL`], and a margin.
pub const INIT: Duration = Duration::from_secs(15);

/// The same for the capper: what it may wait for the counts, and for the ledger besides.
pub const CAPPER_INIT: Duration = COUNTS_CALL.saturating_add(INIT);

/// How long an actor of a region has to stop; the pacer has [`GIVE_BACK`] beyond it.
pub const SHUTDOWN: Duration = Duration::from_millis(200);

/// How often expired reservations are released.
pub const EXPIRY_PERIOD: Duration = Duration::from_millis(100);

/// How often it is said anew what open bids need: what was bid meanwhile is held in full.
pub const WEIGH_PERIOD: Duration = Duration::from_millis(200);

/// How often what was learned of bids is kept for the next incarnation: some two kilobytes a class.
pub const RISK_KEEP_PERIOD: Duration = Duration::from_secs(1);

/// How often what was learnt of first-price markets is published.
pub const MARKET_PERIOD: Duration = Duration::from_millis(1_000);

/// How often leases are topped up, closed and returned.
pub const RENEWAL_PERIOD: Duration = Duration::from_millis(100);

/// How often the pass probabilities are set.
pub const CONTROL_PERIOD: Duration = Duration::from_millis(1_000);

/// How often the capper forgets users in one of its shards: ten minutes for all of them, a few milliseconds at a time.
pub const FORGET_PERIOD: Duration = Duration::from_secs(9);

/// How often the capper looks for expired bids of earlier incarnations.
pub const CARRIED_PERIOD: Duration = Duration::from_millis(500);

/// For how much bidding a lease is sized: what a crash freezes, and how often the ledger is asked.
pub const LEASE_HORIZON: Duration = Duration::from_secs(2);

/// A lease of a large budget holds at least this many of the dearest bid seen: a cold region bids through its first burst
/// while the ledger commits the next lease.
pub const LEASE_BIDS_MIN: i64 = 32;

/// Without haste a lease takes no more than this part of what is left of a budget, but one bid: what a crash freezes is then
/// a part of what was left to be spent, however small the budget and however late in its flight.
pub const LEASE_PART_MAX: i64 = 128;

/// The smallest lease that is asked for, in nano-USD: a tenth of a cent, a thousandth of a small daily budget.
pub const LEASE_NANOS_MIN: Nanos = Nanos(1_000_000);

/// After so long without a bid that asks for it the pacer forgets a campaign, with what it has learnt of its traffic: longer than
/// a campaign of one day of the week rests.
pub const SILENT_MAX: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// How long the pacer does not ask for a campaign whose budget is exhausted: money may come back from old leases.
pub const EXHAUSTED_RETRY: Duration = Duration::from_secs(2);

/// For how long a bid is held at most without a win or a loss: an hour from auction to impression, and a minute for its
/// notice. Whoever asks for more gets this.
pub const HOLD_MAX: Duration = Duration::from_secs(3_660);

/// For how long a bid that was won stays reserved without being billed (interstitials: half an hour and more).
pub const WON_TTL: Duration = Duration::from_secs(1_800);

/// How long after the end of its lease a bid may still bill from it: held to the last moment, won, and held again. A lease
/// that closes sooner closes on its own bids, so the ledger's grace is at least this.
pub const BILLABLE_MAX: Duration = HOLD_MAX.saturating_add(WON_TTL);

const _: () = assert!(BILLABLE_MAX.as_millis() <= ledger::LEASE_GRACE.as_millis(), "leases outlive their bids");

/// Crashes within [`INTENSITY_PERIOD`] that a region survives; the next one puts it in quarantine.
pub const INTENSITY: u32 = 5;

/// See [`INTENSITY`].
pub const INTENSITY_PERIOD: Duration = Duration::from_secs(10);
