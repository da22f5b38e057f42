//! The judge on records that were written by hand.

use campaign::CapWindow;
use rehearsal::judge::{Limits, Schedule, SupplyBook, Verdict, judge};
use rehearsal::record::{Book, Record, Win};
use rehearsal::world::{Cap, Kind, MINUTE_MS, Opportunity, Part, Scenario, cast};

/// One campaign of a calm hour, for 1,000 impressions.
fn one(kind: Kind) -> (Scenario, Vec<Part>) {
    let mut scenario = Scenario::sketch(1);
    scenario.length_ms = 60 * MINUTE_MS;
    let mut part = cast(&scenario).into_iter().next().expect("ten of them");
    part.kind = kind;
    part.price = 1_000_000;
    part.budget = 1_000 * part.price;
    part.even = kind == Kind::Ample;
    part.strict = kind == Kind::AsapStrict;
    part.cap = (kind == Kind::Capped).then_some(Cap { max: 2, window: CapWindow::Minute });
    (part.flight_ms, part.peak) = ((scenario.starts_ms, scenario.ends_ms()), None);
    (part.countries, part.exchanges, part.property) = ([true; 3], [true; 3], None);
    (scenario, vec![part])
}

fn win(at_ms: i64, user: u64, billed_after_ms: i64) -> Win {
    Win {
        campaign: 1,
        region: 0,
        user: Some(user),
        at_ms,
        window_ms: at_ms + 120_000,
        price: 1_000_000,
        won_ms: None,
        billed_ms: Some(at_ms + billed_after_ms),
    }
}

fn verdict(scenario: &Scenario, cast: &[Part], wins: Vec<Win>, adjust: impl Fn(&mut Book)) -> Verdict {
    let mut supply = SupplyBook::new(scenario, cast);
    // An impression a second is left to it.
    for second in 0..scenario.length_ms / 1_000 {
        supply.saw(cast, &opportunity(scenario.starts_ms + second * 1_000), None);
    }
    let spent = wins.iter().filter(|win| win.billed_ms.is_some()).map(|win| win.price).sum();
    let mut book = Book { budget: cast[0].budget, spent, leased: 0, free: cast[0].budget - spent, late: 0 };
    adjust(&mut book);
    let record = Record { wins, books: vec![book], ..Record::default() };
    judge(scenario, cast, &record, &supply, Limits::PROMISED)
}

fn opportunity(at_ms: i64) -> Opportunity {
    let number = u64::try_from(at_ms).expect("after 1970");
    Opportunity {
        number,
        at_ms,
        country: 0,
        exchange: 0,
        format: rehearsal::world::Format::Web,
        property: 0,
        user: number,
        floor: 0,
        rival: 0,
    }
}

/// So many impressions, evenly over eleven twelfths of the hour.
fn on_plan(scenario: &Scenario, count: i64) -> Vec<Win> {
    let gap_ms = scenario.length_ms / 12 * 11 / count;
    (0..count).map(|number| win(scenario.starts_ms + number * gap_ms, 1 + number as u64, 500)).collect()
}

#[test]
fn of_a_day_on_plan_nothing_is_found() {
    let (scenario, cast) = one(Kind::Ample);
    let verdict = verdict(&scenario, &cast, on_plan(&scenario, 1_000), |_| {});
    assert_eq!(verdict.broken, Vec::<String>::new());
    let one = &verdict.campaigns[0];
    assert!(one.supply_allowed);
    assert!(one.rms.expect("supply is ample") < 0.1, "{one:?}");
}

#[test]
fn spend_at_once_and_spend_that_stops_are_off_plan() {
    let (scenario, cast) = one(Kind::Ample);
    let at_once = (0..1_000).map(|number| win(scenario.starts_ms + number * 10, 1 + number as u64, 500)).collect();
    let found = verdict(&scenario, &cast, at_once, |_| {});
    assert!(50.0 < found.campaigns[0].rms.expect("supply is ample"), "{:?}", found.campaigns);
    let mut stops = on_plan(&scenario, 1_000);
    stops.truncate(900);
    let found = verdict(&scenario, &cast, stops, |_| {});
    assert_eq!(found.broken.len(), 2, "off plan and underdelivered: {:?}", found.broken);
}

