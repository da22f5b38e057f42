//! Restart intensity at its exact edge (cases 46 to 50, 52, 53).

use super::super::*;
use super::cast::{Init, MS, SEC, error, worker};
use super::world::World;
use crate::spec::policy::Restart;

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

#[test]
fn case_47_49_52_n_are_granted_and_the_next_is_fatal() {
    for strategy in STRATEGIES {
        for limit in [0, 1, 2, 5, 50] {
            let mut world = World::running(strategy, limit, &["a", "b"]);
            for k in 1..=limit {
                world.die(if k % 2 == 0 { "a" } else { "b" }, error());
                assert!(world.is_running("a") && world.is_running("b"), "{strategy:?}: restart {k} of {limit}");
            }
            world.die("a", error());
            assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))), "{strategy:?}: {limit}");
            assert_eq!(world.charges.len(), limit as usize);
            assert_eq!(world.said_of("a").last().map(String::as_str), Some("exhausted"));
        }
    }
}

#[test]
fn charges_count_up_to_the_limit() {
    let mut world = World::running(Strategy::OneForOne, 2, &["a"]);
    for _ in 0..3 {
        world.die("a", error());
    }
    let said =
        ["started", "crashed error 1/2", "restarted", "crashed error 2/2", "restarted", "crashed error", "exhausted"];
    assert_eq!(world.said_of("a"), said);
}

#[test]
fn a_failure_exactly_one_period_old_still_counts() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.pass(SEC);
    world.die("a", error());
    world.pass(10 * SEC);
    world.die("a", error());
    assert!(world.ended().is_some());
}

#[test]
fn a_failure_older_than_the_period_is_forgotten() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.pass(SEC);
    for _ in 0..4 {
        world.die("a", error());
        world.pass(10 * SEC + Duration::from_nanos(1));
    }
    assert!(world.is_running("a"));
    assert!(world.said_of("a").iter().filter(|said| *said == "crashed error 1/1").count() == 4);
}

#[test]
fn the_window_slides() {
    // Granted at 0, 4, 8; at 10 the one of 0 still counts, just after it does not.
    for (wait, fatal) in [(2 * SEC, true), (2 * SEC + MS, false)] {
        let mut world = World::running(Strategy::OneForOne, 3, &["a"]);
        world.die("a", error());
        world.pass(4 * SEC);
        world.die("a", error());
        world.pass(4 * SEC);
        world.die("a", error());
        world.pass(wait);
        world.die("a", error());
        assert_eq!(world.ended().is_some(), fatal, "{wait:?}");
    }
}

#[test]
fn case_48_50_53_every_failed_start_is_charged() {
    for strategy in STRATEGIES {
        let mut world = World::running(strategy, 4, &["a", "b"]);
        world.play("b").always = Init::Fail;
        world.die("b", error());
        assert!(world.ended().is_some(), "{strategy:?}");
        assert_eq!(world.generation("b"), 5, "one crash, then four restarts that fail");
        let last = world.said_of("b");
        assert_eq!(last[last.len() - 2..], ["start failed error", "exhausted"], "{strategy:?}");
        assert!(!world.is_running("a"));
    }
}

#[test]
fn simultaneous_deaths_are_charged_once_in_a_group_and_each_alone() {
    for (strategy, survives) in
        [(Strategy::OneForAll, true), (Strategy::RestForOne, true), (Strategy::OneForOne, false)]
    {
        let mut world = World::running(strategy, 1, &["a", "b", "c"]);
        world.die_silently("a", error());
        for name in ["b", "c"] {
            if world.core.is_stopping() {
                break;
            }
            world.die_silently(name, error());
        }
        world.settle();
        assert_eq!(world.ended().is_none(), survives, "{strategy:?}");
        assert_eq!(world.charges.len(), 1, "{strategy:?}");
        if survives {
            assert!(["a", "b", "c"].iter().all(|name| world.is_running(name)));
            assert!(world.said_of("b").contains(&"crashed error".to_owned()), "it is reported all the same");
        }
    }
}

#[test]
fn rest_for_one_charges_an_earlier_death_of_its_own() {
    // c dies, then a and b: starts are c's group, then a, b, c; two charges (measured on OTP).
    let mut world = World::running(Strategy::RestForOne, 2, &["a", "b", "c"]);
    world.die_silently("c", error());
    world.die_silently("a", error());
    world.die_silently("b", error());
    world.settle();
    assert_eq!(world.charges.len(), 2);
    assert!(["a", "b", "c"].iter().all(|name| world.is_running(name)));
}

