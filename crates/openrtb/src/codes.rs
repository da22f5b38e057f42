//! Codes that bidder and exchange tell each other: why there is no bid, and why a bid lost.
//!
//! Sources: OpenRTB 3.0, "No-Bid Reason Codes" and "Loss Reason Codes", which 2.6 refers to.

/// Declares a code with its named values.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$code_meta:meta])* $constant:ident = $code:literal, $label:literal; )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            $( $(#[$code_meta])* pub const $constant: Self = Self($code); )*

            /// The code.
            #[must_use]
            pub const fn code(self) -> u16 {
                self.0
            }

            /// The meaning in words, as a label for a metric; codes from 500 on are the exchange's own.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self.0 {
                    $( $code => $label, )*
                    500.. => "exchange_specific",
                    _ => "unassigned",
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

codes! {
    /// Why there is no bid (`BidResponse.nbr`). The standard has no code for "no campaign matches" or "below floor".
    Nbr {
        /// Unknown.
        UNKNOWN = 0, "unknown";
        /// Technical error.
        TECHNICAL_ERROR = 1, "technical_error";
        /// Invalid request.
        INVALID_REQUEST = 2, "invalid_request";
        /// Known crawler.
        KNOWN_CRAWLER = 3, "known_crawler";
        /// Suspected non-human traffic.
        SUSPECTED_NON_HUMAN = 4, "suspected_non_human";
        /// Address of a cloud, data centre or proxy.
        DATA_CENTER_IP = 5, "data_center_ip";
        /// Unsupported device.
        UNSUPPORTED_DEVICE = 6, "unsupported_device";
        /// Blocked publisher or site.
        BLOCKED_PUBLISHER = 7, "blocked_publisher";
        /// Unmatched user.
        UNMATCHED_USER = 8, "unmatched_user";
        /// Daily cap of the user met.
        DAILY_USER_CAP = 9, "daily_user_cap";
        /// Daily cap of the domain met.
        DAILY_DOMAIN_CAP = 10, "daily_domain_cap";
        /// ads.txt unavailable.
        ADS_TXT_UNAVAILABLE = 11, "ads_txt_unavailable";
        /// ads.txt violation.
        ADS_TXT_VIOLATION = 12, "ads_txt_violation";
        /// ads.cert unavailable.
        ADS_CERT_UNAVAILABLE = 13, "ads_cert_unavailable";
        /// ads.cert violation.
        ADS_CERT_VIOLATION = 14, "ads_cert_violation";
        /// Not enough time left.
        INSUFFICIENT_TIME = 15, "insufficient_time";
        /// Incomplete supply chain.
        INCOMPLETE_SCHAIN = 16, "incomplete_schain";
        /// Blocked node in the supply chain.
        BLOCKED_SCHAIN_NODE = 17, "blocked_schain_node";
    }
}

codes! {
    /// Why a bid lost (`${AUCTION_LOSS}`).
    LossReason {
        /// It won.
        WON = 0, "won";
        /// Internal error of the exchange.
        INTERNAL = 1, "internal";
        /// The impression expired.
        EXPIRED = 2, "expired";
        /// Invalid response.
        INVALID_RESPONSE = 3, "invalid_response";
        /// Invalid deal.
        INVALID_DEAL = 4, "invalid_deal";
        /// Invalid auction id.
        INVALID_AUCTION_ID = 5, "invalid_auction_id";
        /// Invalid advertiser domain.
        INVALID_ADOMAIN = 6, "invalid_adomain";
        /// Missing markup.
        MISSING_MARKUP = 7, "missing_markup";
        /// Missing creative id.
        MISSING_CRID = 8, "missing_crid";
        /// Missing price.
        MISSING_PRICE = 9, "missing_price";
        /// Missing data to approve the creative.
        MISSING_APPROVAL_DATA = 10, "missing_approval_data";
        /// Below the floor.
        BELOW_FLOOR = 100, "below_floor";
        /// Below the floor of the deal.
        BELOW_DEAL_FLOOR = 101, "below_deal_floor";
        /// Lost to a higher bid.
        OUTBID = 102, "outbid";
        /// Lost to a bid on a deal.
        LOST_TO_DEAL = 103, "lost_to_deal";
        /// Seat blocked.
        SEAT_BLOCKED = 104, "seat_blocked";
        /// Creative filtered.
        CREATIVE_FILTERED = 200, "creative_filtered";
        /// Creative not yet approved.
        CREATIVE_PENDING = 201, "creative_pending";
        /// Creative disapproved.
        CREATIVE_DISAPPROVED = 202, "creative_disapproved";
        /// Size not allowed.
        SIZE = 203, "size";
        /// Format not allowed.
        FORMAT = 204, "format";
        /// Advertiser excluded.
        ADVERTISER_EXCLUDED = 205, "advertiser_excluded";
        /// App store id excluded.
        APP_EXCLUDED = 206, "app_excluded";
        /// Not secure.
        NOT_SECURE = 207, "not_secure";
        /// Language excluded.
        LANGUAGE = 208, "language";
        /// Category excluded.
        CATEGORY = 209, "category";
        /// Attribute excluded.
        ATTRIBUTE = 210, "attribute";
        /// Ad type excluded.
        AD_TYPE = 211, "ad_type";
        /// Animation too long.
        ANIMATION_TOO_LONG = 212, "animation_too_long";
        /// Not allowed in the deal.
        NOT_IN_DEAL = 213, "not_in_deal";
        /// SKAdNetwork data missing or wrong.
        SKADNETWORK = 214, "skadnetwork";
        /// App bundle excluded.
        APP_BUNDLE = 215, "app_bundle";
    }
}
