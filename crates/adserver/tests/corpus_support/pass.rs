//! One pass of one file over one exchange: every reply looked at, and counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use money::Rates;
use simulator::{Replayed, RequestView, judge};

use super::{Exchange, tmax};

/// Less time than this after the margin, and a request is answered at once: nobody could keep it.
const TIME_LEFT_MIN: Duration = Duration::from_millis(5);

/// A request whose answer was late is sent again alone, this often: the machine may have stood still.
const ALONE_MAX: usize = 2;

/// What became of the requests of a pass.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// By status; 0 is no answer.
    pub(crate) statuses: BTreeMap<u16, usize>,
    /// Of the no-bids, by reason.
    pub(crate) reasons: BTreeMap<String, usize>,
    /// Numbers of the lines bid on, from 1.
    pub(crate) bid_on: Vec<usize>,
    /// Answers that came in time only when sent alone.
    pub(crate) in_time_alone: usize,
    /// The longest time to an answer.
    pub(crate) slowest: Duration,
    /// What must not be, in words.
    pub(crate) complaints: Vec<String>,
}

impl Counts {
    pub(crate) fn status(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or(0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, count) in &self.statuses {
            write!(f, " {status}: {count}")?;
        }
        write!(
            f,
            ", slowest {:?}, in time only alone: {}, no-bids {:?}",
            self.slowest, self.in_time_alone, self.reasons
        )
    }
}

/// A file's lines, as they are sent to one exchange.
pub(crate) struct Pass<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) rates: &'a Rates,
    /// What the file is called in complaints.
    pub(crate) name: &'a str,
}

impl Pass<'_> {
    /// Sends every line and looks at every reply.
    pub(crate) fn run<L: AsRef<[u8]>>(&self, lines: &[L]) -> Counts {
        let mut counts = Counts::default();
        let bodies: Vec<&[u8]> = lines.iter().map(AsRef::as_ref).collect();
        let (replies, tally) = self.exchange.send(&bodies);
        for (line, reply) in bodies.iter().zip(&replies) {
            self.look(line, reply, &mut counts);
        }
        if (tally.lost(), tally.closed_by_server(), tally.refused) != (0, 0, 0) {
            counts.complaints.push(format!("{} {}: {tally:?}", self.exchange.name, self.name));
        }
        counts
    }

    fn look(&self, line: &[u8], reply: &Replayed, counts: &mut Counts) {
        let number = reply.index + 1;
        let mut complain = |what: String| counts.complaints.push(format!("{} line {number}: {what}", self.name));
        let status = reply.status().unwrap_or(0);
        if !matches!(status, 200 | 204 | 400) {
            complain(format!("{:?}", reply.outcome));
        }
        if status == 200 {
            self.judge(line, reply).into_iter().for_each(&mut complain);
            counts.bid_on.push(number);
        }
        let deadline = self.deadline(line);
        if deadline < reply.took {
            let again = (0..ALONE_MAX).map(|_| self.exchange.send_alone(line).took).min().unwrap_or(reply.took);
            if deadline < again {
                complain(format!("answered after {:?} and {again:?}, and {deadline:?} were given", reply.took));
            } else {
                counts.in_time_alone += 1;
            }
        }
        if let Some(reason) = reply.answer().and_then(|answer| answer.no_bid_reason()) {
            *counts.reasons.entry(reason.to_owned()).or_default() += 1;
        }
        *counts.statuses.entry(status).or_default() += 1;
        counts.slowest = counts.slowest.max(reply.took);
    }

    /// What the validator has against a reply; the imps that it finds biddable are those that break no MUST.
    fn judge(&self, line: &[u8], reply: &Replayed) -> Vec<String> {
        let Some(view) = RequestView::read(line) else { return vec!["bid on what is no object".to_owned()] };
        let body = match reply.answer().map(|answer| answer.plain_body()) {
            Some(Ok(body)) => body,
            other => return vec![format!("no body: {other:?}")],
        };
        let verdict = judge(&view, &body, self.rates);
        verdict.violations().map(|violation| format!("{violation:?} in {}", String::from_utf8_lossy(&body))).collect()
    }

    /// How long an answer may take. What nobody can keep is answered at once, for which the exchange's own time counts.
    fn deadline(&self, line: &[u8]) -> Duration {
        let given = std::str::from_utf8(line).ok().and_then(tmax).map(Duration::from_millis);
        let given = given.filter(|given| self.exchange.margin + TIME_LEFT_MIN <= *given);
        given.unwrap_or(self.exchange.tmax)
    }
}
