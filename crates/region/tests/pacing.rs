//! The pacing controller and the plan as pure functions: what holds for any tick, and for the first ones. How it does on
//! a whole day is in `pacing_day.rs`.

use campaign::targeting::UtcOffset;
use campaign::{Flight, HourPlan, Pacing};
use money::Nanos;
use proptest::prelude::*;
use region::{Controller, Observation, Pass, Plan, Supply};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const PRICE: i64 = 1_200_000;
const SEED: u64 = 0x7E3B_0550;

fn plan(budget: i64, pacing: Pacing) -> Plan {
    let flight = Flight { starts_ms: 0, ends_ms: DAY_MS };
    Plan { budget: Nanos(budget), flight, pacing, hours: None, strict: false }
}

/// A second of traffic.
fn busy(eligible: u64, bids: u64) -> Observation {
    Observation {
        length_ms: 1_000,
        eligible,
        bids,
        bid_value: Nanos(bids as i64 * PRICE),
        price_max: Nanos(PRICE),
        ..Observation::default()
    }
}

/// What passes after a minute of such seconds, without anything billed, at a time and with so much spent.
fn pass_after(plan: &Plan, now_ms: i64, spent: i64, seen: Observation) -> Pass {
    let mut controller = Controller::default();
    let mut pass = Pass::NONE;
    for _ in 0..60 {
        controller.observe(&seen);
        pass = controller.decide(plan, now_ms, 1_000, Nanos(spent), controller.supply());
    }
    pass
}

#[test]
fn as_fast_as_possible_passes_everything_from_the_first_tick() {
    let plan = plan(1, Pacing::Asap);
    assert_eq!(plan.first_pass(), Pass::ALL);
    assert_eq!(pass_after(&plan, 0, 1, busy(10, 10)), Pass::ALL);
    assert_eq!(plan.planned(0), Nanos(1));
}

#[test]
fn an_even_plan_starts_slowly_until_it_has_seen_three_ticks_of_traffic() {
    let plan = plan(i64::MAX / 2, Pacing::Even);
    let mut controller = Controller::default();
    let mut tick = |seen| {
        controller.observe(&seen);
        controller.decide(&plan, DAY_MS / 2, 1_000, Nanos(0), controller.supply())
    };
    assert_eq!(plan.first_pass(), Pass::NONE);
    assert_eq!(tick(busy(0, 0)), Pass::NONE, "a tick without traffic teaches nothing");
    assert_eq!(tick(busy(100, 10)), Pass::SLOW_START);
    assert_eq!(tick(busy(100, 10)), Pass::SLOW_START);
    assert_eq!(tick(busy(100, 10)), Pass::ALL, "the budget is beyond all traffic");
}

#[test]
fn a_small_budget_is_not_bid_away_in_the_first_seconds_of_much_traffic() {
    let plan = plan(150 * PRICE, Pacing::Even);
    let mut controller = Controller::default();
    let mut passed = 0.0;
    for second in 1..=10 {
        passed += controller.pass().share() * 10_000.0;
        controller.observe(&busy(10_000, 0));
        controller.decide(&plan, second * 1_000, 1_000, Nanos(0), controller.supply());
    }
    assert!(0.0 < passed && passed < 1.0, "{passed} bids of 150 in ten seconds of a day");
}

#[test]
fn traffic_that_comes_back_after_an_outage_finds_the_gate_as_it_was() {
    let plan = plan(1_000 * PRICE, Pacing::Even);
    let mut controller = Controller::default();
    let decide = |controller: &mut Controller, second: i64| {
        let spent = plan.planned(second * 1_000);
        controller.decide(&plan, second * 1_000, 1_000, spent, controller.supply())
    };
    for second in 1..600 {
        controller.observe(&busy(200, 1));
        decide(&mut controller, second);
    }
    let before = controller.pass();
    for second in 600..1_200 {
        controller.observe(&busy(0, 0));
        decide(&mut controller, second);
    }
    assert_eq!(controller.supply_for_others().per_second, 0.0, "others make up for it");
    let back = decide(&mut controller, 1_200);
    assert!(before < Pass::ratio(1.0, 10.0) && back <= Pass::from_units(before.units() * 2), "{before:?}, {back:?}");
}

