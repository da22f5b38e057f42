//! Registries: addresses that are found by a key of a type of one's own.
//!
//! A registry is made before the tree and passed on as an ordinary argument, like a [`Table`](crate::Table): there
//! is no global one. An actor registers itself through its context; the entry ends with the incarnation.
//! Looking up takes no lock, and neither does registering; keys' `Hash`, `Eq` and `Drop` run outside any.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;

use crate::actor::Actor;
use crate::address::Address;
use crate::context::Context;
use crate::shell::incarnation::Incarnation;
use crate::table::Withdraw;
use crate::ties::{Tie, new_key};
use crate::trie::Node;

/// Changes in different parts do not get into each other's way.
const PARTS: usize = 16;

/// Who is behind an entry that no actor has made.
const NOBODY: u64 = 0;

/// Addresses of actors that receive `M`, each under a key that no other has.
///
/// # Examples
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use tembusu::{Actor, Context, Flow, Init, Registry, Reply, Supervisor, child};
/// struct Campaign;
///
/// struct Args { number: u32, campaigns: Registry<u32, Reply<u32>> }
///
/// impl Actor for Campaign {
///     type Message = Reply<u32>;
///     type Args = Args;
///     type Crash = Infallible;
///
///     async fn init(args: &Args, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
///         cx.register(&args.campaigns, args.number).expect("each has a number of its own");
///         Ok(Init::Ready(Self))
///     }
///
///     async fn handle(&mut self, reply: Reply<u32>, _: &mut Context<Self>) -> Result<Flow, Infallible> {
///         let _ = reply.send(42);
///         Ok(Flow::Continue)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let campaigns = Registry::new("campaigns");
/// let mut root = Supervisor::one_for_one("root");
/// root.add(child::<Campaign>("seven", Args { number: 7, campaigns: campaigns.clone() }));
/// let tree = root.start().await.unwrap();
/// let seven = campaigns.get(&7).unwrap();
/// assert_eq!(seven.call(|reply| reply, Duration::from_secs(1)).await.unwrap(), 42);
/// tree.shutdown().await;
/// assert!(campaigns.get(&7).is_none(), "it is withdrawn");
/// # }
/// ```
///
/// # On restart
///
/// What an incarnation has registered is withdrawn when it ends, whatever the reason, before anybody is told that
/// it has. Its successor registers itself again; addresses that were taken out before stay valid.
pub struct Registry<K, M> {
    inner: Arc<Inner<K, M>>,
}

struct Inner<K, M> {
    name: Box<str>,
    hasher: RandomState,
    parts: [ArcSwapOption<Node<K, Entry<M>>>; PARTS],
}

struct Entry<M> {
    address: Address<M>,
    /// The incarnation that may withdraw it.
    owner: u64,
    /// What that incarnation knows it by.
    tie: u64,
    /// That incarnation.
    life: Option<Weak<Incarnation>>,
}

impl<M> Entry<M> {
    /// Whether the incarnation that made it has been replaced.
    fn is_over(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.upgrade().is_none_or(|life| life.scope.is_replaced()))
    }
}

impl<M> Clone for Entry<M> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), owner: self.owner, tie: self.tie, life: self.life.clone() }
    }
}

/// The key is taken. It is handed back, with the address that has it.
pub struct Taken<K, M> {
    /// The key.
    pub key: K,
    /// Whose it is.
    pub by: Address<M>,
}

impl<K, M> Registry<K, M>
where
    K: Hash + Eq + Send + Sync + 'static,
    M: Send + 'static,
{
    /// An empty registry.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let parts = std::array::from_fn(|_| ArcSwapOption::empty());
        Self { inner: Arc::new(Inner { name: name.into(), hasher: RandomState::new(), parts }) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The address under a key.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<Address<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (part, hash) = self.part(key);
        let root = part.load();
        root.as_ref()?.get(hash, key).map(|entry| entry.address.clone())
    }

    /// Everything that is registered, in no order. Each of 16 parts is read at one instant, the whole is not.
    #[must_use]
    pub fn entries(&self) -> Vec<(Arc<K>, Address<M>)> {
        let mut entries = Vec::new();
        for part in &self.inner.parts {
            if let Some(root) = &*part.load() {
                root.collect(&mut entries);
            }
        }
        entries.into_iter().map(|(key, entry)| (key, entry.address)).collect()
    }

    /// Registers an address until it is [unregistered](Self::unregister), whatever becomes of who is behind it. An
    /// actor registers itself with [`Context::register`].
    ///
    /// # Errors
    ///
    /// [`Taken`], when the key is.
    pub fn register(&self, key: K, address: &Address<M>) -> Result<(), Taken<K, M>> {
        self.insert(key, Entry { address: address.clone(), owner: NOBODY, tie: 0, life: None }).map(drop)
    }

    /// Removes what was registered with [`register`](Self::register), and returns its address. What actors have
    /// registered themselves is theirs.
    pub fn unregister<Q>(&self, key: &Q) -> Option<Address<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.remove(key, NOBODY).map(|entry| entry.address)
    }

    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> (&ArcSwapOption<Node<K, Entry<M>>>, u64) {
        let hash = self.inner.hasher.hash_one(key);
        let part = usize::try_from(hash % PARTS as u64).unwrap_or(0);
        // The rest of the hash tells entries of one part apart.
        (&self.inner.parts[part], hash / PARTS as u64)
    }

    fn insert(&self, key: K, entry: Entry<M>) -> Result<Arc<K>, Taken<K, M>> {
        let key = Arc::new(key);
        let (part, hash) = self.part(&*key);
        let mut current = part.load_full();
        loop {
            if let Some(other) = current.as_ref().and_then(|root| root.get(hash, &*key)) {
                if other.is_over() {
                    // Entered by one that was being replaced, and about to be withdrawn.
                    let owner = other.owner;
                    drop(self.remove(&*key, owner));
                    current = part.load_full();
                    continue;
                }
                let by = other.address.clone();
                drop(current);
                let Some(key) = Arc::into_inner(key) else { unreachable!("a key that was not inserted is shared") };
                return Err(Taken { key, by });
            }
            let next = Node::with(current.as_ref(), hash, Arc::clone(&key), entry.clone());
            let previous = part.compare_and_swap(&current, Some(next));
            if same(previous.as_ref(), current.as_ref()) {
                return Ok(key);
            }
            current.clone_from(&previous);
        }
    }

    fn remove<Q>(&self, key: &Q, owner: u64) -> Option<Entry<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (part, hash) = self.part(key);
        let mut current = part.load_full();
        loop {
            let root = current.as_ref()?;
            let entry = root.get(hash, key).filter(|entry| entry.owner == owner)?.clone();
            let next = root.without(hash, &|other, _| other.borrow() == key)?;
            let previous = part.compare_and_swap(&current, next);
            if same(previous.as_ref(), current.as_ref()) {
                return Some(entry);
            }
            current.clone_from(&previous);
        }
    }
}

fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

impl<A: Actor> Context<A> {
    /// Registers this actor's address under `key`, for as long as this incarnation lives.
    ///
    /// # Errors
    ///
    /// [`Taken`], when the key is, by another or by this one.
    ///
    /// # On restart
    ///
    /// Withdrawn; the next incarnation registers again.
    pub fn register<K>(&mut self, registry: &Registry<K, A::Message>, key: K) -> Result<(), Taken<K, A::Message>>
    where
        K: Hash + Eq + Send + Sync + 'static,
    {
        let incarnation = Arc::clone(self.own());
        if incarnation.scope.is_replaced() {
            // The fence: nothing of it is seen, not even for a moment.
            return Ok(());
        }
        let (owner, tie) = (incarnation.owner, new_key());
        let life = Some(Arc::downgrade(&incarnation));
        let key = registry.insert(key, Entry { address: self.address(), owner, tie, life })?;
        let withdrawer = Box::new(Withdrawer { registry: registry.clone(), key });
        if let Err(Tie::Withdraw(late)) = incarnation.tie(tie, Tie::Withdraw(withdrawer)) {
            // The fence: it has been replaced meanwhile, and its end found nothing to withdraw.
            late.withdraw(owner);
        }
        Ok(())
    }

    /// Withdraws what this incarnation has registered under `key`. False when that is nothing.
    pub fn unregister<K, Q>(&mut self, registry: &Registry<K, A::Message>, key: &Q) -> bool
    where
        K: Borrow<Q> + Hash + Eq + Send + Sync + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let Some(entry) = registry.remove(key, self.own().owner) else { return false };
        drop(self.own().untie(entry.tie));
        true
    }
}

/// Takes back what an incarnation has registered.
struct Withdrawer<K, M> {
    registry: Registry<K, M>,
    key: Arc<K>,
}

impl<K, M> Withdraw for Withdrawer<K, M>
where
    K: Hash + Eq + Send + Sync + 'static,
    M: Send + 'static,
{
    fn withdraw(&self, owner: u64) {
        if let Some(entry) = self.registry.remove(&*self.key, owner) {
            crate::later::drop_value(entry);
        }
    }
}

impl<K, M> Clone for Registry<K, M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, M> fmt::Debug for Registry<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

impl<K, M: Send + 'static> fmt::Debug for Taken<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("by", &self.by).finish_non_exhaustive()
    }
}

impl<K, M: Send + 'static> fmt::Display for Taken<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key is taken by {}; unregister that one, or use another key", self.by.path())
    }
}

impl<K, M: Send + 'static> std::error::Error for Taken<K, M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Mailbox;

    #[test]
    fn the_entry_of_one_that_has_been_replaced_is_free() {
        let registry = Registry::<u32, ()>::new("r");
        let (one, other) = (Address::new(Mailbox::new("one".into())), Address::new(Mailbox::new("other".into())));
        let incarnation = Incarnation::new(1, Weak::new());
        let life = Some(Arc::downgrade(&incarnation));
        let entry = Entry { address: one, owner: incarnation.owner, tie: new_key(), life };
        assert!(registry.insert(1, entry).is_ok());
        assert!(registry.register(1, &other).is_err());
        incarnation.scope.replace();
        assert!(registry.register(1, &other).is_ok());
        assert!(registry.remove(&1, incarnation.owner).is_none(), "its end withdraws nothing of another's");
        assert_eq!(registry.get(&1).expect("it is there").path(), "other");
    }
}
