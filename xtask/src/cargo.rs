//! The cargo that runs us, called again in the workspace's folder.

use std::process::Command;

use crate::tidy;

/// A call of cargo with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(tidy::workspace());
    command
}

/// The same, for what is built in release mode to be quick and not to be measured: each crate is optimised by itself, which takes
/// half as long as all together.
pub(crate) fn cargo_in_pieces(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.env("CARGO_PROFILE_RELEASE_LTO", "false").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    command
}
