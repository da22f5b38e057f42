//! Campaigns and creatives: definitions, compilation, targeting, and their supervised subtrees.
