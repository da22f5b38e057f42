//! The state of the regions among the series.

use telemetry::{Meters, RegionState};

#[test]
fn whoever_is_asked_first_tells_the_state_of_the_regions() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    assert!(meters.region_states().is_empty());
    let state = |cap_keys| RegionState {
        name: "sg".into(),
        open: true,
        cap_keys,
        cap_provisional: 2,
        recoveries: 1,
        recovery_micros: 900,
    };
    meters.set_region_states(move || vec![state(7)]);
    meters.set_region_states(move || vec![state(8)]);
    assert_eq!(meters.region_states(), [state(7)]);
}