#[test]
fn a_rest_that_pays_for_no_bid_is_no_underdelivery_and_one_that_does_is() {
    let (scenario, mut cast) = one(Kind::Tiny);
    cast[0].budget = 20 * cast[0].price + cast[0].price / 2;
    let found = verdict(&scenario, &cast, on_plan(&scenario, 20), |_| {});
    assert_eq!((found.broken, found.campaigns[0].bids_left), (Vec::new(), 0));
    assert!(found.campaigns[0].delivery < 98.0, "a fortieth is missing");
    let found = verdict(&scenario, &cast, on_plan(&scenario, 19), |_| {});
    assert_eq!((found.broken.len(), found.campaigns[0].bids_left), (1, 1), "underdelivered: {:?}", found.broken);
}

#[test]
fn a_plan_for_some_hours_is_done_before_they_are_over() {
    let (mut scenario, mut cast) = one(Kind::DayPart);
    scenario.length_ms = 24 * 60 * MINUTE_MS;
    let midnight_ms = Scenario::standard(1).starts_ms;
    (scenario.starts_ms, cast[0].flight_ms) = (midnight_ms, (midnight_ms, midnight_ms + scenario.length_ms));
    cast[0].hours = Some((9, 15));
    let schedule = Schedule::of(&cast[0]);
    let planned = |minute: i64| schedule.planned(midnight_ms + minute * MINUTE_MS);
    // A twelfth of six hours is half an hour.
    assert_eq!((planned(9 * 60), planned(14 * 60 + 30)), (0.0, 1.0));
    assert!(planned(14 * 60 + 29) < 1.0 && 0.0 < planned(9 * 60 + 1));
}

#[test]
fn one_impression_too_many_is_overspend_with_a_strict_budget_and_more_than_a_thousandth_without() {
    let (scenario, cast) = one(Kind::AsapStrict);
    let found = verdict(&scenario, &cast, on_plan(&scenario, 1_001), |_| {});
    assert_eq!(found.broken.len(), 1, "{:?}", found.broken);
    let (scenario, cast) = one(Kind::Asap);
    assert_eq!(verdict(&scenario, &cast, on_plan(&scenario, 1_000), |_| {}).broken.len(), 0);
    assert_eq!(verdict(&scenario, &cast, on_plan(&scenario, 1_002), |_| {}).broken.len(), 1);
}

#[test]
fn what_is_billed_after_its_window_is_told_apart_unless_a_win_had_come_within_it() {
    let (scenario, cast) = one(Kind::AsapStrict);
    let mut wins = on_plan(&scenario, 1_001);
    wins[7].billed_ms = Some(wins[7].window_ms + 1);
    let found = verdict(&scenario, &cast, wins.clone(), |_| {});
    assert_eq!(found.broken, Vec::<String>::new());
    assert!(0.0 < found.campaigns[0].later);
    wins[7].won_ms = Some(wins[7].at_ms + 1_000);
    assert_eq!(verdict(&scenario, &cast, wins, |_| {}).broken.len(), 1);
}

#[test]
fn an_impression_beyond_a_cap_is_found_and_one_after_its_window_is_not() {
    let (scenario, cast) = one(Kind::Capped);
    let mut wins = on_plan(&scenario, 1_000);
    (wins[3].user, wins[4].user, wins[5].user) = (Some(1), Some(1), Some(2));
    let found = verdict(&scenario, &cast, wins.clone(), |_| {});
    assert_eq!(found.campaigns[0].beyond_cap, 1, "its third within a minute");
    assert_eq!(found.broken.len(), 1);
    wins[4].user = Some(999_999);
    wins[900].user = Some(1);
    assert_eq!(verdict(&scenario, &cast, wins, |_| {}).campaigns[0].beyond_cap, 0);
}

#[test]
fn books_that_are_off_by_a_nano_are_found() {
    let (scenario, cast) = one(Kind::Asap);
    let found = verdict(&scenario, &cast, on_plan(&scenario, 1_000), |book| book.spent += 1);
    assert_eq!(found.broken.len(), 2, "against the exchanges, and in itself: {:?}", found.broken);
    let found = verdict(&scenario, &cast, on_plan(&scenario, 1_000), |book| {
        book.spent -= 1;
        book.free += 1;
    });
    assert_eq!(found.broken.len(), 1, "{:?}", found.broken);
}
