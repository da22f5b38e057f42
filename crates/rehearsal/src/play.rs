//! Plays a scenario: requests, auctions, notices and troubles, in order of time.
//!
//! Promises that everything that the judge is to know is in the [`Record`]. One thread and a virtual clock: nothing that
//! happens at one moment waits for a later one.

use std::cmp::Reverse;
use std::time::Duration;

use simulator::Dice;
use tokio::time::sleep;

use crate::backstage::Backstage;
use crate::crashes::Crashes;
use crate::fault::Fault;
use crate::judge::SupplyBook;
use crate::mailroom::{Mailroom, Stamp, token_of};
use crate::post::{Came, Due, Post};
use crate::record::{Book, Record, Win};
use crate::response::read_bid;
use crate::stage::Stage;
use crate::watch::Watch;
use crate::world::{LetterKind, Opportunity, Outcome, Part, Scenario, Traffic, Trouble, auction, cast, letters};

/// The longest that nothing is looked at.
const LOOK_MS: i64 = 250;
/// Notices that an exchange has kept back while it was gone come within this.
const CAUGHT_UP_MS: i64 = 120_000;

/// Chaos points belong to the process: rehearsals take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What came of a rehearsal.
#[derive(Debug)]
pub struct Played {
    /// Who took part.
    pub cast: Vec<Part>,
    /// What happened.
    pub record: Record,
    /// What could have happened.
    pub supply: SupplyBook,
}

struct Play<'a> {
    scenario: &'a Scenario,
    backstage: Backstage,
    stage: Option<Stage>,
    mailroom: Option<Mailroom>,
    cast: Vec<Part>,
    record: Record,
    supply: SupplyBook,
    dice: Dice,
    post: Post,
    crashes: Crashes,
    disk_gone_until_ms: i64,
    restarts_at_ms: Option<i64>,
    watch: Watch,
}

/// Plays a scenario with a bidder that may be broken on purpose. Call it on a paused clock.
///
/// # Errors
///
/// If the bidder does not start, or does not give its books at the end.
pub async fn play(
    scenario: &Scenario,
    fault: Option<Fault>,
    watch: Watch,
    mut hour: impl FnMut(i64),
) -> anyhow::Result<Played> {
    let _turn = TURN.lock().await;
    let cast = cast(scenario);
    let backstage = Backstage::new(scenario, fault)?;
    let stage = Stage::start(&backstage, &cast).await?;
    let mut play = Play {
        scenario,
        mailroom: Some(stage.mailroom()),
        backstage,
        stage: Some(stage),
        supply: SupplyBook::new(scenario, &cast),
        cast,
        record: Record { starts: 1, ..Record::default() },
        dice: Dice::derive(scenario.seed, 3),
        post: Post::default(),
        crashes: Crashes::default(),
        disk_gone_until_ms: i64::MIN,
        restarts_at_ms: None,
        watch,
    };
    play.run(&mut hour).await?;
    play.close().await?;
    let Play { cast, record, supply, .. } = play;
    Ok(Played { cast, record, supply })
}