#[test]
fn a_plan_spends_in_its_hours_and_by_their_weights_and_is_done_before_the_end() {
    let mut weights = [1; 168];
    // The first moment of Unix time was a Thursday's midnight.
    let thursday = 3 * 24;
    weights[thursday + 8..thursday + 10].fill(3);
    weights[thursday + 10..thursday + 14].fill(0);
    let hours = HourPlan::new(weights, UtcOffset::default());
    let flight = Flight { starts_ms: 6 * HOUR_MS, ends_ms: 16 * HOUR_MS };
    // 1 1 3 3 0 0 0 0 1 1: ten in all, of which a twelfth is early.
    let plan = Plan { hours: Some(hours.into()), flight, ..plan(1_100_000, Pacing::Even) };
    let planned = |hour: i64| plan.planned(hour * HOUR_MS).0;
    assert_eq!([planned(5), planned(6)], [0, 0]);
    assert_eq!(planned(8) - planned(6), 240_000);
    assert_eq!(planned(9) - planned(8), 360_000);
    assert_eq!(planned(14), planned(10), "nothing is planned from 10 to 14");
    assert!(plan.rests(11 * HOUR_MS) && !plan.rests(14 * HOUR_MS));
    assert_eq!(planned(16), 1_100_000);
    assert_eq!(plan.planned(15 * HOUR_MS + HOUR_MS / 2).0, 1_100_000, "finished early");
    assert_eq!(pass_after(&plan, 11 * HOUR_MS, 0, busy(100, 10)), Pass::NONE);
}

#[test]
fn a_plan_for_some_hours_of_the_day_is_done_before_the_last_of_them_ends() {
    let mut weights = [0; 168];
    let thursday = 3 * 24;
    weights[thursday + 9..thursday + 17].fill(2);
    let day_part = |weights| Plan {
        hours: Some(HourPlan::new(weights, UtcOffset::default()).into()),
        flight: Flight { starts_ms: 0, ends_ms: DAY_MS },
        ..plan(1_200_000, Pacing::Even)
    };
    let planned = |plan: &Plan, minute: i64| plan.planned(minute * 60_000).0;
    // A twelfth of eight hours is forty minutes.
    let plan = day_part(weights);
    assert_eq!([planned(&plan, 9 * 60), planned(&plan, 16 * 60 + 20)], [0, 1_200_000]);
    assert_eq!(planned(&plan, 12 * 60 + 40), 600_000);
    // The other sixteen hours: eighty minutes.
    let evening = weights.map(|weight| if weight == 0 { 1 } else { 0 });
    let plan = day_part(evening);
    assert!(planned(&plan, 22 * 60 + 30) < 1_200_000 && planned(&plan, 22 * 60 + 40) == 1_200_000);
    assert_eq!(day_part([0; 168]).planned(DAY_MS), Nanos(1_200_000), "no hour at all: there is nothing to wait for");
}

#[test]
fn spend_keeps_to_the_plan_when_notices_come_late() {
    // Half of the bids are billed, each a minute after it was made, and everything may pass.
    let plan = plan(1_000_000 * PRICE, Pacing::Even);
    let (mut controller, mut spent) = (Controller::default(), 0);
    let mut out = std::collections::VecDeque::new();
    let mut bids = 0.0;
    for second in 0..6 * 3_600 {
        out.push_back(bids);
        let billed = if 60 < out.len() { out.pop_front().unwrap_or(0.0) / 2.0 } else { 0.0 };
        spent += (billed * PRICE as f64) as i64;
        controller.observe(&Observation {
            length_ms: 1_000,
            eligible: 100,
            bids: bids as u64,
            bid_value: Nanos((bids * PRICE as f64) as i64),
            billed: Nanos((billed * PRICE as f64) as i64),
            delays: 1,
            delay_ms: 60_000,
            price_max: Nanos(PRICE),
            ..Observation::default()
        });
        bids = controller.decide(&plan, second * 1_000, 1_000, Nanos(spent), controller.supply()).share() * 100.0;
        if 3_600 < second {
            let off = spent as f64 - plan.planned(second * 1_000).0 as f64;
            // A minute of the plan is 757 bids.
            assert!(off.abs() < 75.0 * PRICE as f64, "off by {} bids at second {second}", off / PRICE as f64);
        }
    }
}

