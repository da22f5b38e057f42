//! Supervision trees and typed actors on Tokio, with the semantics of Erlang/OTP.
