//! First-price shading: what the learner finds on simulated markets, whose best price is known, and what it must not fall
//! for. Seeds are printed.

#[path = "common/random.rs"]
mod random;

use money::Cpm;
use proptest::prelude::*;
use random::Random;
use region::risk::Format;
use region::shading::{BINS, EDGES, Lesson, Market, MarketView, SAMPLES_MIN, SEGMENTS_MAX, Segment};

const VALUE: Cpm = Cpm(2_000_000);
const FLOOR: Cpm = Cpm(50_000);
const SEED: u64 = 0x5EED_0F15;
const HOUR_MS: i64 = 60 * 60 * 1_000;

impl Random {
    /// The best rival: around `median` by the factor e^spread.
    fn rival(&mut self, median: f64, spread: f64) -> Cpm {
        Cpm((median * (spread * self.normal()).exp() * 1e6) as i64)
    }
}

/// What an exchange tells.
#[derive(Clone, Copy)]
enum Tells {
    Wins,
    All,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    wins: f64,
    /// In USD per thousand bids.
    paid: f64,
    gained: f64,
}

fn segment() -> Segment {
    Segment::of("xandr", Format::Web, (300, 250), 0)
}

/// Bids on so many auctions with what is known, learns from them, and sums up the last half.
fn play(
    market: &mut Market,
    random: &mut Random,
    bids: usize,
    tells: Tells,
    rival: impl Fn(&mut Random) -> Cpm,
) -> Sum {
    let mut view = market.view().unwrap_or_default();
    let mut sum = Sum::default();
    for bid in 0..bids {
        if bid % 100 == 0 {
            view = market.view().unwrap_or(view);
        }
        let explores = random.unit() < 0.02;
        let price = if explores { None } else { view.price(segment(), VALUE, FLOOR) };
        let lesson = Lesson { segment: segment(), full_price: price.is_none() };
        let price = price.unwrap_or(VALUE);
        assert!(FLOOR <= price && price <= VALUE);
        let min_to_win = rival(random).max(FLOOR);
        let won = min_to_win < price;
        market.sent(lesson);
        if won || matches!(tells, Tells::All) {
            market.told(lesson, min_to_win);
        }
        if won && bids / 2 <= bid {
            sum.wins += 1.0;
            sum.paid += price.0 as f64 / 1e6;
            sum.gained += (VALUE.0 - price.0) as f64 / 1e6;
        }
    }
    sum
}

/// What the best of all fixed prices would have gained in so many auctions of the same market.
fn best_gain(random: &mut Random, bids: usize, rival: impl Fn(&mut Random) -> Cpm) -> f64 {
    let mut rivals: Vec<Cpm> = (0..100_000).map(|_| rival(random).max(FLOOR)).collect();
    rivals.sort_unstable();
    let gain = |(won, price): (usize, &Cpm)| (VALUE.0 - price.0) as f64 / 1e6 * won as f64 / 100_000.0;
    rivals.iter().enumerate().map(gain).fold(0.0, f64::max) * bids as f64
}

#[test]
fn it_gains_nearly_what_the_best_price_would_and_pays_half() {
    println!("seed {SEED:#x}");
    for (median, spread) in [(0.6, 0.5), (0.3, 0.8), (1.2, 0.3)] {
        let mut random = Random(SEED);
        let rival = |random: &mut Random| random.rival(median, spread);
        let sum = play(&mut Market::default(), &mut random, 40_000, Tells::All, rival);
        let best = best_gain(&mut random, 20_000, rival);
        let (share, price) = (sum.gained / best, sum.paid / sum.wins);
        println!("rivals about {median}: {share:.3} of the best gain, {:.0} wins at {price:.3}", sum.wins);
        // Exploring costs two per cent of it.
        assert!(share > 0.93, "rivals about {median}: {share}");
        assert!(price < 0.9 * VALUE.0 as f64 / 1e6, "{price}");
    }
    let mut random = Random(SEED);
    let sum = play(&mut Market::default(), &mut random, 40_000, Tells::All, |random| random.rival(0.6, 0.5));
    let cost = sum.paid / sum.wins / (VALUE.0 as f64 / 1e6);
    assert!(cost < 0.6, "a win costs {cost} of the unshaded price");
}

#[test]
fn an_exchange_that_tells_of_wins_alone_does_not_lead_it_ever_lower() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let rival = |random: &mut Random| random.rival(0.8, 0.5);
    let mut market = Market::default();
    play(&mut market, &mut random, 100_000, Tells::Wins, rival);
    let sum = play(&mut market, &mut random, 100_000, Tells::Wins, rival);
    let share = sum.gained / best_gain(&mut random, 50_000, rival);
    println!("{share:.3} of the best gain after 200,000 bids");
    assert!(share > 0.9, "{share}");
}

