//! What is learnt of supply, and courses that turn: against an oracle in exact arithmetic, and as a book that is kept.

use campaign::targeting::UtcOffset;
use campaign::{CampaignId, Flight, HourPlan, Pacing};
use money::Nanos;
use proptest::prelude::*;
use region::supply::{HOURS, SupplyBook, Traffic, WeekShape, WrongSupply, hour_of_week};
use region::{Course, Plan};

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// A Monday's midnight.
const MONDAY_MS: i64 = 4 * 24 * HOUR_MS;
const CAMPAIGN: CampaignId = CampaignId(7);

fn plan(budget: i64, hours: i64) -> Plan {
    let flight = Flight { starts_ms: MONDAY_MS, ends_ms: MONDAY_MS + hours * HOUR_MS };
    Plan { budget: Nanos(budget), flight, pacing: Pacing::Supply, hours: None, strict: false }
}

/// The weight of a time, quarter of an hour by quarter: what [`Course`] has in closed form.
fn weight(weights: &[u8; HOURS], from: i64, to: i64) -> i128 {
    (from..to.max(from)).map(|quarter| i128::from(weights[(quarter / 4) as usize % HOURS]) * 15 * 60_000).sum()
}

/// The same plan in exact arithmetic: each turn keeps what was planned, and spreads the rest by the new weights until the
/// moment at which a twelfth of the flight's weight, or two hours, is left; one that comes later spreads it to the end.
fn oracle(budget: i64, end: i64, turns: &[(i64, [u8; HOURS])], now: i64) -> i64 {
    let (mut from, mut done, mut weights) = (0, 0_i128, [1; HOURS]);
    let planned = |from: i64, done: i128, weights: &[u8; HOURS], now: i64| {
        let last = weight(weights, (end - 8).max(0), end).min(weight(weights, 0, end) / 12);
        let (passed, whole) = (weight(weights, from, now.min(end)), weight(weights, from, end));
        let all = if whole > last { whole - last } else { whole };
        let rest = i128::from(budget) - done;
        if passed == 0 && now < end {
            done
        } else if all <= passed {
            i128::from(budget)
        } else {
            done + rest * passed / all
        }
    };
    for (at, new) in turns.iter().filter(|(at, _)| *at <= now) {
        done = planned(from, done, &weights, *at);
        (from, weights) = (*at, *new);
    }
    i64::try_from(planned(from, done, &weights, now)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_course_is_planned_as_the_oracle_says_never_falls_and_reaches_the_budget(
        budget in 1_i64..1_000_000_000_000_000,
        hours in 3_i64..200,
        turns in prop::collection::vec((0.0..1.0_f64, prop::array::uniform32(1_u8..=255)), 0..5),
    ) {
        let end = hours * 4;
        let mut turns: Vec<(i64, [u8; HOURS])> = turns
            .into_iter()
            .map(|(at, some)| ((at * end as f64) as i64, std::array::from_fn(|hour| some[hour % 32])))
            .collect();
        turns.sort_unstable_by_key(|(at, _)| *at);
        turns.dedup_by_key(|(at, _)| *at);
        let mut course = Course::of(plan(budget, hours));
        let mut before = Nanos(0);
        for quarter in 0..=end {
            let now_ms = MONDAY_MS + quarter * HOUR_MS / 4;
            if let Some((_, weights)) = turns.iter().find(|(at, _)| *at == quarter) {
                let planned = course.planned(now_ms);
                course.turn(now_ms, HourPlan::new(*weights, UtcOffset::default()).into());
                prop_assert_eq!(course.planned(now_ms), planned, "what was planned stays planned");
            }
            let planned = course.planned(now_ms);
            if quarter % 7 == 0 {
                prop_assert_eq!(planned.0, oracle(budget, end, &turns, quarter), "at quarter {}", quarter);
            }
            prop_assert!(before <= planned);
            before = planned;
        }
        prop_assert_eq!(before, Nanos(budget));
    }

    #[test]
    fn no_hour_that_is_seen_makes_a_shape_of_anything_but_rates(
        seen in prop::collection::vec((0_usize..200, prop::num::f32::ANY), 0..600),
    ) {
        let mut shape = WeekShape::default();
        for (hour, rate) in seen {
            shape.observe(hour, rate);
        }
        prop_assert!(shape.smoothed().iter().all(|rate| rate.is_finite() && *rate >= 0.0));
        let (rates, weeks) = shape.hours();
        prop_assert_eq!(WeekShape::known(*rates, *weeks), Some(shape.clone()));
    }
}

/// Plays hours of one exchange in one region, minute by minute, and says at which moment they end.
fn hours(book: &SupplyBook, from: i64, to: i64, requests: impl Fn(i64) -> u64) -> i64 {
    for minute in from * 60..to * 60 {
        let now_ms = MONDAY_MS + minute * 60_000;
        let traffic = Traffic { region: "sg", exchange: "index", requests: requests(minute / 60) };
        book.learn(now_ms, 60_000, [traffic], |_, region, exchange| (region, exchange) == ("sg", "index"));
    }
    MONDAY_MS + to * HOUR_MS
}

fn course(book: &SupplyBook, plan: Plan, now_ms: i64) -> Course {
    let mut found = None;
    book.follow(now_ms, [(CAMPAIGN, plan, 1)], |_, course| found = Some(course));
    found.expect("it plans by its supply")
}

fn day(hour: i64) -> u64 {
    if hour % 24 < 12 { 60 } else { 600 }
}

#[test]
fn an_hour_without_a_request_of_an_exchange_that_has_many_is_an_outage_and_teaches_nothing() {
    let book = SupplyBook::new();
    hours(&book, 0, 24 * 7 + 1, day);
    let before = book.shape("sg", "index").expect("it was seen");
    hours(&book, 24 * 7 + 1, 24 * 7 + 5, |_| 0);
    let after = book.shape("sg", "index").expect("it was seen");
    assert_eq!(after.hours().0, before.hours().0);
    // The same hours with a third of the requests are no outage.
    hours(&book, 24 * 7 + 5, 24 * 7 + 8, |_| 20);
    assert!(book.shape("sg", "index").expect("it was seen").rate(6) < before.rate(6));
}

#[test]
fn a_surge_moves_its_hour_of_the_next_week_by_no_more_than_twice() {
    let book = SupplyBook::new();
    hours(&book, 0, 24 * 7, day);
    let before = book.shape("sg", "index").expect("it was seen").rate(5);
    hours(&book, 24 * 7, 24 * 8, |hour| if hour % 24 == 5 { 50 * day(hour) } else { day(hour) });
    let after = book.shape("sg", "index").expect("it was seen").rate(5);
    assert!(before * 1.5 < after && after <= before * 2.2, "{before} and {after}");
}

#[test]
fn a_campaign_is_planned_evenly_until_a_day_was_seen_and_never_jumps_when_it_turns() {
    let book = SupplyBook::new();
    let plan = plan(1_000_000_000, 24 * 7);
    hours(&book, 0, 6, day);
    let even = course(&book, plan.clone(), MONDAY_MS + 6 * HOUR_MS);
    assert_eq!(even, Course::of(plan.clone()));
    let now_ms = hours(&book, 6, 25, day);
    let turned = course(&book, plan, now_ms);
    assert_ne!(turned, even);
    // Turned an hour ago, when the first day was whole.
    assert_eq!(turned.planned(now_ms - HOUR_MS), even.planned(now_ms - HOUR_MS));
    let (night, evening) = (MONDAY_MS + 30 * HOUR_MS, MONDAY_MS + 40 * HOUR_MS);
    let of_hour = |from_ms: i64| turned.planned(from_ms + HOUR_MS).0 - turned.planned(from_ms).0;
    assert!(8 * of_hour(night) < of_hour(evening), "{} and {}", of_hour(night), of_hour(evening));
}

#[test]
fn a_campaign_follows_only_the_exchanges_that_it_is_for() {
    let book = SupplyBook::new();
    for minute in 0..60 * 49 {
        let now_ms = MONDAY_MS + minute * 60_000;
        let of = |exchange, requests| Traffic { region: "sg", exchange, requests };
        let traffic = [of("index", day(minute / 60)), of("xandr", 100 * day(minute / 60 + 12))];
        book.follow(now_ms, [(CAMPAIGN, plan(1_000, 24 * 7), 1)], |_, _| {});
        book.learn(now_ms, 60_000, traffic, |_, _, exchange| exchange == "index");
    }
    let hours = book.course(CAMPAIGN).and_then(|course| course.plan().hours.clone()).expect("a shape").weights();
    let hour = |at: usize| u32::from(hours[hour_of_week(MONDAY_MS) + at]);
    // Its own bids are the same at all hours, which pulls the other way.
    assert!(3 * hour(3) < hour(15), "{} and {}: xandr's are the other way round", hour(3), hour(15));
}

#[test]
fn the_same_flight_with_another_budget_goes_on_where_it_is_and_another_flight_begins_anew() {
    let book = SupplyBook::new();
    let before = plan(1_000_000_000, 24 * 7);
    course(&book, before.clone(), MONDAY_MS);
    let now_ms = hours(&book, 0, 40, day);
    let planned = course(&book, before.clone(), now_ms).planned(now_ms);
    let doubled = Plan { budget: Nanos(2_000_000_000), ..before };
    let after = course(&book, doubled, now_ms).planned(now_ms);
    assert!((after.0 - 2 * planned.0).abs() <= 2, "{after} and {planned}");
    let longer = plan(1_000_000_000, 24 * 14);
    assert_eq!(course(&book, longer.clone(), now_ms), Course::of(longer));
}

#[test]
fn a_process_goes_on_where_the_last_one_stopped() {
    let book = SupplyBook::new();
    let plan = plan(1_000_000_000, 24 * 7);
    course(&book, plan.clone(), MONDAY_MS);
    let now_ms = hours(&book, 0, 60, day);
    let before = course(&book, plan.clone(), now_ms);
    let kept = SupplyBook::from_text(&book.to_text()).expect("what was kept is read");
    assert_eq!(kept.to_text(), book.to_text(), "also before anybody asks for a campaign");
    assert_eq!(course(&kept, plan, now_ms), before);
    assert_eq!(kept.shape("sg", "index"), book.shape("sg", "index"));
}

#[test]
fn a_text_that_was_cut_or_changed_is_refused_as_a_whole() {
    let book = SupplyBook::new();
    course(&book, plan(1_000_000_000, 24 * 7), MONDAY_MS);
    hours(&book, 0, 30, day);
    let text = book.to_text();
    assert!(SupplyBook::from_text(&text).is_ok());
    for at in (0..text.len()).step_by(97) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
        let changed = String::from_utf8(bytes).expect("ascii");
        assert!(SupplyBook::from_text(&changed).is_err(), "byte {at}");
        assert!(SupplyBook::from_text(&text[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(SupplyBook::from_text("").err(), Some(WrongSupply::Head));
}
