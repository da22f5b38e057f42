//! What holds after every event, whatever happened.

use super::super::children::Intent;
use super::super::pass::Step;
use super::super::significant::Outlook;
use super::super::*;
use super::cast::Gate;
use super::world::World;
use crate::spec::policy::Shutdown;

impl World {
    pub(super) fn check(&self) {
        self.the_core_knows_who_lives();
        self.every_wait_has_a_deadline();
        self.somebody_moves_the_supervisor_on();
        self.a_group_stops_backwards_and_starts_forwards();
        self.queues_fit();
        self.an_awaited_end_is_decided();
        self.the_intensity_is_kept();
    }

    fn the_core_knows_who_lives(&self) {
        for child in self.core.children().iter() {
            let play = &self.plays[&child.key];
            assert_eq!(child.state.is_alive(), play.alive, "{}: {child:?}", play.name);
            assert_eq!(child.generation, play.generation);
        }
        for (key, play) in self.plays.iter().filter(|(key, _)| self.core.children().get(**key).is_none()) {
            assert!(!play.alive, "{key:?} is gone, but lives");
        }
    }

    /// Whoever decides it is on its way.
    fn an_awaited_end_is_decided(&self) {
        if let Some(ended) = self.core.end_awaited {
            assert!(matches!(self.core.phase, Phase::Running), "the end of {ended:?} is awaited no more");
            assert!(self.core.outlook(None) != Outlook::Gone, "nobody decides about the end of {ended:?}");
        }
    }

    fn every_wait_has_a_deadline(&self) {
        for child in self.core.children().iter() {
            let unlimited = child.is_supervisor() || child.policy.shutdown == Shutdown::Unlimited;
            match child.state {
                ChildState::Idle | ChildState::Running { .. } => {}
                ChildState::Stopping { until: None } if unlimited => {}
                ChildState::Starting { until: None } | ChildState::Killing { until: None } if child.is_supervisor() => {
                }
                ChildState::Starting { until } | ChildState::Stopping { until } | ChildState::Killing { until } => {
                    assert!(until.is_some(), "{child:?} is waited for without a deadline");
                }
            }
            if let Some(at) = child.deadline() {
                assert!(self.core.deadline().is_some_and(|deadline| deadline <= at), "{child:?} is forgotten");
            }
        }
    }

    /// A pass, and an end, always wait for some child, and that child is on its way.
    fn somebody_moves_the_supervisor_on(&self) {
        let is_moving = |child: &Child| child.state.is_alive() && !matches!(child.state, ChildState::Running { .. });
        if let Some((pass, at)) = self.core.pass_wait() {
            assert!(self.core.deadline().is_some_and(|deadline| deadline <= at), "{pass:?} is forgotten");
        } else if let Some(pass) = self.core.pass {
            assert!(self.core.children().from(pass.from).any(is_moving), "{pass:?} waits for nobody");
        }
        if self.core.pass.is_none() {
            assert!(self.core.children().iter().all(|child| !child.unusual().restore_due), "a restore is forgotten");
        }
        if self.core.is_stopping() {
            assert!(self.core.children().iter().any(is_moving), "the end waits for nobody");
        }
        for child in self.core.children().iter().filter(|child| self.core.pass.is_none() && child.intent.is_some()) {
            assert!(is_moving(child), "{child:?} has something to do and does not");
        }
    }

    fn a_group_stops_backwards_and_starts_forwards(&self) {
        let Some(pass) = self.core.pass else { return };
        let group_stops = |child: &&Child| child.intent == Some(Intent::GroupStop) && child.state.is_alive();
        if let Some(stopping) = self.core.children().iter().find(group_stops) {
            let later = self.core.children().from(stopping.rank.next()).find(|child| child.state.is_alive());
            assert!(later.is_none(), "{stopping:?} is stopped before {later:?}");
        }
        if let Step::Start { next } = pass.step {
            let later = self.core.children().from(next.next()).find(|child| child.state.is_alive());
            assert!(later.is_none(), "{later:?} is up before {next:?}");
        }
    }

    fn queues_fit(&self) {
        for child in self.core.children().iter() {
            let gate = self.plays[&child.key].gate;
            match (child.mode, child.state) {
                (Mode::Degraded, _) => assert_eq!(gate, Gate::Degraded, "{child:?}"),
                (Mode::Normal | Mode::Probing, ChildState::Idle) if child.at_rest => {
                    assert_eq!(gate, Gate::Closed, "{child:?}")
                }
                (Mode::Normal | Mode::Probing, ChildState::Idle) => {}
                (Mode::Normal | Mode::Probing, _) => assert_eq!(gate, Gate::Open, "{child:?}"),
            }
        }
    }

    fn the_intensity_is_kept(&self) {
        let (limit, period) = (self.core.intensity.limit() as usize, self.core.intensity.period());
        let granted = self.charges.iter().filter(|&&at| at + period >= self.now).count();
        assert!(granted <= limit, "{granted} restarts are granted within {period:?}");
    }
}
