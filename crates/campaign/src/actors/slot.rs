//! One campaign's place in the registry: what outlives every incarnation of it.
//!
//! A campaign **rests** while nothing of it has to be supervised: it is compiled, it is in the index, it bids, and it takes no
//! memory beyond that. It **wakes** at the first charge against it, when it does not compile, or when somebody asks for it:
//! then it has its subtree under `campaigns/each`, which pays for every crash, the one that woke it among them. Nothing that
//! rests can crash, so that no failure goes by unsupervised.
//!
//! Promises that a campaign that is awake stays so until it is removed. Never runs a campaign's code but to compile it, past a
//! catch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tembusu::{Address, Table};

use super::definition::compile_checked;
use super::shared::Shared;
use super::{ControllerMessage, DefinitionMessage, Standing};
use crate::index::Source;
use crate::{Campaign, CampaignId, CompiledCampaign};

/// One campaign's place in the registry.
#[derive(Debug)]
pub(crate) struct Slot {
    id: CampaignId,
    /// The operator's word, which a crash of the controller must not undo.
    paused: AtomicBool,
    /// The operator's last word, which asks no actor.
    killed: AtomicBool,
    /// It is no longer in the registry.
    removed: AtomicBool,
    defined: ArcSwap<Defined>,
    /// The campaign as it bids while it rests.
    resting: ArcSwapOption<CompiledCampaign>,
    awake: OnceLock<Box<Awake>>,
    shared: Arc<Shared>,
}

/// A version of a campaign's definition.
#[derive(Debug, Clone)]
pub(crate) struct Defined {
    pub(crate) campaign: Arc<Campaign>,
    pub(crate) version: u32,
}

/// What a campaign with a subtree has.
#[derive(Debug)]
pub(crate) struct Awake {
    /// Published by the campaign's definition.
    pub(crate) compiled: Table<CompiledCampaign>,
    /// Published by the campaign's controller.
    pub(crate) standing: Table<Standing>,
    definition: Mutex<Answerable>,
    /// Where the controller was reached when it last started.
    controller: Mutex<Option<Address<ControllerMessage>>>,
}

/// Who answers for a campaign that is awake. Under one lock, so that a charge always finds somebody.
#[derive(Debug, Default)]
struct Answerable {
    /// Where the definition was reached when it last started.
    address: Option<Address<DefinitionMessage>>,
    /// What it did at rest, until its first incarnation is there: that is charged.
    charge: Option<String>,
}

impl Awake {
    pub(crate) fn definition(&self) -> Option<Address<DefinitionMessage>> {
        lock(&self.definition).address.clone()
    }

    /// Says where the definition is reached from now on; returns what it was charged with before anybody could be reached.
    pub(crate) fn set_definition(&self, address: Address<DefinitionMessage>) -> Option<String> {
        let mut definition = lock(&self.definition);
        definition.address = Some(address);
        definition.charge.take()
    }

    /// Brings a charge: kept for the first incarnation, or given back with the address of whoever is there already.
    pub(super) fn charge(&self, message: String) -> Option<(Address<DefinitionMessage>, String)> {
        let mut definition = lock(&self.definition);
        match &definition.address {
            Some(address) => Some((address.clone(), message)),
            None => {
                // One incarnation is charged once.
                definition.charge.get_or_insert(message);
                None
            }
        }
    }

    pub(crate) fn controller(&self) -> Option<Address<ControllerMessage>> {
        lock(&self.controller).clone()
    }

    pub(crate) fn set_controller(&self, address: Address<ControllerMessage>) {
        *lock(&self.controller) = Some(address);
    }

    pub(crate) fn take_charge(&self) -> Option<String> {
        lock(&self.definition).charge.take()
    }
}

impl Slot {
    pub(super) fn new(campaign: Arc<Campaign>, version: u32, shared: Arc<Shared>) -> Self {
        Self {
            id: campaign.id,
            paused: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            defined: ArcSwap::from_pointee(Defined { campaign, version }),
            resting: ArcSwapOption::empty(),
            awake: OnceLock::new(),
            shared,
        }
    }

    pub(crate) fn id(&self) -> CampaignId {
        self.id
    }

    /// What its operator wants it to be; what it bids as may still be the version before.
    pub(crate) fn defined(&self) -> Arc<Defined> {
        self.defined.load_full()
    }

