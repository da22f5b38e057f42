//! The cargo that runs us, called again in the workspace's folder.

use std::process::Command;

use crate::tidy;

/// A call of cargo with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(tidy::workspace());
    command
}
