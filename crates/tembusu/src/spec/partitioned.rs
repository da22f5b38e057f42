//! Partitioned supervisors: n children of one kind, and a stable way from a key to its child (Elixir's
//! `PartitionSupervisor`).
//!
//! A process that everybody talks to is a bottleneck; n of them, each with its share of the keys, are not. They are
//! ordinary children of an ordinary one_for_one supervisor, named by their index, and crash alone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::backoff::Backoff;
use super::child::ChildSpec;
use super::options::options_of_supervisor;
use super::policy::{Restart, Shutdown};
use super::probe::Probe;
use super::supervisor::Supervisor;
use crate::actor::Actor;
use crate::address::Address;
use crate::tree::SupervisorRef;

/// The specification of a supervisor with a number of children of one kind, one_for_one, among which keys are shared out.
///
/// Without options, [`Supervisor::partitioned`] is shorter.
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use tembusu::{Actor, Context, Flow, Init, Reply};
/// use tembusu::{PartitionedSupervisor, Supervisor, child};
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
/// let counters = PartitionedSupervisor::new("counters", 4, |_| child::<Counter>("counter", ()));
/// let mut root = Supervisor::one_for_one("root");
/// let by_key = root.add_partitioned(counters.intensity(20, Duration::from_secs(10)));
/// let tree = root.start().await?;
/// by_key.of("sg").tell(Message::Add(2))?;
/// assert_eq!(by_key.of("sg").call(Message::Total, Duration::from_secs(1)).await?, 2);
/// assert_eq!(by_key.len(), 4);
/// tree.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "a specification does nothing until it is added to a supervisor"]
pub struct PartitionedSupervisor<M> {
    supervisor: Supervisor,
    addresses: Arc<[Address<M>]>,
}

impl<M: Send + 'static> PartitionedSupervisor<M> {
    /// A supervisor with `n` children made by `template`. They are named `0`, `1`, … whatever name the template gives
    /// them. None at all is a [`SpecError::NoPartitions`](crate::SpecError::NoPartitions).
    pub fn new<A>(name: impl Into<Arc<str>>, n: usize, mut template: impl FnMut(usize) -> ChildSpec<A>) -> Self
    where
        A: Actor<Message = M>,
    {
        let mut supervisor = Supervisor::one_for_one(name);
        supervisor.lacks_partitions = n == 0;
        // With none there is an address all the same; the tree does not start.
        let addresses = (0..n.max(1)).map(|at| supervisor.add(template(at).renamed(at.to_string()))).collect();
        Self { supervisor, addresses }
    }

    /// The way to its children. It can be passed on before anything starts.
    #[must_use]
    pub fn partitions(&self) -> Partitions<M> {
        Partitions { supervisor: self.supervisor.handle(), addresses: Arc::clone(&self.addresses) }
    }

    options_of_supervisor! {
        intensity(limit: u32, period: Duration);
        backoff(backoff: Backoff);
        restart(restart: Restart);
        significant();
        shutdown(shutdown: impl Into<Shutdown>);
        on(runtime: Handle);
        degrade_to(fallback: Supervisor);
        quarantine();
        restore_after(first: Duration, max: Duration);
        probe(probe: Probe);
    }
}

impl<M> fmt::Debug for PartitionedSupervisor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionedSupervisor").field("supervisor", &self.supervisor).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Adds a supervisor with `n` children of one kind, among which keys are shared out.
    pub fn partitioned<A: Actor>(
        &mut self,
        name: impl Into<Arc<str>>,
        n: usize,
        template: impl FnMut(usize) -> ChildSpec<A>,
    ) -> Partitions<A::Message> {
        self.add_partitioned(PartitionedSupervisor::new(name, n, template))
    }

    /// Adds a partitioned supervisor with options.
    pub fn add_partitioned<M: Send + 'static>(&mut self, spec: PartitionedSupervisor<M>) -> Partitions<M> {
        let partitions = spec.partitions();
        self.supervisor(spec.supervisor);
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