#[test]
fn it_follows_a_market_that_rises() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut market = Market::default();
    let mut hour = 0;
    // 4,000 bids an hour, at first against cheap rivals, then against dear ones.
    let mut hours = |market: &mut Market, random: &mut Random, count: i64, median: f64| {
        let mut sum = Sum::default();
        for _ in 0..count {
            sum = play(market, random, 4_000, Tells::All, |random| random.rival(median, 0.3));
            hour += 1;
            for minute in 0..60 {
                market.age(hour * HOUR_MS + minute * 60_000);
            }
        }
        sum
    };
    hours(&mut market, &mut random, 12, 0.4);
    let at_once = hours(&mut market, &mut random, 1, 1.2);
    let later = hours(&mut market, &mut random, 12, 1.2);
    println!("wins in half an hour: {} at once, {} after twelve hours", at_once.wins, later.wins);
    assert!(later.gained > 0.85 * best_gain(&mut random, 2_000, |random| random.rival(1.2, 0.3)));
}

#[test]
fn too_few_auctions_leave_the_price_as_it_is_and_broader_ones_help_out() {
    let (mut market, full_price) = (Market::default(), true);
    let narrow = Segment::of("xandr", Format::App, (320, 50), 0);
    let view = |market: &mut Market| market.view().unwrap_or_default();
    for _ in 0..(SAMPLES_MIN as usize - 1) {
        market.told(Lesson { segment: segment(), full_price }, Cpm(300_000));
    }
    assert_eq!(view(&mut market).price(segment(), VALUE, FLOOR), None);
    market.told(Lesson { segment: segment(), full_price }, Cpm(300_000));
    let known = view(&mut market);
    let price = known.price(segment(), VALUE, FLOOR).expect("200 are enough");
    assert_eq!(known.price(narrow, VALUE, FLOOR), Some(price), "of the exchange as a whole enough is known");
    let elsewhere = Segment::of("google_adx", Format::Web, (300, 250), 0);
    assert_eq!(known.price(elsewhere, VALUE, FLOOR), None, "another exchange is another market");
    assert_eq!(known.price(segment(), Cpm(100_000), FLOOR), None, "nothing is gained below 0.30");
}

#[test]
fn what_was_told_is_forgotten_in_days() {
    let mut market = Market::default();
    let lesson = Lesson { segment: segment(), full_price: true };
    market.age(0);
    (0..1_000).for_each(|_| market.told(lesson, Cpm(300_000)));
    let priced = |market: &mut Market| market.view().is_some_and(|view| view.price(segment(), VALUE, FLOOR).is_some());
    assert!(priced(&mut market));
    assert!(!market.age(59_000) && market.age(13 * HOUR_MS), "once a minute");
    assert!(priced(&mut market), "250 of 1,000 are left");
    market.age(15 * HOUR_MS);
    assert!(!priced(&mut market), "fewer than 200 are left");
    market.age(200 * HOUR_MS);
    assert_eq!(market.view().map(|view| view.segments()), Some(0));
}

#[test]
fn segments_are_bounded_and_broad_ones_find_room() {
    let mut market = Market::default();
    for w in 0..2 * SEGMENTS_MAX as u32 {
        let segment = Segment::of("xandr", Format::Web, (w % 8_000, 1 + w / 8_000), 0);
        market.told(Lesson { segment, full_price: true }, Cpm(300_000));
    }
    let late = Segment::of("google_adx", Format::FullScreen, (1, 1), 0);
    (0..300).for_each(|_| market.told(Lesson { segment: late, full_price: true }, Cpm(300_000)));
    let view = market.view().expect("there is news");
    assert!(view.price(Segment::of("xandr", Format::Web, (1, 1), 0), VALUE, FLOOR).is_some());
    assert!(view.segments() <= SEGMENTS_MAX);
}

#[test]
fn edges_rise_by_a_fourth_root_of_two() {
    assert_eq!((EDGES[0], EDGES[4], EDGES[BINS - 1]), (Cpm(20_000), Cpm(40_000), Cpm(68_886_241)));
    assert!(EDGES.windows(2).all(|pair| pair[0] < pair[1]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is told, a price is between floor and value, and below the value.
    #[test]
    fn a_shaded_price_is_within_floor_and_value(
        told in prop::collection::vec((any::<i64>(), any::<bool>()), 200..400),
        value in 1_i64..100_000_000, floor in 0_i64..100_000_000,
    ) {
        let mut market = Market::default();
        for (price, full_price) in told {
            let lesson = Lesson { segment: segment(), full_price };
            market.sent(lesson);
            market.told(lesson, Cpm(price));
        }
        let view: MarketView = market.view().unwrap_or_default();
        if let Some(price) = view.price(segment(), Cpm(value), Cpm(floor)) {
            prop_assert!(floor <= price.0 && price.0 < value);
        }
    }
}
