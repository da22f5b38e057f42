//! Amounts of money: budgets, leases, spend.

/// An amount in nano-USD; holds up to about 9.2 billion USD.
///
/// # Examples
/// ```
/// use money::Nanos;
/// let budget: Nanos = "250.00".parse()?;
/// assert_eq!(budget, Nanos(250_000_000_000));
/// assert_eq!(budget.to_string(), "250");
/// # Ok::<(), money::ParseMoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub i64);

crate::amount::amount!(Nanos, 9);