#[test]
fn a_supervisor_that_is_started_anew_has_a_clean_record() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.die("a", error());
    world.die("a", error());
    assert!(world.ended().is_some());
    world.bring(Event::Start);
    world.die("a", error());
    assert!(world.is_running("a"));
}

#[test]
fn exhaustion_climbs_from_level_to_level_with_its_chain() {
    let mut inner = World::running(Strategy::OneForOne, 0, &["leaf"]);
    inner.die("leaf", error());
    let mut reason = inner.ended().cloned().expect("it is exhausted");
    for level in 0..2 {
        let mut outer = World::new(Strategy::OneForOne, 1);
        outer.add("below", super::cast::supervisor(Restart::Permanent, Exhaustion::Escalate));
        outer.start();
        outer.die("below", reason.clone());
        assert!(outer.is_running("below"), "level {level}: once is granted");
        outer.die("below", reason);
        reason = outer.ended().cloned().expect("it is exhausted");
    }
    let ExitReason::Exhausted(report) = reason else { panic!("it climbs as what it is") };
    let (path, cause) = report.root_cause();
    assert_eq!((&**path, cause.label()), ("sup/leaf", "error"));
}

#[test]
fn an_exhausted_transient_supervisor_stays_down() {
    let mut world = World::new(Strategy::OneForOne, 0);
    world.add("below", super::cast::supervisor(Restart::Transient, Exhaustion::Escalate));
    world.add("other", worker(Restart::Permanent));
    world.start();
    world.die("below", super::cast::exhausted());
    assert!(!world.is_running("below") && world.is_running("other"));
    assert_eq!(world.charges.len(), 0);
}

#[test]
fn a_charge_costs_the_same_whatever_came_before() {
    let period = 10 * SEC;
    let mut intensity = Intensity::new(20_000, period);
    for k in 1..=20_000 {
        assert_eq!(intensity.charge(Time::ZERO).map(|charge| charge.k), Ok(k));
    }
    assert_eq!(intensity.charge(period).map_err(|charge| charge.k), Err(20_001));
    // The burst is over: nobody pays for all of it, and it does not stay for ever.
    let mut before = intensity.kept().0;
    let mut now = period + MS;
    for _ in 0..20_000 {
        assert_eq!(intensity.charge(now).map(|charge| charge.k), Ok(1));
        let kept = intensity.kept().0;
        assert!(before <= kept + 1, "{before} instants, then {kept}");
        before = kept;
        now += period + MS;
    }
    assert_eq!(before, 1);
}

#[test]
fn an_enormous_limit_takes_no_room_before_it_is_used() {
    let mut intensity = Intensity::new(u32::MAX, Duration::MAX);
    assert_eq!(intensity.kept(), (0, 0));
    for k in 1..=1000 {
        assert_eq!(intensity.charge(SEC).map(|charge| charge.k), Ok(k));
    }
    assert!(intensity.kept().1 < 4096);
}

/// The plain definition: granted if fewer than N failures that were granted lie within the period.
#[test]
fn the_ring_does_what_the_definition_says() {
    let mut seed = super::cast::seed();
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..300 {
        let (limit, period) = (draw(6) as u32, Duration::from_millis(1 + draw(20)));
        let (mut intensity, mut granted, mut now) = (Intensity::new(limit, period), Vec::new(), Time::ZERO);
        for _ in 0..100 {
            now += Duration::from_millis(draw(8));
            let recent = granted.iter().filter(|&&at| at + period >= now).count() as u32;
            let charged = intensity.charge(now);
            assert_eq!(charged.is_ok(), recent < limit);
            assert_eq!(charged.unwrap_or_else(|charge| charge).k, recent + 1);
            if recent < limit {
                granted.push(now);
            }
        }
    }
}

#[test]
fn a_limit_that_was_lower_in_between_forgives_nothing() {
    let mut intensity = Intensity::new(3, 10 * SEC);
    for at in 0..3 {
        assert!(intensity.charge(at * SEC).is_ok());
    }
    intensity.change(1, 10 * SEC);
    intensity.change(4, 10 * SEC);
    assert_eq!(intensity.charge(3 * SEC).map(|charge| charge.k).ok(), Some(4));
    assert!(intensity.charge(4 * SEC).is_err(), "the fifth is one too many");
}

#[test]
fn a_longer_period_brings_nothing_back_that_was_too_old() {
    let mut intensity = Intensity::new(5, SEC);
    for _ in 0..4 {
        assert!(intensity.charge(Time::ZERO).is_ok());
    }
    assert_eq!(intensity.charge(5 * SEC).map(|charge| charge.k).ok(), Some(1));
    intensity.change(5, 100 * SEC);
    assert_eq!(intensity.charge(6 * SEC).map(|charge| charge.k).ok(), Some(2));
}
