//! From the text of a file to checked campaigns.
//!
//! Promises campaigns that [`Campaign::check`] accepts and whose ids are unique. Never opens a file.

use std::sync::Arc;

use money::{Cpm, Nanos};
use toml::Spanned;

use super::file::read_campaigns;
use super::locate::warning;
use super::pieces::{Piece, pieces};
use super::rules::targeting;
use super::scalar::{Amount, DayEnd};
use super::table::{CampaignTable, CreativeTable, FileTable, PacingName, Values};
use super::{CampaignError, CampaignWarning};
use crate::cap::{Cap, ParseCapError};
use crate::parallel;
use crate::targeting::{Language, ParseRuleError};
use crate::technology::{Apis, BannerTypes, Mimes, Technology};
use crate::{
    Advertised, Campaign, CampaignId, CapWindow, Caps, Country, Creative, CreativeId, Flaw, Flight, HourWeight, Pacing,
    Place, Size,
};

/// Reads the `[[campaign]]` tables of a TOML text.
///
/// # Examples
///
/// ```
/// let campaigns = campaign::parse_campaigns(r#"
/// [[campaign]]
/// id = 1
/// name = "Kopi and kaya toast"
/// advertiser_domain = "kopi.example"
/// budget = "250.00"            # USD for the whole flight
/// bid_cpm = "1.20"             # USD for 1000 impressions
/// starts = 2026-09-01          # a day of UTC, or a moment with its offset
/// ends = 2026-09-30            # through this day
/// countries = ["SG"]
///
/// [[campaign.creative]]
/// id = 101
/// w = 300
/// h = 250
/// markup = "<a href='https://kopi.example'><img src='https://cdn.kopi.example/1.png'></a>"
/// "#)?;
/// assert_eq!(campaigns[0].budget, money::Nanos(250_000_000_000));
/// # Ok::<(), campaign::CampaignError>(())
/// ```
///
/// # Errors
///
/// The first flaw in the text, with its line and what to do.
pub fn parse_campaigns(text: &str) -> Result<Vec<Campaign>, CampaignError> {
    parse_every_campaign(text).map_err(|mut errors| errors.swap_remove(0))
}

/// As [`parse_campaigns`], and tells all flaws at once, in the order of the text.
///
/// A flaw may hide others of the same value, of the same side of the targeting or of the same creative; a text that is no
/// TOML, or has a key that is missing, unknown or of another type, is not read beyond that.
///
/// # Errors
///
/// Every flaw, at least one.
pub fn parse_every_campaign(text: &str) -> Result<Vec<Campaign>, Vec<CampaignError>> {
    parse_with(text, |_| Vec::new())
}

/// As [`parse_every_campaign`], for a process that has these exchanges: a campaign that bids on another one, or that keeps away
/// from another one, has a flaw.
///
/// # Errors
///
/// Every flaw, at least one.
pub fn parse_campaigns_for(text: &str, exchanges: &[String]) -> Result<Vec<Campaign>, Vec<CampaignError>> {
    parse_with(text, |campaign| campaign.unknown_exchanges(exchanges))
}

/// Reads campaigns, and finds in each what `more` has against it.
fn parse_with(text: &str, more: impl Fn(&Campaign) -> Vec<Flaw> + Sync) -> Result<Vec<Campaign>, Vec<CampaignError>> {
    let read = read_campaigns(text, |_| None, more, |_| ())?;
    let alone = |campaign| Arc::try_unwrap(campaign).unwrap_or_else(|shared| Campaign::clone(&shared));
    Ok(read.into_iter().filter_map(|campaign| Some(alone(campaign.read?.0))).collect())
}

/// What is sound in a text and hardly meant, in the order of the text; nothing of a text that has errors.
///
/// # Examples
///
/// ```
/// # let text = r#"
/// # [[campaign]]
/// # id = 1
/// # name = "Kopi"
/// # advertiser_domain = "kopi.example"
/// # budget = "250.00"
/// # bid_cpm = "1.20"
/// # starts = 2026-09-01
/// # ends = 2026-09-30
/// # countries = ["SG"]
/// # utc_offset = "+08:00"
/// # hour_weights = ["mon-fri 0-24: 2", "mon-sun 0-24: 3", "sat 8-9: 1"]
/// # [[campaign.creative]]
/// # id = 101
/// # w = 300
/// # h = 250
/// # markup = "<a href='https://kopi.example'>kopi</a>"
/// # "#;
/// // hour_weights = ["mon-fri 0-24: 2", "mon-sun 0-24: 3", "sat 8-9: 1"]
/// let warnings = campaign::campaign_warnings(text);
/// assert!(warnings[0].to_string().contains("later lines name all its hours"));
/// ```
#[must_use]
pub fn campaign_warnings(text: &str) -> Vec<CampaignWarning> {
    let of_table = |piece: &Piece<'_>, table: &Spanned<CampaignTable>| {
        let remarks = campaign(table.get_ref()).map(|campaign| campaign.remarks()).unwrap_or_default();
        remarks.into_iter().map(|remark| warning(piece, table, remark)).collect::<Vec<_>>()
    };
    let of_piece = |piece: &Piece<'_>| {
        let file = toml::from_str::<FileTable>(piece.text).ok()?;
        Some(file.campaign.iter().flat_map(|table| of_table(piece, table)).collect::<Vec<_>>())
    };
    let found: Option<Vec<_>> = parallel::map(&pieces(text).collect::<Vec<_>>(), of_piece).into_iter().collect();
    found.unwrap_or_default().into_iter().flatten().collect()
}

