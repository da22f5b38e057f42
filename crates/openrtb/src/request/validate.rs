//! The MUSTs of the standard, checked.
//!
//! Promises: a request without id or impressions, and an impression without id, with the id of another, or without
//! any kind of ad, is named with a reason that a person understands. It is never bid on.
//! Never: rules of one exchange, or preferences. Those belong to the bidder.

use std::collections::HashMap;

use super::{BidRequest, Imp};

/// A MUST of the standard that a request breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// `id` is missing or empty.
    #[error("the request has no id: set BidRequest.id")]
    NoId,
    /// `imp` is missing, empty or no array.
    #[error("the request offers no impression: put at least one object into BidRequest.imp")]
    NoImp,
    /// An impression has no id.
    #[error("imp[{index}] has no id: set Imp.id")]
    ImpWithoutId {
        /// Place in `imp`.
        index: usize,
    },
    /// Two impressions have the same id.
    #[error("imp[{index}] has the id of imp[{first}]: ids of impressions are unique within a request")]
    DuplicateImpId {
        /// Place in `imp`.
        index: usize,
        /// Place of the other impression.
        first: usize,
    },
    /// An impression has no kind of ad.
    #[error("imp[{index}] has no banner, video, audio or native: name at least one kind of ad")]
    ImpWithoutMedia {
        /// Place in `imp`.
        index: usize,
    },
}

/// [`Invalid`] as a label for a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidKind {
    /// See [`Invalid::NoId`].
    NoId,
    /// See [`Invalid::NoImp`].
    NoImp,
    /// See [`Invalid::ImpWithoutId`].
    ImpWithoutId,
    /// See [`Invalid::DuplicateImpId`].
    DuplicateImpId,
    /// See [`Invalid::ImpWithoutMedia`].
    ImpWithoutMedia,
}

impl InvalidKind {
    /// Every kind, for tables of counters.
    pub const ALL: [Self; 5] =
        [Self::NoId, Self::NoImp, Self::ImpWithoutId, Self::DuplicateImpId, Self::ImpWithoutMedia];

    /// The label of the kind.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoId => "no_id",
            Self::NoImp => "no_imp",
            Self::ImpWithoutId => "imp_without_id",
            Self::DuplicateImpId => "duplicate_imp_id",
            Self::ImpWithoutMedia => "imp_without_media",
        }
    }
}

impl Invalid {
    /// The kind, as a label for a metric.
    #[must_use]
    pub const fn kind(&self) -> InvalidKind {
        match self {
            Self::NoId => InvalidKind::NoId,
            Self::NoImp => InvalidKind::NoImp,
            Self::ImpWithoutId { .. } => InvalidKind::ImpWithoutId,
            Self::DuplicateImpId { .. } => InvalidKind::DuplicateImpId,
            Self::ImpWithoutMedia { .. } => InvalidKind::ImpWithoutMedia,
        }
    }
}

/// Checks the whole request; the first MUST that it breaks is the error.
///
/// # Errors
/// [`Invalid`]. Impressions that break none may still be bid on: see [`validity`].
pub fn validate(request: &BidRequest<'_>) -> Result<(), Invalid> {
    validity(request)?.faults.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Checks the request, and each impression by itself.
///
/// # Errors
/// [`Invalid::NoId`] and [`Invalid::NoImp`]: nothing of the request may be bid on.
pub fn validity(request: &BidRequest<'_>) -> Result<Validity, Invalid> {
    if request.id.is_empty() {
        return Err(Invalid::NoId);
    }
    if request.imp.is_empty() {
        return Err(Invalid::NoImp);
    }
    let fault = |(index, imp): (usize, &Imp<'_>)| {
        if imp.id.is_empty() {
            Some(Invalid::ImpWithoutId { index })
        } else if !imp.has_media() {
            Some(Invalid::ImpWithoutMedia { index })
        } else {
            None
        }
    };
    let mut faults: Vec<Option<Invalid>> = request.imp.iter().enumerate().map(fault).collect();
    mark_duplicates(&request.imp, &mut faults);
    Ok(Validity { faults })
}

/// Which impressions may be bid on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// By place in `imp`.
    faults: Vec<Option<Invalid>>,
}

impl Validity {
    /// What is wrong with the impression at that place in `imp`; `None` if nothing is.
    #[must_use]
    pub fn fault(&self, index: usize) -> Option<&Invalid> {
        self.faults.get(index)?.as_ref()
    }

    /// The impressions that break no MUST, with their place.
    pub fn biddable<'v, 'r, 'a>(
        &'v self,
        request: &'r BidRequest<'a>,
    ) -> impl Iterator<Item = (usize, &'r Imp<'a>)> + use<'v, 'r, 'a> {
        let sound = self.faults.iter().zip(&request.imp).enumerate();
        sound.filter(|(_, (fault, _))| fault.is_none()).map(|(index, (_, imp))| (index, imp))
    }

    /// Everything that is wrong, in the order of `imp`.
    pub fn faults(&self) -> impl Iterator<Item = &Invalid> {
        self.faults.iter().flatten()
    }
}

/// Marks every impression whose id another one has: an answer could not say which it means.
fn mark_duplicates(imps: &[Imp<'_>], faults: &mut [Option<Invalid>]) {
    if imps.len() < 2 {
        return;
    }
    // Seeded per process, so that no exchange can choose ids that collide.
    let mut first_by_id: HashMap<&str, usize> = HashMap::with_capacity(imps.len());
    for (index, imp) in imps.iter().enumerate().filter(|(_, imp)| !imp.id.is_empty()) {
        let first = *first_by_id.entry(&imp.id).or_insert(index);
        if first != index {
            faults[index].get_or_insert(Invalid::DuplicateImpId { index, first });
            faults[first].get_or_insert(Invalid::DuplicateImpId { index: first, first: index });
        }
    }
}
