//! One exchange: its connections take turns from the schedule and play each request to its end.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use money::Rates;
use openrtb::LossReason;

use super::notices::Auction;
use super::plan::ExchangePlan;
use crate::Dice;
use crate::auction::hold_auction;
use crate::client::Answer;
use crate::load::{Lane, Outcome, Schedule, TallySheet};
use crate::notice::Inbox;
use crate::traffic::Generator;
use crate::validate::{RequestView, Verdict, judge};

/// Most complaints that are kept as text; all are counted.
const COMPLAINTS_MAX: usize = 32;

/// What the connections of one exchange share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) plan: ExchangePlan,
    pub(super) seed: u64,
    pub(super) rates: Arc<Rates>,
    pub(super) generator: Generator,
    pub(super) tally: TallySheet,
    pub(super) inbox: Inbox,
    pub(super) complaints: Mutex<Vec<String>>,
}

impl Stage {
    /// Plays requests on one connection until the schedule ends, then looks whether the server kept it open.
    pub(super) async fn play(&self, schedule: &Schedule) {
        let endpoint = self.plan.dialect.endpoint(self.plan.address, self.plan.path.clone());
        let mut lane = Lane::new(endpoint, self.tally.clone(), self.plan.give_up);
        // A failure is counted, and tried again by the first request.
        let _ = lane.open().await;
        while let Some(slot) = schedule.next().await {
            let request = self.generator.request(slot.index);
            let body = self.plan.dialect.encode(request.json.clone()).into();
            let outcome = lane.post(body, slot.due, Some(request.tmax)).await;
            if let Outcome::Answered(answer) = outcome
                && answer.status == http::StatusCode::OK
            {
                let mut dice = Dice::derive(self.seed ^ 0x61_7563_7469_6f6e, slot.index);
                self.settle(&request.json, &answer, &mut dice);
            }
        }
        lane.check().await;
    }

    /// Counts and keeps what is wrong with an answer.
    pub(super) fn complain(&self, label: &str, what: &dyn Display) {
        self.tally.update(|tally| tally.count_violation(label));
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < COMPLAINTS_MAX {
            complaints.push(format!("{}: {what}", self.plan.name));
        }
    }

    fn settle(&self, request: &[u8], answer: &Answer, dice: &mut Dice) {
        let Some(request) = RequestView::read(request) else { return };
        let body = match answer.plain_body() {
            Ok(body) => body,
            Err(error) => {
                self.tally.update(|tally| tally.unreadable += 1);
                self.complain("unreadable", &error);
                return;
            }
        };
        let verdict = judge(&request, &body, &self.rates);
        if let Some(whole) = &verdict.whole {
            if whole.label() == "not_json" {
                self.tally.update(|tally| tally.unreadable += 1);
            }
            self.complain(whole.label(), &format_args!("request {}: {whole}", request.id));
            return;
        }
        self.hold(&request, &verdict, dice);
    }

    fn hold(&self, request: &RequestView, verdict: &Verdict, dice: &mut Dice) {
        let auction = |bid| Auction {
            request_id: &request.id,
            test: request.test,
            response_bid_id: &verdict.bid_id,
            currency: verdict.currency,
            bid,
        };
        for (bid, violation) in &verdict.bad {
            self.complain(violation.label(), &format_args!("request {}, bid {}: {violation}", request.id, bid.id));
            auction(bid).tell_loss(LossReason(violation.loss_code()), None, self, dice);
        }
        for bid in &verdict.good {
            let Some(imp) = request.imp(&bid.imp_id) else { continue };
            let outcome =
                hold_auction(bid, imp, verdict.currency, request.first_price, self.plan.competition, &self.rates, dice);
            let won = matches!(outcome, crate::auction::AuctionOutcome::Won { .. });
            self.tally.update(|tally| {
                tally.bids += 1;
                tally.wins += u64::from(won);
                tally.losses += u64::from(!won);
            });
            auction(bid).tell(outcome, self, dice);
        }
    }
}