impl Play<'_> {
    async fn run(&mut self, hour: &mut impl FnMut(i64)) -> anyhow::Result<()> {
        let mut traffic = Traffic::of(self.scenario);
        let mut next = traffic.next_request();
        let mut troubles = self.scenario.troubles.clone().into_iter().peekable();
        let end_ms = self.scenario.ends_ms() + self.scenario.tail_ms;
        let mut hours = 0;
        loop {
            let now_ms = self.backstage.clock().now_ms();
            if end_ms <= now_ms && self.post.is_idle() {
                return Ok(());
            }
            while self.scenario.starts_ms + hours * crate::world::HOUR_MS <= now_ms {
                hour(hours);
                hours += 1;
            }
            while let Some(trouble) = troubles.next_if(|trouble| trouble.begins_ms() <= now_ms) {
                self.meet(trouble).await;
            }
            self.look(now_ms).await?;
            if let Some(stage) = &self.stage {
                self.watch.look(stage, &self.cast, self.scenario.starts_ms, now_ms).await;
            }
            if now_ms < end_ms {
                self.send_post(now_ms);
            }
            while let Some(opportunity) = next.take_if(|next| next.at_ms <= now_ms) {
                self.offer(opportunity).await;
                next = traffic.next_request();
            }
            let request_ms = next.as_ref().map_or(i64::MAX, |next| next.at_ms);
            let post_ms = self.post.next_ms().unwrap_or(i64::MAX);
            let wait_ms = request_ms.min(post_ms).min(now_ms + LOOK_MS) - now_ms;
            sleep(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0).max(1))).await;
        }
    }

    async fn meet(&mut self, trouble: Trouble) {
        match trouble {
            // The traffic knows.
            Trouble::Surge { .. } | Trouble::ExchangeGone { .. } => {}
            Trouble::DiskGone { to_ms, .. } => self.disk_gone_until_ms = to_ms,
            Trouble::Crash { region, actor, .. } => self.crashes.add(region, actor),
            Trouble::Restart { from_ms, to_ms } | Trouble::Kill { from_ms, to_ms } => {
                self.mailroom = None;
                if let Some(stage) = self.stage.take() {
                    self.note_no_bids(&stage);
                    match trouble {
                        Trouble::Kill { .. } => stage.kill().await,
                        _ => stage.stop().await,
                    }
                }
                // A thread of its own may have held the stop up, and a paused clock jumps meanwhile: it is away all the same.
                self.restarts_at_ms = Some(self.backstage.clock().now_ms() + to_ms - from_ms);
            }
        }
    }

    /// Looks after what is under way: notices that came, a disk that is gone, a crash that was armed, a start.
    async fn look(&mut self, now_ms: i64) -> anyhow::Result<()> {
        if self.restarts_at_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            self.restarts_at_ms = None;
            self.record.starts += 1;
            let stage = Stage::start(&self.backstage, &self.cast).await?;
            self.mailroom = Some(stage.mailroom());
            self.stage = Some(stage);
        }
        if now_ms < self.disk_gone_until_ms {
            ledger::chaos::BEFORE_COMMIT.arm();
        } else {
            ledger::chaos::BEFORE_COMMIT.disarm();
        }
        self.record.crashes.extend(self.crashes.struck(now_ms, self.stage.as_ref()));
        for Came { due, sent_ms, acknowledged } in self.post.came() {
            self.note(due, sent_ms, acknowledged);
        }
        Ok(())
    }

    fn note(&mut self, due: Due, sent_ms: i64, acknowledged: bool) {
        if !acknowledged {
            self.record.refused += 1;
            self.post.repeat(due, sent_ms);
            return;
        }
        self.record.acknowledged += 1;
        let Some(win) = due.win.map(|win| &mut self.record.wins[win]) else { return };
        match due.stamp.kind {
            LetterKind::Win => win.won_ms = Some(win.won_ms.unwrap_or(sent_ms)),
            LetterKind::Billing => win.billed_ms = Some(win.billed_ms.unwrap_or(sent_ms)),
            LetterKind::Loss => {}
        }
    }

    fn send_post(&mut self, now_ms: i64) {
        while let Some(mut due) = self.post.next_due(now_ms) {
            let back_ms = self.scenario.troubles.iter().filter_map(|trouble| match trouble {
                Trouble::ExchangeGone { exchange, from_ms, to_ms } if *exchange == due.exchange => {
                    (*from_ms..*to_ms).contains(&now_ms).then_some(*to_ms)
                }
                _ => None,
            });
            if let Some(back_ms) = back_ms.min() {
                due.at_ms = back_ms + self.dice.between(0, CAUGHT_UP_MS);
                self.post.put(due);
                continue;
            }
            if let (LetterKind::Billing, Some(stage)) = (due.stamp.kind, &self.stage) {
                self.crashes.billing(due.region, stage);
            }
            let Some(mailroom) = self.mailroom.clone() else {
                self.note(due, now_ms, false);
                continue;
            };
            self.post.deliver(mailroom, due, now_ms);
        }
    }

    /// Sends one request and holds its auction.
    async fn offer(&mut self, opportunity: Opportunity) {
        self.record.requests += 1;
        let Some(stage) = &self.stage else {
            self.record.unanswered += 1;
            return;
        };
        let Some(body) = stage.ask(opportunity.exchange, opportunity.json()).await else {
            self.supply.saw(&self.cast, &opportunity, None);
            return;
        };
        self.record.bids += 1;
        let bid = read_bid(&body);
        let part = bid.as_ref().and_then(|bid| self.cast.iter().position(|part| part.id == bid.campaign));
        let (Some(bid), Some(place)) = (bid, part) else {
            self.record.absurd += 1;
            return;
        };
        self.supply.saw(&self.cast, &opportunity, Some(place));
        let part = &self.cast[place];
        if !part.fits(&opportunity) || bid.price < opportunity.floor || part.offer(opportunity.exchange) < bid.price {
            self.record.absurd += 1;
        }
        let outcome = auction(&opportunity, bid.price);
        let (mut win, mut price) = (None, 0);
        if let Outcome::Won(clearing) = outcome {
            (win, price) = (Some(self.record.wins.len()), clearing);
            self.record.wins.push(Win {
                campaign: bid.campaign,
                region: opportunity.country,
                user: opportunity.counted_user(),
                at_ms: opportunity.at_ms,
                window_ms: opportunity.at_ms + opportunity.format.window_ms(),
                price: clearing,
                won_ms: None,
                billed_ms: None,
            });
        }
        for letter in letters(&opportunity, outcome, &mut self.dice) {
            let url = match letter.kind {
                LetterKind::Win => &bid.nurl,
                LetterKind::Billing => &bid.burl,
                LetterKind::Loss => &bid.lurl,
            };
            let Some(token) = token_of(url) else {
                self.record.absurd += 1;
                continue;
            };
            let (exchange, region) = (opportunity.exchange, opportunity.country);
            let stamp = Stamp { kind: letter.kind, token, price };
            self.post.put(Due { at_ms: letter.at_ms, stamp, exchange, region, win, tries: 0 });
        }
    }

    fn note_no_bids(&mut self, stage: &Stage) {
        for (reason, count) in stage.no_bids() {
            match self.record.no_bids.iter_mut().find(|(known, _)| known == reason) {
                Some((_, sum)) => *sum += count,
                None => self.record.no_bids.push((reason.to_owned(), count)),
            }
        }
        self.record.no_bids.sort_by_key(|(_, count)| Reverse(*count));
    }

    /// Has the ledger give its books, and ends the process.
    async fn close(&mut self) -> anyhow::Result<()> {
        Crashes::end();
        let stage = self.stage.take().ok_or_else(|| anyhow::anyhow!("the scenario ends while there is no process"))?;
        self.note_no_bids(&stage);
        let totals = stage.totals().await.ok_or_else(|| anyhow::anyhow!("the ledger gives no books at the end"))?;
        let book = |part: &Part| {
            let account = totals.account(campaign::CampaignId(part.id));
            account.map_or(Book::default(), |account| Book {
                budget: account.budget.0,
                spent: account.spent.0,
                leased: account.leased.0,
                free: account.free.0,
                late: account.late.0,
            })
        };
        self.record.books = self.cast.iter().map(book).collect();
        stage.stop().await;
        Ok(())
    }
}
