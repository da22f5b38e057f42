//! Regulations and supply chain, wherever the exchange puts them.
//!
//! Promises: each accessor looks in the place of OpenRTB 2.6 first, then in those of 2.5 and 2.4. Real traffic uses
//! the old places about ten times as often as the new ones.

use std::borrow::Cow;

use super::{BidRequest, Eid};
use crate::lenient::object;

object! {
    /// Regulations.
    Regs<'a> {
        /// Whether the children's privacy rules of the USA apply.
        "coppa" => coppa: Option<bool>,
        /// Whether the GDPR applies.
        "gdpr" => gdpr: Option<bool>,
        /// US privacy string.
        "us_privacy" => us_privacy: Option<Cow<'a, str>>,
        /// Global Privacy Platform string.
        "gpp" => gpp: Option<Cow<'a, str>>,
        /// Sections of the GPP string that apply.
        "gpp_sid" => gpp_sid: Vec<i64>,
        /// Older places of fields.
        "ext" => ext: Option<RegsExt<'a>>,
    }
}

object! {
    /// Extensions of the regulations: where OpenRTB 2.5 put them.
    RegsExt<'a> {
        /// As [`Regs::coppa`].
        "coppa" => coppa: Option<bool>,
        /// As [`Regs::gdpr`].
        "gdpr" => gdpr: Option<bool>,
        /// As [`Regs::us_privacy`].
        "us_privacy" => us_privacy: Option<Cow<'a, str>>,
        /// As [`Regs::gpp`].
        "gpp" => gpp: Option<Cow<'a, str>>,
        /// As [`Regs::gpp_sid`].
        "gpp_sid" => gpp_sid: Vec<i64>,
    }
}

object! {
    /// Who sold the impression to whom.
    SupplyChain<'a> {
        /// Whether the chain goes back to the publisher.
        "complete" => complete: Option<bool>,
        /// The sellers, publisher first.
        "nodes" => nodes: Vec<SupplyChainNode<'a>>,
        /// Version of the chain.
        "ver" => ver: Option<Cow<'a, str>>,
    }
}

object! {
    /// A seller.
    SupplyChainNode<'a> {
        /// The seller's system.
        "asi" => asi: Option<Cow<'a, str>>,
        /// The account in that system.
        "sid" => sid: Option<Cow<'a, str>>,
        /// The request in that system.
        "rid" => rid: Option<Cow<'a, str>>,
        /// Whether the seller is paid.
        "hp" => hp: Option<bool>,
    }
}

impl<'a> BidRequest<'a> {
    fn regs_ext(&self) -> Option<&RegsExt<'a>> {
        self.regs.as_ref()?.ext.as_ref()
    }

    /// Says whether the children's privacy rules of the USA apply.
    #[must_use]
    pub fn coppa(&self) -> bool {
        let new = self.regs.as_ref().and_then(|regs| regs.coppa);
        let old = || self.regs_ext().and_then(|ext| ext.coppa);
        new.or_else(old).unwrap_or(false)
    }

    /// Says whether the GDPR applies; `None` if the exchange does not know.
    #[must_use]
    pub fn gdpr(&self) -> Option<bool> {
        let new = self.regs.as_ref().and_then(|regs| regs.gdpr);
        new.or_else(|| self.regs_ext()?.gdpr)
    }

    /// The US privacy string.
    #[must_use]
    pub fn us_privacy(&self) -> Option<&str> {
        let new = self.regs.as_ref().and_then(|regs| regs.us_privacy.as_deref());
        new.or_else(|| self.regs_ext()?.us_privacy.as_deref())
    }

    /// The Global Privacy Platform string.
    #[must_use]
    pub fn gpp(&self) -> Option<&str> {
        let new = self.regs.as_ref().and_then(|regs| regs.gpp.as_deref());
        new.or_else(|| self.regs_ext()?.gpp.as_deref())
    }

    /// The sections of the GPP string that apply.
    #[must_use]
    pub fn gpp_sid(&self) -> &[i64] {
        let new = self.regs.as_ref().map(|regs| regs.gpp_sid.as_slice()).filter(|sections| !sections.is_empty());
        let old = || self.regs_ext().map(|ext| ext.gpp_sid.as_slice());
        new.or_else(old).unwrap_or_default()
    }

    /// The consent string of the Transparency and Consent Framework.
    #[must_use]
    pub fn consent(&self) -> Option<&str> {
        let user = self.user.as_ref()?;
        user.consent.as_deref().or_else(|| user.ext.as_ref()?.consent.as_deref())
    }

    /// Ids of the user from other sources.
    #[must_use]
    pub fn eids(&self) -> &[Eid<'a>] {
        let Some(user) = &self.user else { return &[] };
        match &user.ext {
            Some(ext) if user.eids.is_empty() => &ext.eids,
            _ => &user.eids,
        }
    }

    /// The supply chain: `source.schain`, `source.ext.schain` (2.5) or `ext.schain` (2.4).
    #[must_use]
    pub fn schain(&self) -> Option<&SupplyChain<'a>> {
        let source = self.source.as_ref();
        let new = source.and_then(|source| source.schain.as_ref());
        let old = || source.and_then(|source| source.ext.as_ref()?.schain.as_ref());
        let older = || self.ext.as_ref().and_then(|ext| ext.schain.as_ref());
        new.or_else(old).or_else(older)
    }
}
