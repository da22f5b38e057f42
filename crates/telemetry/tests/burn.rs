//! Burn rates over windows, on a clock that is a number.

use std::time::Duration;

use telemetry::{BURN_RULES, BURN_STEP, BurnHistory, Counts, FAILURES_MIN, Objective};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const PER_STEP: u64 = 10_000;

/// A service with even traffic.
struct Service {
    now: Duration,
    counts: Counts,
    history: BurnHistory,
    objective: Objective,
}

impl Service {
    fn new(objective: &str) -> Service {
        let objective = Objective::parse(objective).expect("an objective");
        Service { now: Duration::ZERO, counts: Counts::default(), history: BurnHistory::new(Duration::ZERO), objective }
    }

    /// One step, with so many failures among its requests.
    fn step(&mut self, failures: u64) {
        self.now += BURN_STEP;
        self.counts.requests += PER_STEP;
        self.counts.failures += failures;
        self.history.note(self.now, self.counts);
    }

    /// Steps until `wanted`, or for so long.
    fn until(&mut self, failures: u64, most: Duration, wanted: impl Fn(&Service) -> bool) -> Option<Duration> {
        let begun = self.now;
        while self.now < begun + most {
            self.step(failures);
            if wanted(self) {
                return Some(self.now - begun);
            }
        }
        None
    }

    fn serve(&mut self, failures: u64, how_long: Duration) {
        self.until(failures, how_long, |_| false);
    }

    fn too_fast(&self) -> bool {
        self.history.too_fast(self.now, self.counts, self.objective).is_some()
    }

    fn rate(&self, window: Duration) -> f64 {
        self.history.window(window, self.now, self.counts).burn_rate(self.objective)
    }
}

#[test]
fn failures_within_the_budget_are_never_an_alert() {
    let mut service = Service::new("99.95%");
    // 0.05 % of 10,000.
    assert_eq!(service.until(5, 24 * HOUR, Service::too_fast), None);
    assert!((service.rate(6 * HOUR) - 1.0).abs() < 1e-9, "{}", service.rate(6 * HOUR));
}

/// A burn rate of 2,000 has used what 14.4 use in an hour after 26 s; nothing is known of the time before a start.
#[test]
fn an_outage_is_an_alert_within_half_a_minute_and_ends_with_its_short_window() {
    for warm_up in [Duration::ZERO, 10 * MINUTE, 12 * HOUR] {
        let mut service = Service::new("99.95%");
        service.serve(0, warm_up);
        let raised = service.until(PER_STEP, HOUR, Service::too_fast).expect("an alert");
        assert_eq!(raised, 3 * BURN_STEP, "after {warm_up:?} of service");
        service.serve(PER_STEP, 10 * MINUTE);
        let ended = service.until(0, 12 * HOUR, |service| !service.too_fast()).expect("its end");
        // Ten minutes of outage are more than the slow rule's six hours allow, whose short window is the longer one.
        assert!(ended <= 30 * MINUTE + BURN_STEP, "{ended:?}");
    }
}

#[test]
fn a_slow_burn_is_found_by_the_slow_rule_alone() {
    let mut service = Service::new("99.95%");
    service.serve(0, 12 * HOUR);
    // 7 times what is allowed: too slow for 14.4, too fast for 6.
    let raised = service.until(35, 12 * HOUR, Service::too_fast).expect("an alert");
    let rule = service.history.too_fast(service.now, service.counts, service.objective);
    assert_eq!(rule, Some(BURN_RULES[1]));
    assert!(raised > 5 * HOUR && raised < 6 * HOUR, "{raised:?}");
}

#[test]
fn a_burst_that_is_over_is_no_alert() {
    let mut service = Service::new("99.9%");
    service.serve(0, 12 * HOUR);
    service.step(PER_STEP / 2);
    assert!(!service.too_fast(), "half a step failed: 14.4 are not reached over the hour");
    service.serve(0, 6 * MINUTE);
    assert_eq!(service.rate(5 * MINUTE), 0.0);
    assert!(service.rate(HOUR) > 1.0 && !service.too_fast());
}

#[test]
fn a_few_failures_of_a_quiet_exchange_are_no_alert() {
    let objective = Objective::parse("99.95%").expect("an objective");
    let history = BurnHistory::new(Duration::ZERO);
    let alert = |failures| history.too_fast(HOUR, Counts { requests: failures, failures }, objective).is_some();
    assert!(!alert(FAILURES_MIN - 1));
    assert!(alert(FAILURES_MIN));
}

#[test]
fn without_traffic_nothing_burns() {
    let mut history = BurnHistory::new(Duration::ZERO);
    let objective = Objective::parse("99.95%").expect("an objective");
    for hour in 1..24 {
        history.note(hour * HOUR, Counts::default());
        assert_eq!(history.window(HOUR, hour * HOUR, Counts::default()).burn_rate(objective), 0.0);
        assert_eq!(history.too_fast(hour * HOUR, Counts::default(), objective), None);
    }
}

/// Nobody looked for hours, as while telemetry is off: what is known is older than the window, and is what counts.
#[test]
fn a_gap_in_the_samples_makes_a_window_longer_not_wrong() {
    let mut service = Service::new("99%");
    service.serve(0, HOUR);
    service.now += 3 * HOUR;
    service.counts.requests += 1_000_000;
    service.counts.failures += 500_000;
    let window = service.history.window(5 * MINUTE, service.now, service.counts);
    assert_eq!(window.counts, Counts { requests: 1_000_000, failures: 500_000 });
    assert!((window.burn_rate(service.objective) - 50.0).abs() < 1e-9);
    assert!(service.too_fast());
}

#[test]
fn an_objective_is_a_percentage_with_a_budget() {
    for (text, millionths) in [("99.95%", 999_500), ("99%", 990_000), ("50%", 500_000), ("99.9999%", 999_999)] {
        let objective = Objective::parse(text).unwrap_or_else(|| panic!("{text} is an objective"));
        assert_eq!((objective.millionths(), &*objective.to_string()), (millionths, text));
    }
    for text in ["", "%", "99.95", "100%", "49.9999%", "99.99999%", "0.9995", "-99%", "99,5%", "9999%", "99.%5", "+9%"]
    {
        assert_eq!(Objective::parse(text), None, "{text}");
    }
}
