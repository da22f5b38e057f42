//! The tree as JSON: one object a node, children in start order.
//!
//! Field names are those of `tembusu::NodeSnapshot`; nothing is left out for a node that is down.

use serde::Serialize;
use tembusu::{Kind, NodeSnapshot};

/// One node.
#[derive(Debug, Serialize)]
pub(crate) struct Node<'a> {
    path: &'a str,
    name: &'a str,
    kind: &'static str,
    state: &'static str,
    incarnation: u64,
    restarts: u64,
    mailbox_len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_exit: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node<'a>>,
}

impl<'a> From<&'a NodeSnapshot> for Node<'a> {
    fn from(node: &'a NodeSnapshot) -> Node<'a> {
        Node {
            path: &node.path,
            name: &node.name,
            kind: match node.kind {
                Kind::Supervisor => "supervisor",
                Kind::Worker => "worker",
            },
            state: node.state.label(),
            incarnation: node.incarnation,
            restarts: node.restarts,
            mailbox_len: node.mailbox_len,
            last_exit: node.last_exit.as_ref().map(ToString::to_string),
            children: node.children.iter().map(Node::from).collect(),
        }
    }
}
