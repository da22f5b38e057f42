//! Partitioned supervisors: n children of one kind, and a stable way from a key to its child (Elixir's
//! `PartitionSupervisor`).
//!
//! A process that everybody talks to is a bottleneck; n of them, each with its share of the keys, are not. They are
//! ordinary children of an ordinary one_for_one supervisor, named by their index, and crash alone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::child::ChildSpec;
use super::supervisor::Supervisor;
use crate::actor::Actor;
use crate::address::Address;
use crate::tree::SupervisorRef;

/// Specifies a supervisor with `n` children made by `template`, one_for_one, and the way to them.
///
/// The supervisor has the options of any other, and is added like any other;
/// [`Supervisor::partitioned`] is the short form without options. The children are named `0`, `1`, … whatever name
/// the template gives them. None at all is a [`SpecError::NoPartitions`](crate::SpecError::NoPartitions).
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use tembusu::{Actor, Context, Flow, Init, Reply};
/// use tembusu::{Supervisor, child, partitions};
/// # struct Counter(u64);
/// # enum Message { Add(u64), Total(Reply<u64>) }
/// # impl Actor for Counter {
/// #     type Message = Message;
/// #     type Args = ();
/// #     type Crash = Infallible;
/// #     async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> { Ok(Init::Ready(Self(0))) }
/// #     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
/// #         match message {
/// #             Message::Add(n) => self.0 += n,
/// #             Message::Total(reply) => drop(reply.send(self.0)),
/// #         }
/// #         Ok(Flow::Continue)
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (counters, by_key) = partitions("counters", 4, |_| child::<Counter>("counter", ()));
/// let mut root = Supervisor::one_for_one("root");
/// root.supervisor(counters.intensity(20, Duration::from_secs(10)));
/// let tree = root.start().await?;
/// by_key.of("sg").tell(Message::Add(2))?;
/// assert_eq!(by_key.of("sg").call(Message::Total, Duration::from_secs(1)).await?, 2);
/// assert_eq!(by_key.len(), 4);
/// tree.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub fn partitions<A: Actor>(
    name: impl Into<Arc<str>>,
    n: usize,
    mut template: impl FnMut(usize) -> ChildSpec<A>,
) -> (Supervisor, Partitions<A::Message>) {
    let mut supervisor = Supervisor::one_for_one(name);
    supervisor.lacks_partitions = n == 0;
    // With none there is an address all the same; the tree does not start.
    let addresses = (0..n.max(1)).map(|at| supervisor.add(template(at).renamed(at.to_string()))).collect();
    let partitions = Partitions { supervisor: supervisor.handle(), addresses };
    (supervisor, partitions)
}

impl Supervisor {
    /// Adds a supervisor with `n` children of one kind: see [`partitions`](partitions()).
    pub fn partitioned<A: Actor>(
        &mut self,
        name: impl Into<Arc<str>>,
        n: usize,
        template: impl FnMut(usize) -> ChildSpec<A>,
    ) -> Partitions<A::Message> {
        let (supervisor, partitions) = partitions(name, n, template);
        self.supervisor(supervisor);
        partitions
    }
}

/// The addresses of a partitioned supervisor's children.
///
/// # On restart
///
/// They are the addresses of ordinary children: each stays valid, and a key stays with its child.
pub struct Partitions<M> {
    supervisor: SupervisorRef,
    addresses: Arc<[Address<M>]>,
}

impl<M: Send + 'static> Partitions<M> {
    /// The child that `key` belongs to.
    ///
    /// The same key leads to the same child over restarts, processes and machines, as long as the number of
    /// partitions and what the key feeds to its [`Hash`] stay the same.
    #[must_use]
    pub fn of<K: Hash + ?Sized>(&self, key: &K) -> &Address<M> {
        &self.addresses[self.index_of(key)]
    }

    /// The index of that child.
    #[must_use]
    pub fn index_of<K: Hash + ?Sized>(&self, key: &K) -> usize {
        let mut hasher = Stable(FNV_OFFSET);
        key.hash(&mut hasher);
        let share = u128::from(hasher.finish()) * self.addresses.len() as u128;
        // Below the number of partitions: the hash is below 2⁶⁴.
        usize::try_from(share >> 64).unwrap_or_default()
    }

    /// The child with this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Address<M>> {
        self.addresses.get(index)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Address<M>> {
        self.addresses.iter()
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The supervisor above them.
    #[must_use]
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.supervisor
    }
}

impl<M> Clone for Partitions<M> {
    fn clone(&self) -> Self {
        Self { supervisor: self.supervisor.clone(), addresses: Arc::clone(&self.addresses) }
    }
}

impl<M> fmt::Debug for Partitions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partitions({}, {})", self.supervisor.path(), self.addresses.len())
    }
}

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// FNV-1a with a last mix. Numbers are fed in the same order of bytes everywhere, and a `usize` as 64 bits.
struct Stable(u64);

impl Hasher for Stable {
    fn finish(&self) -> u64 {
        // The last step of splitmix64: a share is taken from the upper bits.
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }

    fn write_u16(&mut self, n: u16) {
        self.write(&n.to_le_bytes());
    }

    fn write_u32(&mut self, n: u32) {
        self.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.write(&n.to_le_bytes());
    }

    fn write_u128(&mut self, n: u128) {
        self.write(&n.to_le_bytes());
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}
