//! A picture of a campaign's day: what was planned and spent in the last twelve hours, and what is planned for the next twelve.
//!
//! Promises a well-formed SVG for any numbers and any name. Never asks anybody: it draws what it is given.

use std::fmt::Write;

use money::Nanos;
use region::Course;

use crate::supply::Point;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
/// Where the axes are.
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 215.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 705.0;
const HALF_MS: i64 = 12 * 60 * 60 * 1_000;
/// How many pieces the line of the plan has.
const STEPS: i64 = 96;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.axis{stroke:#999;fill:none}.plan{stroke:#2b6cb0;fill:none;stroke-width:2;stroke-dasharray:6 4}.spent{stroke:#c05621;fill:none;stroke-width:2.5}.now{stroke:#666;stroke-dasharray:2 3}";

/// Draws what is planned of a course, and the spend that was noted, up to what is spent now.
pub(super) fn chart(title: &str, now_ms: i64, course: Option<&Course>, noted: &[Point], spent: Nanos) -> String {
    let (from_ms, to_ms) = (now_ms - HALF_MS, now_ms + HALF_MS);
    let noted: Vec<&Point> = noted.iter().filter(|point| (from_ms..=now_ms).contains(&point.at_ms)).collect();
    let ahead = (0..=STEPS / 2).map(|step| now_ms + step * HALF_MS / (STEPS / 2));
    let mut planned: Vec<(i64, Nanos)> = noted.iter().map(|point| (point.at_ms, point.planned)).collect();
    planned.extend(course.into_iter().flat_map(|course| ahead.clone().map(|at_ms| (at_ms, course.planned(at_ms)))));
    let mut spends: Vec<(i64, Nanos)> = noted.iter().map(|point| (point.at_ms, point.spent)).collect();
    spends.push((now_ms, spent));

    let all = || planned.iter().chain(&spends).map(|(_, amount)| amount.0);
    let (least, most) = (all().min().unwrap_or(0), all().max().unwrap_or(1));
    let most = if most <= least { least.saturating_add(1) } else { most };
    let x = |at_ms: i64| LEFT + (RIGHT - LEFT) * (at_ms - from_ms) as f64 / (to_ms - from_ms) as f64;
    let y = |amount: i64| BOTTOM - (BOTTOM - TOP) * (amount as f64 - least as f64) / (most as f64 - least as f64);

    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\
         <title>{0}</title><style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"{LEFT}\" y=\"20\">{0}</text>\
         <path class=\"axis\" d=\"M{LEFT},{TOP}V{BOTTOM}H{RIGHT}\"/>",
        escaped(title)
    );
    for (amount, at) in [(most, TOP), (least, BOTTOM)] {
        let _ =
            write!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", LEFT - 6.0, at + 4.0, dollars(amount));
    }
    for (hours, word) in [(-12, "12 h ago"), (-6, "6 h ago"), (0, "now"), (6, "in 6 h"), (12, "in 12 h")] {
        let at = x(now_ms + hours * HALF_MS / 12);
        let anchor = if hours == 12 { "end" } else { "middle" };
        let _ = write!(out, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{word}</text>", BOTTOM + 18.0);
    }
    let _ = write!(out, "<path class=\"now\" d=\"M{:.1},{TOP}V{BOTTOM}\"/>", x(now_ms));
    for (class, line) in [("plan", &planned), ("spent", &spends)] {
        let points: Vec<String> = line.iter().map(|(at, amount)| format!("{:.1},{:.1}", x(*at), y(amount.0))).collect();
        let _ = write!(out, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }
    let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#c05621\"/>", x(now_ms), y(spent.0));
    let legend = BOTTOM + 38.0;
    let _ = write!(
        out,
        "<path class=\"plan\" d=\"M{LEFT},{0}h40\"/><text x=\"{1}\" y=\"{2}\">planned (USD)</text>\
         <path class=\"spent\" d=\"M{3},{0}h40\"/><text x=\"{4}\" y=\"{2}\">spent (USD)</text></svg>",
        legend - 4.0,
        LEFT + 48.0,
        legend,
        LEFT + 190.0,
        LEFT + 238.0
    );
    out
}

/// For people: to the cent.
fn dollars(amount: i64) -> String {
    format!("{:.2}", amount as f64 / 1e9)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use campaign::{Flight, Pacing};
    use region::Plan;

    use super::*;

    #[test]
    fn a_day_is_drawn_whatever_there_is_of_it() {
        let now_ms = 100 * HALF_MS;
        let flight = Flight { starts_ms: now_ms - HALF_MS / 2, ends_ms: now_ms + 3 * HALF_MS };
        let plan = Plan { budget: Nanos(250_000_000_000), flight, pacing: Pacing::Even, hours: None, strict: false };
        let course = Course::of(plan);
        let noted: Vec<Point> = (0..24)
            .map(|at| {
                let at_ms = now_ms - HALF_MS / 2 + at * HALF_MS / 48;
                Point { at_ms, planned: course.planned(at_ms), spent: Nanos(course.planned(at_ms).0 * 9 / 10) }
            })
            .collect();
        let drawn = chart("a <b> & \"c\"", now_ms, Some(&course), &noted, Nanos(30_000_000_000));
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>"));
        assert!(drawn.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !drawn.contains("<b>"));
        assert_eq!(drawn.matches("<polyline").count(), 2);
        let nothing = chart("", now_ms, None, &[], Nanos(0));
        assert!(!nothing.contains("NaN") && !nothing.contains("inf"), "{nothing}");
    }
}
