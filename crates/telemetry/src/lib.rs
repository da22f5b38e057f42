//! Metrics, alerts and their supervised aggregator.
