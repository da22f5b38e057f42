//! Why the ad server does not start.

use std::io;
use std::path::PathBuf;

use exchange::sockets::BindError;
use ledger::KeyFileError;
use tembusu::StartError;

use crate::config::ConfigError;

/// Why a [`System`](super::System) does not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// A runtime's threads could not be started.
    #[error("the threads of a runtime cannot be started: {0}; raise the limit of threads, or lower `threads`")]
    Runtime(#[source] io::Error),
    /// A socket could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A socket has no address.
    #[error("a listening socket has no address: {0}")]
    Address(#[source] io::Error),
    /// A file that the configuration names is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys of notice tokens cannot be used.
    #[error(transparent)]
    TokenKeys(#[from] KeyFileError),
    /// The secret of cap keys cannot be used.
    #[error("cap secret file {}: {problem}", file.display())]
    CapSecret {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A campaign cannot be used.
    #[error(transparent)]
    Campaign(#[from] campaign::AddError),
    /// The tree did not start.
    #[error(transparent)]
    Tree(#[from] StartError),
}
