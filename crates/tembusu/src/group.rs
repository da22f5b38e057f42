//! Process groups: any number of addresses that receive the same messages (Erlang, `pg`).
//!
//! A group is made before the tree and passed on as an ordinary argument; there is no global one. An actor joins
//! through its context, and its membership ends with the incarnation. Readers see the members at one instant and
//! take no lock; joining and leaving copy the list.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;

use crate::actor::Actor;
use crate::address::Address;
use crate::context::Context;
use crate::error::TellError;
use crate::mailbox::Queue;
use crate::shell::incarnation::Incarnation;
use crate::table::Withdraw;
use crate::ties::{Tie, new_key};

/// Who is behind a membership that no actor has made.
const NOBODY: u64 = 0;

/// Addresses of actors that receive `M`, in the order in which they joined.
///
/// # Examples
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use tembusu::{Actor, Context, Flow, Group, Init, Supervisor, child};
/// struct Worker(u64);
///
/// #[derive(Clone)]
/// struct Add(u64);
///
/// impl Actor for Worker {
///     type Message = Add;
///     type Args = Group<Add>;
///     type Crash = Infallible;
///
///     async fn init(workers: &Group<Add>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
///         cx.join(workers);
///         Ok(Init::Ready(Self(0)))
///     }
///
///     async fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) -> Result<Flow, Infallible> {
///         self.0 += n;
///         Ok(Flow::Continue)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let workers = Group::new("workers");
/// let mut root = Supervisor::one_for_one("root");
/// for name in ["one", "two", "three"] {
///     root.add(child::<Worker>(name, workers.clone()));
/// }
/// let tree = root.start().await.unwrap();
/// assert_eq!(workers.len(), 3);
/// assert!(workers.broadcast(Add(1)).is_empty(), "nobody refuses it");
/// let (first, second) = (workers.next().unwrap(), workers.next().unwrap());
/// assert_eq!((first.path(), second.path()), ("root/one", "root/two"));
/// assert_eq!(workers.by_key("sg").unwrap().path(), workers.by_key("sg").unwrap().path());
/// tree.shutdown().await;
/// assert!(workers.is_empty());
/// # }
/// ```
///
/// # On restart
///
/// A membership that an incarnation has made ends with it, whatever the reason, before anybody is told that it has
/// ended; its successor joins again, at the end.
pub struct Group<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    name: Box<str>,
    hasher: RandomState,
    members: ArcSwap<Vec<Member<M>>>,
    /// How many times a member was chosen in turn.
    turns: AtomicUsize,
}

struct Member<M> {
    address: Address<M>,
    /// The incarnation that may withdraw it.
    owner: u64,
    /// What that incarnation knows it by.
    tie: u64,
    /// That incarnation.
    life: Option<Weak<Incarnation>>,
}

impl<M> Member<M> {
    /// Whether the incarnation that joined has been replaced.
    fn is_over(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.upgrade().is_none_or(|life| life.scope.is_replaced()))
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), owner: self.owner, tie: self.tie, life: self.life.clone() }
    }
}

