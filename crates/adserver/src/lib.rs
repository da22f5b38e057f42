//! The ad server: configuration, the tree's wiring, the operators' API and the command line.
