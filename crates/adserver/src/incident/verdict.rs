//! The promises of the incident, each checked; what does not hold is named.

use tembusu::{EventKind, NodeSnapshot, State};

use super::replay::{BESIDE, CRASHES, FAILING, Replay};

/// Every promise that was not kept, in words.
pub(super) fn complaints(replay: &Replay) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut check = |holds: bool, otherwise: String| {
        if !holds {
            complaints.push(otherwise);
        }
    };

    for (k, (status, reason)) in replay.payloads.iter().enumerate() {
        check(*status == Some(204), format!("bad payload {} was answered {status:?} ({reason}), not 204", k + 1));
    }
    let crashes = replay.timeline.crashes().count();
    check(crashes == CRASHES, format!("{CRASHES} payloads made {crashes} crashes"));
    let restarts = replay.timeline.restarts().count();
    check(restarts == CRASHES - 1, format!("{restarts} restarts were granted, not {}", CRASHES - 1));
    check(
        replay
            .timeline
            .crashes()
            .last()
            .is_some_and(|last| matches!(last.kind, EventKind::Crashed { charge: None, .. })),
        "the last crash was not the one too many".to_owned(),
    );
    check(
        replay.timeline.has(|kind| matches!(kind, EventKind::Escalated { .. })),
        "the exchange's supervisor did not end".to_owned(),
    );
    check(
        replay.timeline.has(|kind| matches!(kind, EventKind::Degraded { .. })),
        "the exchange was not degraded".to_owned(),
    );
    check(replay.timeline.has(|kind| matches!(kind, EventKind::Restored)), "the exchange was not restored".to_owned());
    check(
        replay.degraded_no_bids == replay.degraded_sent,
        format!("degraded: only {} of {} got a proper no-bid", replay.degraded_no_bids, replay.degraded_sent),
    );
    check(replay.decided_after, "after the restore, requests were not decided by the engine".to_owned());
    check(
        replay.beside.lost == 0 && replay.beside.total() == CRASHES * BESIDE,
        format!("{} of {} requests beside the payloads were lost", replay.beside.lost, replay.beside.total()),
    );
    check(replay.beside.went_on > 0, "no waiting request went on".to_owned());

    for (exchange, tally) in &replay.tallies {
        check(tally.answered() > 0, format!("{exchange} answered nothing"));
        check(tally.lost() == 0, format!("{exchange} lost {} requests", tally.lost()));
        check(tally.refused + tally.connect_failed == 0, format!("{exchange} refused {} connects", tally.refused));
        check(tally.closed_by_server() == 0, format!("{exchange} closed {} connections", tally.closed_by_server()));
        check(
            tally.violations_total() == 0,
            format!(
                "{exchange} sent {} bids that break the standard: {:?}",
                tally.violations_total(),
                tally.violations
            ),
        );
    }

    for event in replay.timeline.elsewhere() {
        complaints.push(format!("{} was concerned: {:?}", event.path, event.kind));
    }
    compare(&replay.before, &replay.after, &mut complaints);
    complaints
}

/// Everything outside the failing exchange is the same incarnation; everything is running.
fn compare(before: &NodeSnapshot, after: &NodeSnapshot, complaints: &mut Vec<String>) {
    let failing = format!("{}/exchanges/{FAILING}", before.path);
    for node in after.walk() {
        if node.state != State::Running {
            complaints.push(format!("{} is {} at the end", node.path, node.state.label()));
        }
        if node.path.starts_with(&failing) {
            continue;
        }
        match before.find(&node.path) {
            Some(earlier) if earlier.incarnation == node.incarnation => {}
            Some(earlier) => complaints.push(format!(
                "{} is incarnation {} now, and was {}",
                node.path, node.incarnation, earlier.incarnation
            )),
            None => complaints.push(format!("{} was not there before", node.path)),
        }
    }
    let (was, is) = (before.walk().count(), after.walk().count());
    if was != is {
        complaints.push(format!("the tree had {was} nodes, and has {is}"));
    }
}
