//! The actors and the sockets of one exchange's subtree, and its dialect.
