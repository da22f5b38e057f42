//! Money on disk: leases, spend, notices, and the token that a notice carries.
