//! An exchange's answer to "why no bid?": a request, explained to the last campaign.
//!
//! Never on the bid path, and never with a change to anything but a campaign whose evaluation panics: that is charged to it
//! here too.

use campaign::actors::CampaignView;
use campaign::{CampaignsHandle, Country};
use tokio::time::Instant;

use crate::decision::{DecisionView, ImpExplanation, NoMoney, explain_request};
use crate::{ExchangePort, NoBidReason};

/// How long an explanation may take, as far as its rules ask.
const TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation {
    /// It is no bid request: 400, of this kind.
    Malformed(&'static str),
    /// Nobody may bid on it, whoever they are.
    NoBid(NoBidReason),
    /// What becomes of each imp, in the region of this name.
    Imps(String, Vec<ImpExplanation>),
}

impl ExchangePort {
    /// Explains what this exchange would make of a body, campaign by campaign: the first reason of each.
    ///
    /// Takes some microseconds a campaign, and holds no money.
    #[must_use]
    pub fn explain(&self, body: &[u8], campaigns: &CampaignsHandle) -> Explanation {
        self.explain_to(body, &campaigns.views())
    }

    /// As [`explain`](Self::explain), to campaigns that somebody has looked up.
    pub(crate) fn explain_to(&self, body: &[u8], campaigns: &[CampaignView]) -> Explanation {
        let request = match openrtb::parse_request(body) {
            Ok(request) => request,
            Err(malformed) => return Explanation::Malformed(malformed.kind.label()),
        };
        let validity = match openrtb::validity(&request) {
            Ok(validity) => validity,
            Err(invalid) => return Explanation::Malformed(invalid.kind().label()),
        };
        let settings = &self.settings;
        let country = request.country().and_then(|country| Country::parse(country.as_str()));
        let Some((region, country)) = settings.place(country) else {
            return Explanation::NoBid(NoBidReason::UnservedCountry);
        };
        let Some(index) = settings.index.read() else { return Explanation::NoBid(NoBidReason::NoIndex) };
        let view = DecisionView {
            exchange: &settings.exchange,
            dialect: &settings.dialect,
            index: &index,
            rates: &settings.rates,
            country,
            region,
            purse: &NoMoney,
            cap_keys: &settings.cap_keys,
            now_ms: settings.clock.now_ms(),
            deadline: Instant::now() + TIME,
        };
        match explain_request(&request, &validity, &view, campaigns) {
            Ok(imps) => Explanation::Imps(settings.territories[region].port.name().to_string(), imps),
            Err(reason) => Explanation::NoBid(reason),
        }
    }
}
