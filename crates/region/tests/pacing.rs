//! The pacing controller as a pure function, driven by a simulated day of traffic. The traffic is made by a small
//! seeded generator, whose seed is printed.

use campaign::{Flight, Pacing};
use money::Nanos;
use region::{Controller, Observation, Pass, Plan};

const TICK_MS: i64 = 10_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const PRICE: i64 = 1_200_000;
const SEED: u64 = 0x7E3B_0550;

/// splitmix64
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }
}

/// One in so many bids wins.
const WIN_ONE_IN: u64 = 4;
/// A win is billed this many ticks after the bid.
const NOTICE_DELAY_TICKS: usize = 6;

struct Day {
    spent: i64,
    /// The greatest distance from plan after the first hour, in thousandths of the budget.
    deviation_max: i64,
}

/// Plays one day with `eligible` bids a tick on average, a morning twice as busy as the night.
fn play(plan: &Plan, eligible: u64) -> Day {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut controller = Controller::default();
    let mut pass = plan.first_pass();
    let mut pending = vec![(0_u64, 0_u64); NOTICE_DELAY_TICKS];
    let (mut spent, mut open_bids, mut deviation_max) = (0_i64, 0_u64, 0_i64);
    for tick in 0..DAY_MS / TICK_MS {
        let now_ms = tick * TICK_MS;
        let asked = if now_ms % DAY_MS < DAY_MS / 2 { eligible * 4 / 3 } else { eligible * 2 / 3 };
        let (bids, won) = (0..asked).fold((0, 0), |(bids, won), _| {
            let passed = pass.passes(random.next());
            let win = passed && random.next().is_multiple_of(WIN_ONE_IN);
            (bids + u64::from(passed), won + u64::from(win))
        });
        pending.push((bids, won));
        let (due_bids, due_wins) = pending.remove(0);
        open_bids = open_bids + bids - due_bids;
        let billed = (i64::try_from(due_wins).unwrap() * PRICE).min(plan.budget.0 - spent);
        spent += billed;
        let seen = Observation {
            now_ms: now_ms + TICK_MS,
            length_ms: TICK_MS,
            eligible: asked,
            bids,
            bid_value: Nanos(i64::try_from(bids).unwrap() * PRICE),
            billed: Nanos(billed),
            open_bids,
            spent_total: Nanos(spent),
            regions: 1,
        };
        pass = controller.tick(plan, &seen);
        let planned = i128::from(plan.budget.0) * i128::from(now_ms + TICK_MS) / i128::from(DAY_MS - DAY_MS / 12);
        let planned = i64::try_from(planned).unwrap().min(plan.budget.0);
        if now_ms > 60 * 60 * 1000 {
            deviation_max = deviation_max.max((spent - planned).abs() * 1000 / plan.budget.0);
        }
    }
    Day { spent, deviation_max }
}

fn plan(budget: i64, pacing: Pacing) -> Plan {
    Plan { budget: Nanos(budget), flight: Flight { starts_ms: 0, ends_ms: DAY_MS }, pacing, strict: false }
}

/// What a day of passing everything would spend.
fn eligible_spend(eligible: u64) -> i64 {
    i64::try_from(eligible / WIN_ONE_IN).unwrap() * PRICE * (DAY_MS / TICK_MS)
}

#[test]
fn an_even_plan_is_followed_through_a_busy_morning_and_spent_at_the_end() {
    let plan = plan(eligible_spend(400) / 8, Pacing::Even);
    let day = play(&plan, 400);
    let undelivered = (plan.budget.0 - day.spent) * 1000 / plan.budget.0;
    println!("undelivered {undelivered} per mille, off plan at most {} per mille", day.deviation_max);
    assert!(undelivered <= 5, "{undelivered} per mille of the budget was not spent");
    assert!(day.deviation_max <= 30, "{} per mille off plan", day.deviation_max);
}