impl<M: Send + 'static> Group<M> {
    /// An empty group.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let inner = Inner {
            name: name.into(),
            hasher: RandomState::new(),
            members: ArcSwap::from_pointee(Vec::new()),
            turns: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Adds an address until it is [removed](Self::remove), whatever becomes of who is behind it. False when it is a
    /// member already. An actor joins with [`Context::join`].
    pub fn add(&self, address: &Address<M>) -> bool {
        self.insert(Member { address: address.clone(), owner: NOBODY, tie: 0, life: None })
    }

    /// Removes an address that was [added](Self::add). False when it was not; who has joined leaves by itself.
    pub fn remove(&self, address: &Address<M>) -> bool {
        self.take(address, NOBODY).is_some()
    }

    /// The members, in the order in which they joined.
    #[must_use]
    pub fn members(&self) -> Vec<Address<M>> {
        self.inner.members.load().iter().map(|member| member.address.clone()).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.members.load().len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells every member, without waiting, and returns who refused it with what was refused.
    pub fn broadcast(&self, message: M) -> Vec<(Address<M>, TellError<M>)>
    where
        M: Clone,
    {
        let members = self.members();
        let Some((last, others)) = members.split_last() else { return Vec::new() };
        let tell = |to: &Address<M>, message| to.tell(message).err().map(|error| (to.clone(), error));
        let mut refused: Vec<_> = others.iter().filter_map(|member| tell(member, message.clone())).collect();
        refused.extend(tell(last, message));
        refused
    }

    /// The next member in turn. `None` when there is nobody.
    #[must_use]
    pub fn next(&self) -> Option<Address<M>> {
        let members = self.inner.members.load();
        let turn = self.inner.turns.fetch_add(1, Ordering::Relaxed);
        members.get(turn.checked_rem(members.len())?).map(|member| member.address.clone())
    }

    /// The member for a key: the same one for as long as it is a member, also after it has restarted and joined
    /// again. When a member joins or leaves, only the keys that it takes or had move (rendezvous hashing). It costs
    /// a look at every member.
    #[must_use]
    pub fn by_key<Q: Hash + ?Sized>(&self, key: &Q) -> Option<Address<M>> {
        let key = self.inner.hasher.hash_one(key);
        let members = self.inner.members.load();
        members.iter().max_by_key(|member| mix(key ^ mix(place(&member.address)))).map(|member| member.address.clone())
    }

    fn insert(&self, member: Member<M>) -> bool {
        let mut inserted = false;
        self.inner.members.rcu(|members| {
            let is_same = |other: &Member<M>| place(&other.address) == place(&member.address);
            inserted = !members.iter().any(|other| is_same(other) && !other.is_over());
            if !inserted {
                return Arc::clone(members);
            }
            let mut members = Vec::clone(members);
            // Entered by one that was being replaced, and about to be withdrawn.
            members.retain(|other| !is_same(other));
            members.push(member.clone());
            Arc::new(members)
        });
        inserted
    }

    fn take(&self, address: &Address<M>, owner: u64) -> Option<Member<M>> {
        let mut taken = None;
        self.inner.members.rcu(|members| {
            let at = members.iter().position(|other| other.owner == owner && place(&other.address) == place(address));
            taken = at.map(|at| members[at].clone());
            let Some(at) = at else { return Arc::clone(members) };
            let mut members = Vec::clone(members);
            members.remove(at);
            Arc::new(members)
        });
        taken
    }
}

/// Identifies an address over all restarts.
fn place<M: Send + 'static>(address: &Address<M>) -> u64 {
    address.mailbox().id() as u64
}

/// Spreads the bits (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl<A: Actor> Context<A> {
    /// Joins a group, for as long as this incarnation lives. False when this actor is a member already.
    ///
    /// # On restart
    ///
    /// The membership ends; the next incarnation joins again.
    pub fn join(&mut self, group: &Group<A::Message>) -> bool {
        let incarnation = Arc::clone(self.own());
        if incarnation.scope.is_replaced() {
            // The fence: nothing of it is seen, not even for a moment.
            return true;
        }
        let (owner, tie) = (incarnation.owner, new_key());
        let address = self.address();
        let life = Some(Arc::downgrade(&incarnation));
        if !group.insert(Member { address: address.clone(), owner, tie, life }) {
            return false;
        }
        let withdrawer = Box::new(Withdrawer { group: group.clone(), address });
        if let Err(Tie::Withdraw(late)) = incarnation.tie(tie, Tie::Withdraw(withdrawer)) {
            // The fence: it has been replaced meanwhile, and its end found nothing to withdraw.
            late.withdraw(owner);
        }
        true
    }

    /// Leaves a group. False when this incarnation has not joined it.
    pub fn leave(&mut self, group: &Group<A::Message>) -> bool {
        let Some(member) = group.take(&self.address(), self.own().owner) else { return false };
        drop(self.own().untie(member.tie));
        true
    }
}

/// Ends a membership.
struct Withdrawer<M> {
    group: Group<M>,
    address: Address<M>,
}

impl<M: Send + 'static> Withdraw for Withdrawer<M> {
    fn withdraw(&self, owner: u64) {
        if let Some(member) = self.group.take(&self.address, owner) {
            crate::later::drop_value(member);
        }
    }
}

impl<M> Clone for Group<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Mailbox;

    #[test]
    fn the_place_of_one_that_has_been_replaced_is_free() {
        let group = Group::<()>::new("g");
        let address = Address::new(Mailbox::new("one".into()));
        let incarnation = Incarnation::new(1, Weak::new());
        let life = Some(Arc::downgrade(&incarnation));
        let member = Member { address: address.clone(), owner: incarnation.owner, tie: new_key(), life };
        assert!(group.insert(member));
        assert!(!group.add(&address));
        incarnation.scope.replace();
        assert!(group.add(&address));
        assert!(group.take(&address, incarnation.owner).is_none(), "its end takes nothing of another's");
        assert_eq!(group.len(), 1);
    }
}
