//! The URLs under which an exchange reports what became of a bid.
//!
//! One place writes them and names their parts, so that the listener and the bids cannot disagree. The token stands in the path;
//! what the exchange substitutes stands outside of it, in the query.

/// First segment of the path of a win notice (`nurl`).
pub const WIN_PATH: &str = "/win/";
/// First segment of the path of a billing notice (`burl`).
pub const BILLING_PATH: &str = "/billing/";
/// First segment of the path of a loss notice (`lurl`).
pub const LOSS_PATH: &str = "/loss/";
/// Query parameter with the clearing price.
pub const PRICE_PARAM: &str = "price";
/// Query parameter with the currency of that price.
pub const CURRENCY_PARAM: &str = "cur";
/// Query parameter with OpenRTB's loss reason.
pub const LOSS_PARAM: &str = "loss";
/// Query parameter with the least price that would have won.
pub const MIN_TO_WIN_PARAM: &str = "mtw";

/// The three URLs of one bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeUrls {
    /// Called when the bid wins.
    pub nurl: String,
    /// Called when it is to be paid.
    pub burl: String,
    /// Called when it loses.
    pub lurl: String,
}

impl NoticeUrls {
    /// The URLs of a bid with `token`, below `base` (scheme and authority, without a final slash).
    ///
    /// # Examples
    ///
    /// ```
    /// let urls = exchange::NoticeUrls::new("https://n.example", "TOKEN");
    /// assert_eq!(urls.burl, "https://n.example/billing/TOKEN?price=${AUCTION_PRICE}&cur=${AUCTION_CURRENCY}");
    /// ```
    #[must_use]
    pub fn new(base: &str, token: &str) -> Self {
        Self { nurl: Self::win(base, token), burl: Self::billing(base, token), lurl: Self::loss(base, token) }
    }

    pub(crate) fn win(base: &str, token: &str) -> String {
        let currency = [CURRENCY_PARAM, "=${AUCTION_CURRENCY}"];
        url(base, WIN_PATH, token, &[&currency, &[MIN_TO_WIN_PARAM, "=${AUCTION_MIN_TO_WIN}"]])
    }

    pub(crate) fn billing(base: &str, token: &str) -> String {
        url(base, BILLING_PATH, token, &[&[CURRENCY_PARAM, "=${AUCTION_CURRENCY}"]])
    }

    pub(crate) fn loss(base: &str, token: &str) -> String {
        let loss = [LOSS_PARAM, "=${AUCTION_LOSS}"];
        url(base, LOSS_PATH, token, &[&loss, &[MIN_TO_WIN_PARAM, "=${AUCTION_MIN_TO_WIN}"]])
    }

    /// An image that calls the billing notice when the markup is shown.
    ///
    /// # Examples
    ///
    /// ```
    /// let tracker = exchange::NoticeUrls::new("https://n.example", "TOKEN").tracker();
    /// assert!(tracker.starts_with("<img src=\"https://n.example/billing/TOKEN?price=${AUCTION_PRICE}&amp;cur="));
    /// ```
    #[must_use]
    pub fn tracker(&self) -> String {
        tracker(&self.burl)
    }
}

/// Written piece by piece into one allocation: formatting costs several times as much, three times a bid.
fn url(base: &str, path: &str, token: &str, params: &[&[&str; 2]]) -> String {
    let mut url = String::with_capacity(base.len() + path.len() + token.len() + 96);
    [base, path, token, "?", PRICE_PARAM, "=${AUCTION_PRICE}"].into_iter().for_each(|piece| url.push_str(piece));
    for [name, value] in params {
        ["&", name, value].into_iter().for_each(|piece| url.push_str(piece));
    }
    url
}

/// See [`NoticeUrls::tracker`].
pub(crate) fn tracker(burl: &str) -> String {
    let url = burl.replace('&', "&amp;");
    format!("<img src=\"{url}\" width=\"1\" height=\"1\" alt=\"\" style=\"display:none\">")
}
