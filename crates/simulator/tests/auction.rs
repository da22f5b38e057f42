//! The clearing price keeps its bounds, and both kinds of auction come out as the standard says.

mod support;

use money::{Cpm, Currency};
use simulator::{AuctionOutcome, BidView, Competition, Dice, ImpView, hold_auction};
use support::rates;

const SEED: u64 = 20_261_122;

fn bid(price: i64) -> BidView {
    BidView { price: Cpm(price), ..BidView::default() }
}

fn imp(floor: i64, currency: &str) -> ImpView {
    ImpView { floor: Cpm(floor), floor_currency: currency.to_owned(), ..ImpView::default() }
}

/// A single rival at exactly this price, or none.
fn rival(price: i64) -> Competition {
    Competition { rivals_max: 1, price_usd: (Cpm(price), Cpm(price)) }
}

/// Draws until a rival takes part.
fn against(price: i64, imp: &ImpView, bid: &BidView, first_price: bool) -> AuctionOutcome {
    let alone = hold_auction(bid, imp, Currency::USD, first_price, Competition::none(), &rates(), &mut Dice::new(0));
    (0..64)
        .map(|seed| hold_auction(bid, imp, Currency::USD, first_price, rival(price), &rates(), &mut Dice::new(seed)))
        .find(|outcome| *outcome != alone)
        .unwrap_or(alone)
}

#[test]
fn first_price_pays_the_bid_and_second_price_a_cent_above_the_next() {
    let (imp, bid) = (imp(850_000, "USD"), bid(1_000_000));
    let won = |clearing, min_to_win| AuctionOutcome::Won { clearing: Cpm(clearing), min_to_win: Cpm(min_to_win) };
    assert_eq!(against(900_000, &imp, &bid, true), won(1_000_000, 900_000));
    assert_eq!(against(900_000, &imp, &bid, false), won(910_000, 900_000));
    assert_eq!(against(999_999, &imp, &bid, false), won(1_000_000, 999_999), "never above the bid");
    assert_eq!(against(800_000, &imp, &bid, false), won(860_000, 850_000), "a rival below the floor is none");
}

#[test]
fn a_tie_is_lost_and_tells_the_winning_price() {
    let (imp, bid) = (imp(0, "USD"), bid(1_000_000));
    assert_eq!(against(1_000_000, &imp, &bid, true), AuctionOutcome::Lost { min_to_win: Cpm(1_000_000) });
    assert_eq!(against(1_700_000, &imp, &bid, true), AuctionOutcome::Lost { min_to_win: Cpm(1_700_000) });
}

#[test]
fn the_clearing_price_lies_between_floor_and_bid_in_every_currency() {
    println!("seed {SEED}");
    let (rates, mut dice) = (rates(), Dice::new(SEED));
    let mut outcomes = [0; 2];
    for _ in 0..20_000 {
        let currency = *dice.pick(&[Currency::USD, Currency::SGD, Currency::IDR, Currency::THB]);
        let floor_currency = *dice.pick(&[Currency::USD, Currency::SGD, Currency::IDR, Currency::THB]);
        let usd = Cpm(dice.between(1, 2_000_000));
        let price = rates.from_usd(usd, currency, money::Rounding::Down).expect("a rate");
        let floor_usd = Cpm(dice.between(0, usd.0));
        let floor = rates.from_usd(floor_usd, floor_currency, money::Rounding::Down).expect("a rate");
        let imp = imp(floor.0, floor_currency.as_str());
        let first_price = dice.chance(500);
        match hold_auction(&bid(price.0), &imp, currency, first_price, Competition::usual(), &rates, &mut dice) {
            AuctionOutcome::Won { clearing, min_to_win } => {
                outcomes[0] += 1;
                assert!(clearing <= price && min_to_win <= price);
                let least = rates.convert(floor, floor_currency, currency, money::Rounding::Down).expect("a rate");
                assert!(least <= clearing, "{clearing} {currency} under {floor} {floor_currency}");
                assert!(!first_price || clearing == price);
            }
            AuctionOutcome::Lost { min_to_win } => {
                outcomes[1] += 1;
                assert!(price <= min_to_win);
            }
        }
    }
    assert!(outcomes.iter().all(|count| 1_000 < *count), "{outcomes:?}");
}