pub(super) fn campaign(table: &CampaignTable) -> Result<Campaign, Flaw> {
    let flaw = |place| move |advice| Flaw { place, advice };
    let countries = table.countries.get_ref().iter().enumerate().map(|(index, code)| {
        let code = code.get_ref();
        Country::parse(code).ok_or_else(|| {
            let advice = format!("{code:?} is no country: write its ISO 3166-1 code, such as \"SG\" or \"SGP\"");
            Flaw { place: Place::Country(index), advice }
        })
    });
    let creatives = table.creative.iter().enumerate().map(|(index, table)| creative(index, table.get_ref()));
    Ok(Campaign {
        id: CampaignId(*table.id.get_ref()),
        name: table.name.get_ref().clone(),
        budget: amount::<Nanos>(&table.budget, Place::Budget)?,
        bid_cpm: amount::<Cpm>(&table.bid_cpm, Place::BidCpm)?,
        flight: Flight {
            starts_ms: table.starts.get_ref().to_ms(DayEnd::First).map_err(flaw(Place::Starts))?,
            ends_ms: table.ends.get_ref().to_ms(DayEnd::Last).map_err(flaw(Place::Ends))?,
        },
        pacing: match table.pacing.as_ref().map(|name| *name.get_ref()) {
            // Who weighs the hours has said how they differ.
            None if table.hour_weights.as_ref().is_none_or(|lines| lines.get_ref().is_empty()) => Pacing::Supply,
            Some(PacingName::Supply) => Pacing::Supply,
            None | Some(PacingName::Even) => Pacing::Even,
            Some(PacingName::Asap) => Pacing::Asap,
        },
        hour_weights: hour_weights(table)?,
        strict_budget: table.strict_budget.as_ref().is_some_and(|strict| *strict.get_ref()),
        shading: table.shading.as_ref().is_none_or(|shading| *shading.get_ref()),
        bid_on_uncounted_users: table.bid_on_uncounted_users.as_ref().is_some_and(|bid| *bid.get_ref()),
        countries: countries.collect::<Result<_, _>>()?,
        exchanges: plain(&table.exchanges),
        targeting: targeting(table)?,
        categories: plain(&table.categories),
        advertiser_domain: table.advertiser_domain.get_ref().clone(),
        advertises: advertised(table)?,
        caps: campaign_caps(table)?,
        creatives: creatives.collect::<Result<_, _>>()?,
    })
}

/// What is said of it, if anything.
fn advertised(table: &CampaignTable) -> Result<Option<Box<Advertised>>, Flaw> {
    if table.advertised_app.is_none() && table.language.is_none() {
        return Ok(None);
    }
    let parse = |text: &Spanned<String>| {
        let flaw = |error: ParseRuleError| Flaw { place: Place::Language, advice: error.to_string() };
        text.get_ref().parse::<Language>().map_err(flaw)
    };
    let app = table.advertised_app.as_ref().map(|app| app.get_ref().as_str().into());
    Ok(Some(Box::new(Advertised { app, language: table.language.as_ref().map(parse).transpose()? })))
}

fn hour_weights(table: &CampaignTable) -> Result<Vec<HourWeight>, Flaw> {
    let lines = table.hour_weights.as_ref().map_or(&[][..], |lines| lines.get_ref());
    let line = |(at, text): (usize, &Spanned<String>)| {
        let parsed = text.get_ref().parse();
        parsed.map_err(|error: crate::ParseHourWeightError| Flaw {
            place: Place::HourWeight(at),
            advice: error.to_string(),
        })
    };
    lines.iter().enumerate().map(line).collect()
}

