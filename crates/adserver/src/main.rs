//! The `adserver` command.

fn main() {}
