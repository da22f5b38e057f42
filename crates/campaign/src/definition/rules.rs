//! From the text of a campaign's rules to their values.

use std::fmt::Display;
use std::str::FromStr;

use toml::Spanned;

use super::table::{CampaignTable, RulesTable};
use crate::targeting::{Dimension as D, Rules, Side, Targeting, Texts};
use crate::{Flaw, Place};

/// The rules of a campaign, if it has any.
pub(super) fn targeting(table: &CampaignTable) -> Result<Option<Box<Targeting>>, Flaw> {
    if table.include.is_none() && table.exclude.is_none() && table.utc_offset.is_none() {
        return Ok(None);
    }
    let of = |side, table: &Option<Spanned<RulesTable>>| match table {
        Some(table) => rules(side, table.get_ref()),
        None => Ok(Rules::default()),
    };
    let utc_offset = table.utc_offset.as_ref().map(|text| parse(text, Place::UtcOffset)).transpose()?;
    let (include, exclude) = (of(Side::Include, &table.include)?, of(Side::Exclude, &table.exclude)?);
    Ok(Some(Box::new(Targeting { include, exclude, utc_offset })))
}

fn rules(side: Side, table: &RulesTable) -> Result<Rules, Flaw> {
    let texts =
        |dimension| -> Vec<String> { table.values(dimension).iter().map(|value| value.get_ref().clone()).collect() };
    let packed = |dimension| -> Texts { table.values(dimension).iter().map(Spanned::get_ref).collect() };
    Ok(Rules {
        exchanges: texts(D::Exchanges),
        regions: parsed(table, side, D::Regions)?,
        cities: texts(D::Cities),
        within: parsed(table, side, D::Within)?,
        inventory: parsed(table, side, D::Inventory)?,
        domains: packed(D::Domains),
        bundles: packed(D::Bundles),
        sites: texts(D::Sites),
        apps: texts(D::Apps),
        publishers: texts(D::Publishers),
        content_categories: texts(D::ContentCategories),
        devices: parsed(table, side, D::Devices)?,
        os: parsed(table, side, D::Os)?,
        connections: parsed(table, side, D::Connections)?,
        carriers: texts(D::Carriers),
        languages: parsed(table, side, D::Languages)?,
        formats: parsed(table, side, D::Formats)?,
        deals: texts(D::Deals),
        segments: texts(D::Segments),
        hours: parsed(table, side, D::Hours)?,
    })
}

fn parsed<T: FromStr<Err: Display>>(table: &RulesTable, side: Side, dimension: D) -> Result<Vec<T>, Flaw> {
    let values = table.values(dimension).iter().enumerate();
    values.map(|(at, value)| parse(value, Place::Rule(side, dimension, at))).collect()
}

fn parse<T: FromStr<Err: Display>>(text: &Spanned<String>, place: Place) -> Result<T, Flaw> {
    text.get_ref().parse().map_err(|error: T::Err| Flaw { place, advice: error.to_string() })
}
