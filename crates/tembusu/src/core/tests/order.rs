//! The start order, beside a sorted map.

use std::collections::BTreeMap;

use super::super::order::{FEW, Order};
use super::super::{ChildKey, Rank};
use super::cast::seed;
use super::forest::Random;

#[test]
fn the_start_order_is_a_sorted_map_whatever_is_added_and_removed() {
    let mut random = Random(seed());
    let mut order = Order::default();
    let mut map = BTreeMap::<Rank, ChildKey>::new();
    for n in 0..4_000 {
        // It grows, is all but emptied, and grows again.
        let in_a_hundred = if n / 1_000 % 2 == 0 { 70 } else { 20 };
        if random.below(100) < in_a_hundred {
            let rank = map.last_key_value().map_or(Rank::FIRST, |(last, _)| last.next());
            assert_eq!(order.push(ChildKey(n)), rank, "behind the last one that is there");
            map.insert(rank, ChildKey(n));
        } else {
            let rank = Rank(random.below(n + 1));
            order.remove(rank);
            map.remove(&rank);
        }
        let [from, end] = [(); 2].map(|()| Rank(random.below(n + 1)));
        let expected: Vec<ChildKey> = map.range(from..end.max(from)).map(|(_, key)| *key).collect();
        assert_eq!(order.between(from, end).collect::<Vec<_>>(), expected, "from {from:?} to {end:?}, act {n}");
        assert_eq!(order.len(), map.len());
        assert!(order.places() <= FEW.max(2 * order.len()), "empty places are tidied up");
    }
    assert!(order.keys().rev().eq(map.values().rev().copied()));
}
