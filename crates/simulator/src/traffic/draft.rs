//! One request, drawn and written member by member.

use std::fmt::Write;
use std::time::Duration;

use money::{Cpm, Currency};

use super::devices::{COMPUTERS, Model, PHONES};
use super::generator::{GeneratedRequest, TrafficMix};
use super::inventory::{APPS, BLOCKED_ADVERTISERS, BLOCKED_CATEGORIES, COMPUTER_SIZES, PHONE_SIZES, Property, SITES};
use super::market::Market;
use crate::dialect::{Dialect, FieldAge};
use crate::{Dice, json};

/// One request in the making.
pub(super) struct Draft<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) mix: &'a TrafficMix,
    pub(super) dice: Dice,
}

impl Draft<'_> {
    pub(super) fn write(&mut self) -> GeneratedRequest {
        let market = if self.mix.markets.is_empty() { Market::Singapore } else { *self.dice.pick(&self.mix.markets) };
        let is_app = self.dice.chance(self.mix.app_per_mille);
        let on_phone = is_app || self.dice.chance(500);
        let model = *if on_phone { self.dice.pick(&PHONES) } else { self.dice.pick(&COMPUTERS) };
        let property = *if is_app { self.dice.pick(&APPS) } else { self.dice.pick(&SITES) };
        let id = self.dice.uuid();
        let (tmax_low, tmax_high) = (*self.dialect.tmax_ms.start(), *self.dialect.tmax_ms.end());
        let tmax_ms = self.dice.between(i64::from(tmax_low), i64::from(tmax_high));

        let mut text = String::with_capacity(2048);
        let _ = write!(text, r#"{{"id":"{id}","imp":["#);
        let imps = if self.dice.chance(self.mix.multi_imp_per_mille) { self.dice.between(2, 3) } else { 1 };
        for number in 1..=imps {
            if number > 1 {
                text.push(',');
            }
            self.imp(&mut text, number, market, on_phone, is_app);
        }
        text.push_str("],");
        self.property(&mut text, &property, is_app);
        let limited = self.device(&mut text, market, &model);
        self.user(&mut text, limited);
        self.terms(&mut text, market, tmax_ms);
        text.push('}');
        let tmax = Duration::from_millis(tmax_ms.unsigned_abs());
        GeneratedRequest { id, market, tmax, json: text.into_bytes() }
    }

    fn imp(&mut self, text: &mut String, number: i64, market: Market, on_phone: bool, is_app: bool) {
        let dice = &mut self.dice;
        let sizes = if on_phone { &PHONE_SIZES } else { &COMPUTER_SIZES };
        let first = dice.below(sizes.len() as u64) as usize;
        let (w, h) = sizes[first];
        let _ = write!(text, r#"{{"id":"{number}","banner":{{"format":[{{"w":{w},"h":{h}}}"#);
        if dice.chance(400) {
            let (w, h) = sizes[(first + 1) % sizes.len()];
            let _ = write!(text, r#",{{"w":{w},"h":{h}}}"#);
        }
        let _ = write!(
            text,
            r#"],"w":{w},"h":{h},"pos":{},"btype":[4],"battr":[1,8,17],"mimes":["image/jpeg","image/png","image/gif","text/html"],"api":[5,7],"topframe":1}}"#,
            dice.pick(&[1, 3, 7])
        );
        if is_app {
            text.push_str(r#","displaymanager":"ima-sdk","displaymanagerver":"afma-sdk-a-v24.7.0""#);
        }
        let _ = write!(text, r#","instl":{},"tagid":"{}""#, u8::from((w, h) == (320, 480)), dice.below(90_000_000));
        if !dice.chance(self.mix.no_floor_per_mille) {
            let (low, high) = self.mix.floor_usd;
            let usd = Cpm(dice.between(low.0, high.0));
            if dice.chance(300) {
                let local = Cpm(usd.0.saturating_mul(market.per_usd_thousandths()) / 1000);
                let _ = write!(text, r#","bidfloor":{},"bidfloorcur":"{}""#, cents(local), market.currency());
            } else if dice.chance(700) {
                let _ = write!(text, r#","bidfloor":{},"bidfloorcur":"USD""#, cents(usd));
            } else {
                let _ = write!(text, r#","bidfloor":{}"#, cents(usd));
            }
        }
        let secure = u8::from(dice.chance(self.mix.secure_per_mille));
        let _ = write!(text, r#","secure":{secure},"exp":300,"ext":{}}}"#, (self.dialect.imp_ext)(dice));
    }

    fn property(&mut self, text: &mut String, property: &Property, is_app: bool) {
        let dice = &mut self.dice;
        let cat = list(property.categories);
        let (name, domain, publisher) = (property.name, property.domain, dice.below(1_000_000));
        if is_app {
            let _ = write!(
                text,
                r#""app":{{"id":"{}","name":"{name}","bundle":"{}","domain":"{domain}","storeurl":"{}","cat":{cat},"ver":"4.{}.0","privacypolicy":1,"paid":0,"publisher":{{"id":"pub-{publisher}","name":"{name} Pte","domain":"{domain}"}}}},"#,
                dice.below(9_000_000),
                property.bundle,
                property.store_url,
                dice.below(40),
            );
        } else {
            let _ = write!(
                text,
                r#""site":{{"id":"{}","name":"{name}","domain":"{domain}","cat":{cat},"page":"https://{domain}/2026/{}/story-{}","ref":"https://search.example/?q={}","mobile":1,"privacypolicy":1,"publisher":{{"id":"pub-{publisher}","name":"{name}","domain":"{domain}"}},"content":{{"language":"en","cat":{cat}}}}},"#,
                dice.below(9_000_000),
                dice.between(1, 12),
                dice.below(1_000_000),
                dice.hex(8),
            );
        }
    }

    /// Writes the device and returns whether its user must not be followed.
    fn device(&mut self, text: &mut String, market: Market, model: &Model) -> bool {
        let dice = &mut self.dice;
        let (lmt, dnt) = (dice.chance(self.mix.lmt_per_mille), dice.chance(self.mix.dnt_per_mille));
        let country = self.dialect.country(market, dice);
        let (carrier, mccmnc) = dice.pick(market.carriers());
        let _ = write!(
            text,
            r#""device":{{"ua":"{}","geo":{},"dnt":{},"lmt":{},"ip":"{}""#,
            model.user_agent,
            market.geo(&country, dice),
            u8::from(dnt),
            u8::from(lmt),
            market.ipv4(dice),
        );
        if dice.chance(300) {
            let _ = write!(text, r#","ipv6":"{}""#, market.ipv6(dice));
        }
        let _ = write!(
            text,
            r#","devicetype":{},"make":"{}","model":"{}","os":"{}","osv":"{}","w":{},"h":{},"pxratio":2.75,"js":1,"language":"{}","carrier":"{carrier}","mccmnc":"{mccmnc}","connectiontype":{}"#,
            model.device_type,
            model.make,
            model.model,
            model.os,
            model.osv,
            model.w,
            model.h,
            dice.pick(market.languages()),
            dice.pick(&[2, 6, 7]),
        );
        if model.device_type != 2 {
            let ifa = if lmt { ZERO_IFA.to_owned() } else { user_uuid(dice.below(self.mix.users)) };
            let _ = write!(text, r#","ifa":"{ifa}""#);
        }
        text.push_str("},");
        lmt || dnt
    }

    fn user(&mut self, text: &mut String, limited: bool) {
        let dice = &mut self.dice;
        if limited {
            text.push_str(r#""user":{},"#);
            return;
        }
        let user = dice.below(self.mix.users);
        let _ = write!(text, r#""user":{{"id":"{}""#, user_uuid(user.wrapping_add(1 << 32)));
        if dice.chance(700) {
            let _ = write!(text, r#","buyeruid":"b-{user:x}""#);
        }
        if dice.chance(300) {
            let eids =
                format!(r#"[{{"source":"id.example","uids":[{{"id":"{}","atype":1}}]}}]"#, user_uuid(user ^ 0xffff));
            match self.dialect.field_age {
                FieldAge::Current => text.push_str(&format!(r#","eids":{eids}"#)),
                FieldAge::Extension => text.push_str(&format!(r#","ext":{{"eids":{eids}}}"#)),
            }
        }
        text.push_str("},");
    }

    fn terms(&mut self, text: &mut String, market: Market, tmax_ms: i64) {
        let dice = &mut self.dice;
        let first_price = dice.chance(self.dialect.first_price_per_mille);
        match (first_price, dice.chance(500)) {
            (true, _) => text.push_str(r#""at":1,"#),
            (false, true) => text.push_str(r#""at":2,"#),
            // Second price is what the standard means by silence.
            (false, false) => {}
        }
        if dice.chance(self.mix.test_per_mille) {
            text.push_str(r#""test":1,"#);
        }
        let _ = write!(text, r#""tmax":{tmax_ms},"#);
        let local = market.currency();
        let draw = dice.below(1000);
        let both_from = u64::from(self.mix.local_currency_per_mille);
        let usd_from = both_from + u64::from(self.mix.both_currencies_per_mille);
        if draw < both_from {
            let _ = write!(text, r#""cur":["{local}"],"#);
        } else if draw < usd_from {
            let _ = write!(text, r#""cur":["{local}","{}"],"#, Currency::USD);
        } else if draw.is_multiple_of(2) {
            text.push_str(r#""cur":["USD"],"#);
        }
        let _ = write!(text, r#""bcat":{},"badv":["#, some_of(dice, &BLOCKED_CATEGORIES));
        let mut badv: Vec<String> = Vec::new();
        for _ in 0..dice.between(1, 4) {
            badv.push(json::quote(dice.pick::<&str>(&BLOCKED_ADVERTISERS)));
        }
        if !self.mix.blocked_advertisers.is_empty() && dice.chance(30) {
            badv.push(json::quote(dice.pick::<String>(&self.mix.blocked_advertisers)));
        }
        let _ = write!(text, "{}],", badv.join(","));
        self.compliance(text);
        let _ = write!(text, r#""ext":{}"#, (self.dialect.request_ext)(&mut self.dice));
    }

    fn compliance(&mut self, text: &mut String) {
        let dice = &mut self.dice;
        let coppa = u8::from(dice.chance(self.mix.coppa_per_mille));
        let schain = format!(
            r#"{{"complete":1,"ver":"1.0","nodes":[{{"asi":"ssp.example","sid":"{}","rid":"{}","hp":1}}]}}"#,
            dice.below(100_000),
            dice.hex(16)
        );
        let tid = dice.uuid();
        let _ = match self.dialect.field_age {
            FieldAge::Current => write!(
                text,
                r#""source":{{"fd":1,"tid":"{tid}","schain":{schain}}},"regs":{{"coppa":{coppa},"gdpr":0,"gpp":"DBAA","gpp_sid":[-1]}},"#
            ),
            FieldAge::Extension => write!(
                text,
                r#""source":{{"fd":1,"tid":"{tid}","ext":{{"schain":{schain}}}}},"regs":{{"coppa":{coppa},"ext":{{"gdpr":0,"us_privacy":"1---"}}}},"#
            ),
        };
    }
}

/// What a device sends that limits ad tracking.
const ZERO_IFA: &str = "00000000-0000-0000-0000-000000000000";

/// The same number gives the same user on every exchange: caps hold across them.
fn user_uuid(user: u64) -> String {
    Dice::new(user).uuid()
}

/// Writes a price with two decimals, at least one cent: floors have no more.
fn cents(price: Cpm) -> String {
    let cents = (price.0 / 10_000).max(1);
    Cpm(cents.saturating_mul(10_000)).to_string()
}

fn list(items: &[&str]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| json::quote(item)).collect();
    format!("[{}]", quoted.join(","))
}

fn some_of(dice: &mut Dice, items: &[&str]) -> String {
    let chosen: Vec<&str> = items.iter().filter(|_| dice.chance(350)).copied().collect();
    list(&chosen)
}
