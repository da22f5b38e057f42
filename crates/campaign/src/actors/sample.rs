//! One sound campaign, for the tests of this module. Never outside of them.

use crate::{Campaign, parse_campaigns};

const TEXT: &str = r#"
[[campaign]]
id = 7
name = "seven"
advertiser_domain = "seven.example"
budget = "9"
bid_cpm = "1"
starts = 2026-09-01
ends = 2026-09-30
countries = ["SG"]

[[campaign.creative]]
id = 70
sizes = ["300x250"]
markup = "<b>seven</b>"
"#;

pub(super) fn seven() -> Campaign {
    parse_campaigns(TEXT).expect("sound").remove(0)
}
