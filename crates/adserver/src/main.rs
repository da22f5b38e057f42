//! The `adserver` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    adserver::cli::main()
}
