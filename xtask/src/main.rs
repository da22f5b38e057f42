//! The project's own commands: test, bench.
fn main() {}