#[test]
fn a_small_budget_among_plenty_of_traffic_is_not_spent_at_once() {
    let plan = plan(eligible_spend(400) / 200, Pacing::Even);
    let day = play(&plan, 400);
    println!("off plan at most {} per mille", day.deviation_max);
    assert!(day.deviation_max <= 60, "{} per mille off plan", day.deviation_max);
}

#[test]
fn a_budget_beyond_the_traffic_passes_nearly_everything() {
    let plan = plan(eligible_spend(400) * 10, Pacing::Even);
    let day = play(&plan, 400);
    assert!(day.spent * 100 >= eligible_spend(400) * 95, "spent {} of {}", day.spent, eligible_spend(400));
}

#[test]
fn as_fast_as_possible_passes_everything_from_the_first_tick() {
    let plan = plan(1, Pacing::Asap);
    assert_eq!(plan.first_pass(), Pass::ALL);
    let seen = Observation {
        now_ms: 0,
        length_ms: TICK_MS,
        eligible: 10,
        bids: 10,
        bid_value: Nanos(10 * PRICE),
        billed: Nanos(0),
        open_bids: 10,
        spent_total: Nanos(1),
        regions: 3,
    };
    assert_eq!(Controller::default().tick(&plan, &seen), Pass::ALL);
}

#[test]
fn an_even_plan_starts_slowly_until_it_has_seen_three_ticks_of_traffic() {
    let plan = plan(i64::MAX / 2, Pacing::Even);
    let mut controller = Controller::default();
    let mut seen = Observation {
        now_ms: 0,
        length_ms: TICK_MS,
        eligible: 0,
        bids: 0,
        bid_value: Nanos(0),
        billed: Nanos(0),
        open_bids: 0,
        spent_total: Nanos(0),
        regions: 1,
    };
    assert_eq!(controller.tick(&plan, &seen), Pass::SLOW_START, "a tick without traffic teaches nothing");
    seen.eligible = 100;
    seen.bids = 10;
    seen.bid_value = Nanos(10 * PRICE);
    assert_eq!(controller.tick(&plan, &seen), Pass::SLOW_START);
    assert_eq!(controller.tick(&plan, &seen), Pass::SLOW_START);
    assert_eq!(controller.tick(&plan, &seen), Pass::ALL, "the budget is beyond all traffic");
}

#[test]
fn a_pass_probability_passes_its_share_of_draws_and_its_ends_are_exact() {
    let mut random = Random(SEED);
    let draws: Vec<u64> = (0..100_000).map(|_| random.next()).collect();
    let passed = |pass: Pass| draws.iter().filter(|draw| pass.passes(**draw)).count();
    assert_eq!(passed(Pass::NONE), 0);
    assert_eq!(passed(Pass::ALL), draws.len());
    assert!((24_000..26_000).contains(&passed(Pass::ratio(1, 4))));
    assert_eq!(Pass::ratio(3, 2), Pass::ALL);
    assert_eq!(Pass::ratio(-1, 2), Pass::NONE);
    assert!(Pass::ratio(1, i128::MAX >> 64) > Pass::NONE, "a tiny share still passes something");
    assert_eq!(Pass::from_units(u32::MAX), Pass::ALL);
}

#[test]
fn regions_that_share_a_plan_each_take_their_part_of_it() {
    let plan = plan(eligible_spend(400) / 2, Pacing::Even);
    let target = |regions: u32| {
        let mut controller = Controller::default();
        let mut pass = Pass::NONE;
        for _ in 0..50 {
            let seen = Observation {
                now_ms: DAY_MS / 2,
                length_ms: TICK_MS,
                eligible: 1_000,
                bids: 500,
                bid_value: Nanos(500 * PRICE),
                billed: Nanos(500 * PRICE),
                open_bids: 0,
                spent_total: Nanos(plan.budget.0 / 24 * 13),
                regions,
            };
            pass = controller.tick(&plan, &seen);
        }
        pass.units()
    };
    let (alone, shared) = (target(1), target(3));
    println!("alone {alone}, one of three {shared}");
    assert!(shared.abs_diff(alone / 3) <= 1 + alone / 100);
}
