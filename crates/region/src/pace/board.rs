//! What the regions of a process tell each other of their campaigns' supply.
//!
//! Promises estimates, never money: a region that is not heard of any more is left out. Never on the bid path: the pacers
//! meet here once a tick. It outlives every region, so that a new incarnation finds what its predecessor had learnt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::CampaignId;
use foldhash::fast::RandomState;

use super::{Controller, Supply};

/// A region that has not posted for so long has no supply: it is down, or has no traffic. Some ticks.
const SUPPLY_MS: i64 = 15_000;
/// Posts are kept for an hour: by then every bid of theirs has ended.
const KEPT_MS: i64 = 60 * 60 * 1_000;

/// The board of the regions that share plans. Clones are the same board.
///
/// # On restart
///
/// It belongs to the process: the regions' averages survive a crash of theirs, and begin anew with the process. What
/// campaigns have spent comes from the ledger in either case.
#[derive(Clone, Debug, Default)]
pub struct PacingBoard(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    members: Vec<Arc<str>>,
    /// When posts that nobody has renewed were taken off last.
    swept_ms: i64,
    posts: HashMap<CampaignId, Vec<(usize, Post)>, RandomState>,
}

/// What a region has posted of a campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    pub(crate) at_ms: i64,
    pub(crate) controller: Controller,
}

/// A region's place at a board.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    board: PacingBoard,
    place: usize,
}

impl PacingBoard {
    /// Nobody is there yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn join(&self, region: &Arc<str>) -> Seat {
        let mut board = self.lock();
        let known = board.members.iter().position(|member| member == region);
        let place = known.unwrap_or_else(|| {
            board.members.push(Arc::clone(region));
            board.members.len() - 1
        });
        drop(board);
        Seat { board: self.clone(), place }
    }

    /// How many campaigns there is a post of.
    #[must_use]
    pub fn campaigns(&self) -> usize {
        self.lock().posts.len()
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// How many regions are at the board.
    pub(crate) fn members(&self) -> usize {
        self.board.lock().members.len()
    }

    /// Takes the region's post of a campaign off the board: an incarnation goes on with it once. One that crashes over it
    /// leaves nothing to its successor.
    pub(crate) fn resume(&self, campaign: CampaignId, now_ms: i64) -> Option<Controller> {
        let mut board = self.board.lock();
        let posts = board.posts.get_mut(&campaign)?;
        let at = posts.iter().position(|(place, _)| *place == self.place)?;
        let post = posts.swap_remove(at).1;
        (now_ms - post.at_ms < KEPT_MS).then(|| post.controller.succeeded().aged(now_ms - post.at_ms))
    }

    /// Takes the region's posts of campaigns off the board for good.
    pub(crate) fn leave(&self, campaigns: &[CampaignId]) {
        let mut board = self.board.lock();
        for campaign in campaigns {
            let Some(posts) = board.posts.get_mut(campaign) else { continue };
            posts.retain(|(place, _)| *place != self.place);
            if posts.is_empty() {
                board.posts.remove(campaign);
            }
        }
    }

    /// Posts what the region has learnt of campaigns, and says for each what the other regions together have.
    pub(crate) fn exchange(
        &self,
        now_ms: i64,
        own: impl Iterator<Item = (CampaignId, Controller)>,
        mut others: impl FnMut(CampaignId, Supply),
    ) {
        let mut board = self.board.lock();
        board.sweep(now_ms);
        for (campaign, controller) in own {
            let posts = board.posts.entry(campaign).or_default();
            posts.retain(|(_, post)| now_ms - post.at_ms < KEPT_MS);
            let fresh = Post { at_ms: now_ms, controller };
            match posts.iter_mut().find(|(place, _)| *place == self.place) {
                Some((_, post)) => *post = fresh,
                None => {
                    // There are as many as regions, for as long as the campaign bids.
                    posts.reserve_exact(1);
                    posts.push((self.place, fresh));
                }
            }
            let of_others = posts.iter().filter(|(place, _)| *place != self.place);
            others(campaign, of_others.map(|(_, post)| post.supply(now_ms)).fold(Supply::default(), Supply::and));
        }
    }
}

impl Board {
    /// Takes posts off whose regions have forgotten their campaigns, or are gone. Now and then: it looks at all.
    fn sweep(&mut self, now_ms: i64) {
        if (now_ms - self.swept_ms).abs() < KEPT_MS {
            return;
        }
        self.swept_ms = now_ms;
        self.posts.retain(|_, posts| {
            posts.retain(|(_, post)| now_ms - post.at_ms < KEPT_MS);
            !posts.is_empty()
        });
    }
}

impl Post {
    fn supply(&self, now_ms: i64) -> Supply {
        let age_ms = (now_ms - self.at_ms).max(0);
        let supply = self.controller.aged(age_ms).supply_for_others();
        if age_ms < SUPPLY_MS { supply } else { Supply { per_second: 0.0, ..supply } }
    }
}