    pub(super) fn define(&self, defined: Defined) {
        self.defined.store(Arc::new(defined));
    }

    /// What it has beyond rest, if it is awake.
    pub(crate) fn awake(&self) -> Option<&Awake> {
        self.awake.get().map(|awake| &**awake)
    }

    /// Makes it one that has a subtree, which the caller starts. It does not bid until that has published it.
    pub(super) fn wake(&self) -> &Awake {
        let id = self.id;
        let awake = self.awake.get_or_init(|| {
            Box::new(Awake {
                compiled: Table::new(format!("campaign_{id}")),
                standing: Table::new(format!("campaign_{id}_standing")),
                definition: Mutex::default(),
                controller: Mutex::default(),
            })
        });
        self.resting.store(None);
        awake
    }

    /// Compiles what is defined and lets it bid without a subtree. Says whether it could: one that is awake, or that does not
    /// compile, is its subtree's.
    pub(super) fn rest(self: &Arc<Self>) -> bool {
        if self.awake().is_some() {
            return false;
        }
        let Defined { campaign, version } = Defined::clone(&self.defined.load());
        // Nothing is registered that was not checked.
        let Ok(compiled) = catch_unwind(AssertUnwindSafe(|| compile_checked(campaign))) else { return false };
        self.rest_as(compiled, version)
    }

    /// The same for what is compiled already.
    pub(super) fn rest_as(self: &Arc<Self>, compiled: CompiledCampaign, version: u32) -> bool {
        if self.awake().is_some() {
            return false;
        }
        let former = self.resting.load_full();
        let compiled = compiled.resting_in(Arc::downgrade(self)).into_version(version, former);
        self.resting.store(Some(Arc::new(compiled)));
        // Whoever has woken it meanwhile does not look here.
        self.awake().is_none()
    }

    /// Charges it, at rest, with a panic.
    pub(crate) fn charge(self: &Arc<Self>, message: &str) {
        self.shared.charge(Arc::clone(self), message.to_owned());
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.sync_index();
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    pub(crate) fn set_killed(&self, killed: bool) {
        self.killed.store(killed, Ordering::SeqCst);
        self.sync_index();
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    pub(super) fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
        self.sync_index();
    }

    fn is_wanted(&self) -> bool {
        let out = [&self.paused, &self.killed, &self.removed];
        !out.into_iter().any(|flag| flag.load(Ordering::SeqCst))
    }

    /// Tells the published index whether the operator wants the campaign.
    ///
    /// Whoever writes last looks again afterwards, so that of several at a time none leaves the index with an old word.
    pub(crate) fn sync_index(&self) {
        let Some(index) = self.shared.index.read() else { return };
        loop {
            let is_wanted = self.is_wanted();
            index.set_active(self.id(), is_wanted);
            if self.is_wanted() == is_wanted {
                return;
            }
        }
    }

    /// Tells whether the index publisher has to be told of a version: the index does not hold it, and nobody else has told.
    pub(crate) fn is_news(self: &Arc<Self>, version: u32) -> bool {
        let source = Source::Supervised(Arc::clone(self), version);
        let is_indexed = self.shared.index.read().is_some_and(|index| index.holds(self.id, &source));
        !is_indexed && !self.shared.told.swap(true, Ordering::SeqCst)
    }

    /// The campaign as it was last compiled, unless it is down.
    pub(crate) fn compiled(&self) -> Option<Arc<CompiledCampaign>> {
        match self.awake() {
            None => self.resting.load_full(),
            Some(awake) => awake.compiled.read(),
        }
    }

    /// Tells whether it could bid as far as its own actors are concerned.
    pub(crate) fn is_up(&self) -> bool {
        match self.awake() {
            None => self.resting.load().is_some(),
            Some(awake) => awake.compiled.is_published() && awake.standing.is_published(),
        }
    }

    /// The campaign as it was last compiled, if it may bid now.
    pub(crate) fn bidding(&self) -> Option<Arc<CompiledCampaign>> {
        let is_out = self.is_paused() || self.is_killed() || self.is_removed();
        match self.awake() {
            _ if is_out => None,
            None => self.resting.load_full(),
            Some(awake) if awake.standing.is_published() => awake.compiled.read(),
            Some(_) => None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