/// `caps`, or `cap_per_user_per_day`, the short form of the most usual one.
fn campaign_caps(table: &CampaignTable) -> Result<Caps, Flaw> {
    let listed = table.caps.as_ref().map_or(Ok(Caps::NONE), |list| caps(list.get_ref(), Place::Cap))?;
    let Some(per_day) = table.cap_per_user_per_day.as_ref().map(|cap| *cap.get_ref()) else { return Ok(listed) };
    let place = Place::CapPerUserPerDay;
    if listed.max_per(CapWindow::Day).is_some() {
        return Err(Flaw { place, advice: "caps says how often per day as well: remove one of the two".into() });
    }
    let cap: Cap = format!("{per_day} per day").parse().map_err(|error: ParseCapError| {
        let advice = error.to_string();
        Flaw { place, advice }
    })?;
    Ok(listed.with(cap.window, cap.max))
}

/// A list of caps, one for each window.
fn caps(list: &Values, place: impl Fn(usize) -> Place) -> Result<Caps, Flaw> {
    let mut caps = Caps::NONE;
    for (at, text) in list.iter().enumerate() {
        let flaw = |advice| Flaw { place: place(at), advice };
        let cap: Cap = text.get_ref().parse().map_err(|error: ParseCapError| flaw(error.to_string()))?;
        if caps.max_per(cap.window).is_some() {
            return Err(flaw(format!("how often per {} stands twice: remove one", cap.window)));
        }
        caps = caps.with(cap.window, cap.max);
    }
    Ok(caps)
}

fn creative(index: usize, table: &CreativeTable) -> Result<Creative, Flaw> {
    let sizes = match (&table.w, &table.h, &table.sizes) {
        (Some(w), Some(h), None) => vec![Size::new(*w.get_ref(), *h.get_ref())],
        (None, None, Some(sizes)) => {
            let parsed = sizes.get_ref().iter().enumerate().map(|(at, size)| {
                let place = Place::CreativeSize(index, at);
                size.get_ref().parse().map_err(|error: crate::ParseSizeError| Flaw { place, advice: error.to_string() })
            });
            parsed.collect::<Result<_, _>>()?
        }
        _ => {
            let advice = "write either w and h, or sizes = [\"300x250\", \"320x50\"]".to_owned();
            return Err(Flaw { place: Place::CreativeSizes(index), advice });
        }
    };
    Ok(Creative {
        id: CreativeId(*table.id.get_ref()),
        sizes,
        markup: table.markup.get_ref().clone(),
        // HTTPS is what the web serves: a creative that needs HTTP says so.
        secure: table.secure.as_ref().is_none_or(|secure| *secure.get_ref()),
        caps: table
            .caps
            .as_ref()
            .map_or(Ok(Caps::NONE), |list| caps(list.get_ref(), |at| Place::CreativeCap(index, at)))?,
        attributes: plain(&table.attributes),
        technology: technology(index, table)?,
    })
}

fn technology(index: usize, table: &CreativeTable) -> Result<Technology, Flaw> {
    let CreativeTable { banner_types, mimes, apis, .. } = table;
    Ok(Technology {
        banner_types: named(banner_types, BannerTypes::with, BannerTypes::names(), |at| {
            (Place::CreativeBannerType(index, at), "kind of banner")
        })?,
        mimes: named(mimes, Mimes::with, Mimes::names(), |at| (Place::CreativeMime(index, at), "known content type"))?,
        apis: named(apis, Apis::with, Apis::names(), |at| (Place::CreativeApi(index, at), "framework for banners"))?,
    })
}

/// A set of names, each of which stands once.
fn named<T: Default + Copy + PartialEq>(
    list: &Values,
    with: fn(T, &str) -> Option<T>,
    mut known: impl Iterator<Item = &'static str>,
    place: impl Fn(usize) -> (Place, &'static str),
) -> Result<T, Flaw> {
    list.iter().enumerate().try_fold(T::default(), |set, (at, name)| {
        let ((place, what), name) = (place(at), name.get_ref());
        match with(set, name) {
            Some(more) if more == set => Err(Flaw { place, advice: format!("{name:?} stands twice: remove one") }),
            Some(more) => Ok(more),
            None => {
                let known: Vec<_> = known.by_ref().collect();
                Err(Flaw { place, advice: format!("{name:?} is no {what}: write one of {}", known.join(", ")) })
            }
        }
    })
}

fn amount<T: std::str::FromStr<Err = money::ParseMoneyError>>(
    value: &Spanned<Amount>,
    place: Place,
) -> Result<T, Flaw> {
    let Amount(text) = value.get_ref();
    text.parse().map_err(|error| Flaw { place, advice: format!("{text:?}: {error}") })
}

fn plain<T: Clone>(values: &[Spanned<T>]) -> Vec<T> {
    values.iter().map(|value| value.get_ref().clone()).collect()
}
