//! Scripted children, an event recorder and a virtual-time world for testing trees.