#[test]
fn a_bid_that_was_told_to_be_won_counts_in_full_and_one_of_which_nothing_came_does_not() {
    let mut controller = Controller::default();
    let tick = |bids: i64, won: i64| Observation {
        length_ms: 1_000,
        eligible: 100,
        bids: bids as u64,
        bid_value: Nanos(bids * PRICE),
        won: Nanos(won * PRICE),
        price_max: Nanos(PRICE),
        ..Observation::default()
    };
    // Half of the bids win, are told within the second, and billed in the next.
    for _ in 0..2_000 {
        controller.observe(&Observation {
            billed: Nanos(PRICE),
            delays: 1,
            delay_ms: 1_000,
            won_shown: Nanos(PRICE),
            won_billed: Nanos(PRICE),
            told: 1,
            told_ms: 500,
            ..tick(2, 1)
        });
    }
    let out = |controller: &Controller| controller.supply().in_flight / PRICE as f64;
    let before = out(&controller);
    (0..20).for_each(|_| controller.observe(&tick(0, 0)));
    assert!(out(&controller) < 0.2, "nothing is out any more: {before}, {}", out(&controller));
    let quiet = out(&controller);
    controller.observe(&tick(0, 3));
    assert!((out(&controller) - quiet - 3.0).abs() < 0.1, "three more: {quiet}, {}", out(&controller));
    controller.observe(&Observation { won_shown: Nanos(3 * PRICE), won_billed: Nanos(3 * PRICE), ..tick(0, 0) });
    assert!((out(&controller) - quiet).abs() < 0.1, "billed, and spent elsewhere: {}", out(&controller));
}

#[test]
fn regions_that_see_each_other_pass_the_same_share() {
    let plan = plan(100_000 * PRICE, Pacing::Even);
    let (mut large, mut small) = (Controller::default(), Controller::default());
    for _ in 0..60 {
        large.observe(&busy(90, 9));
        small.observe(&busy(10, 1));
    }
    let all = large.supply().and(small.supply());
    // A minute ahead, as long as a billing takes before one was seen.
    let spent = plan.planned(DAY_MS / 4 + 60_000);
    let [large, small] = [large, small].map(|mut region| region.decide(&plan, DAY_MS / 4, 1_000, spent, all));
    assert_eq!(large, small);
    assert!(Pass::NONE < large && large < Pass::ALL);
}

#[test]
fn a_pass_probability_passes_its_share_of_draws_and_its_ends_are_exact() {
    let mut state = SEED;
    let draws: Vec<u64> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        state ^ state >> 33
    })
    .take(100_000)
    .collect();
    let passed = |pass: Pass| draws.iter().filter(|draw| pass.passes(**draw)).count();
    assert_eq!(passed(Pass::NONE), 0);
    assert_eq!(passed(Pass::ALL), draws.len());
    assert!((24_000..26_000).contains(&passed(Pass::ratio(1.0, 4.0))));
    assert_eq!(Pass::ratio(3.0, 2.0), Pass::ALL);
    assert_eq!(Pass::ratio(-1.0, 2.0), Pass::NONE);
    assert_eq!(Pass::ratio(1.0, 0.0), Pass::ALL);
    assert_eq!([Pass::ratio(f64::NAN, 1.0), Pass::ratio(0.0, f64::NAN)], [Pass::NONE; 2]);
    assert!(Pass::ratio(1.0, 1e30) > Pass::NONE, "a tiny share still passes something");
    assert_eq!(Pass::from_units(u32::MAX), Pass::ALL);
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let counts = (-5_i64..100_000, any::<[u32; 4]>());
    (counts, any::<[i64; 7]>()).prop_map(|((length_ms, [eligible, bids, delays, told]), amounts)| Observation {
        length_ms,
        eligible: u64::from(eligible),
        bids: u64::from(bids),
        bid_value: Nanos(amounts[0]),
        billed: Nanos(amounts[1]),
        delays: u64::from(delays),
        delay_ms: amounts[2],
        price_max: Nanos(amounts[0]),
        won: Nanos(amounts[3]),
        won_shown: Nanos(amounts[4]),
        won_billed: Nanos(amounts[5]),
        told: u64::from(told),
        told_ms: amounts[6],
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever it sees, a share from none to all comes out, and the next ticks still work.
    #[test]
    fn the_gate_is_bounded_whatever_is_seen(
        seen in prop::collection::vec(any_observation(), 1..20),
        budget in 1..i64::MAX, spent in any::<i64>(), now_ms in any::<i64>(),
    ) {
        let plan = plan(budget, Pacing::Even);
        let mut controller = Controller::default();
        for seen in &seen {
            controller.observe(seen);
            let pass = controller.decide(&plan, now_ms, seen.length_ms, Nanos(spent), controller.supply());
            prop_assert!(pass <= Pass::ALL);
            controller = controller.aged(seen.length_ms);
        }
    }

    /// More budget never passes less, and more spent never passes more.
    #[test]
    fn the_gate_opens_with_the_budget_and_closes_with_the_spend(
        budget in 1_i64..1_000_000, more in 0_i64..1_000_000, now_ms in 0..DAY_MS,
        spent in 0_i64..1_000_000, eligible in 1_u64..1_000,
    ) {
        let pass = |budget: i64, spent: i64| {
            pass_after(&plan(budget * PRICE, Pacing::Even), now_ms, spent * PRICE, busy(eligible, eligible / 10))
        };
        prop_assert!(pass(budget, spent) <= pass(budget + more, spent));
        prop_assert!(pass(budget, spent) >= pass(budget, spent + more));
        if spent >= budget {
            prop_assert_eq!(pass(budget, spent), Pass::NONE, "nothing is left");
        }
    }

    /// What is planned never falls, never exceeds the budget, and is all of it when the flight ends.
    #[test]
    fn a_plan_rises_from_nothing_to_the_budget(
        budget in 1..i64::MAX, starts_ms in -DAY_MS..DAY_MS * 400, length_ms in 1..DAY_MS * 400,
        weights in prop::option::of(prop::collection::vec(0_u8..=100, 168)), parts in prop::collection::vec(0..=1_000_i64, 8),
    ) {
        let flight = Flight { starts_ms, ends_ms: starts_ms + length_ms };
        let hours = weights.map(|weights| HourPlan::new(weights.try_into().expect("168"), UtcOffset::default()).into());
        let plan = Plan { flight, hours, ..plan(budget, Pacing::Even) };
        let mut parts = parts;
        parts.sort_unstable();
        let at = |part: i64| starts_ms + i64::try_from(i128::from(length_ms) * i128::from(part) / 1_000).unwrap();
        for pair in parts.windows(2) {
            prop_assert!(plan.planned(at(pair[0])) <= plan.planned(at(pair[1])));
        }
        prop_assert_eq!(plan.planned(flight.ends_ms), Nanos(budget));
        prop_assert!(plan.forward(Nanos(budget), at(parts[0]), 1_000) <= Nanos(budget));
        prop_assert_eq!(plan.forward(Nanos(0), at(parts[0]), 1_000), Nanos(0));
    }
}

#[test]
fn supply_is_summed_and_scaled() {
    let supply = Supply { per_second: 2.0, in_flight: 3.0 }.and(Supply { per_second: 1.0, in_flight: 0.0 }).times(2.0);
    assert_eq!(supply, Supply { per_second: 6.0, in_flight: 6.0 });
}
