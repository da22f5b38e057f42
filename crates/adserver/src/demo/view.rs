//! Draws a tree: a line for each supervisor, with its actors on it.
//!
//! Drawing reads a snapshot and decides nothing.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use tembusu::{Kind, NodeSnapshot, State};

/// Width of the column with the tree's branches and names.
const NAME_WIDTH: usize = 26;
/// Width of the column with incarnation and state.
const STATE_WIDTH: usize = 14;
/// Campaigns shown; the rest is summed up: a terminal has few lines.
const CHILDREN_SHOWN_MAX: usize = 8;

/// Draws over what it drew before.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    lines_drawn: usize,
}

impl Screen {
    /// Replaces what was drawn by `text`.
    pub(crate) fn draw(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if 0 < self.lines_drawn {
            // Up to the first line, then clear from there to the end of the screen.
            write!(out, "\x1b[{}A\r\x1b[J", self.lines_drawn)?;
        }
        // Long lines are cut, not wrapped: the way back up is counted in lines.
        write!(out, "\x1b[?7l{text}\x1b[?7h")?;
        out.flush()?;
        self.lines_drawn = text.matches('\n').count();
        Ok(())
    }
}

/// Draws the tree below `root`; `beside` holds what stands beside a supervisor, by its path.
pub(crate) fn tree(root: &NodeSnapshot, beside: &HashMap<String, String>) -> String {
    let mut text = String::new();
    line(root, "", beside, &mut text);
    supervisors(root, "", beside, &mut text);
    text
}

fn supervisors(node: &NodeSnapshot, indent: &str, beside: &HashMap<String, String>, text: &mut String) {
    let children: Vec<_> = node.children.iter().filter(|child| child.kind == Kind::Supervisor).collect();
    let shown = &children[..children.len().min(CHILDREN_SHOWN_MAX)];
    let hidden = children.len() - shown.len();
    for (index, child) in shown.iter().enumerate() {
        let is_last = index + 1 == shown.len() && hidden == 0;
        let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        line(child, &format!("{indent}{branch}"), beside, text);
        supervisors(child, &format!("{indent}{below}"), beside, text);
    }
    if 0 < hidden {
        let _ = writeln!(text, "{indent}└── … and {hidden} more");
    }
}

fn line(node: &NodeSnapshot, branch: &str, beside: &HashMap<String, String>, text: &mut String) {
    let name = format!("{branch}{}", node.name);
    let workers: Vec<String> = node
        .children
        .iter()
        .filter(|child| child.kind == Kind::Worker)
        .map(|child| format!("{} {}", child.name, state(child)))
        .collect();
    let figures = beside.get(&*node.path).map_or("", String::as_str);
    let gap = if figures.is_empty() || workers.is_empty() { "" } else { "   " };
    let row = format!(
        "{name}{:name_pad$} {:<STATE_WIDTH$} {figures}{gap}{}",
        "",
        state(node),
        workers.join(" · "),
        name_pad = NAME_WIDTH.saturating_sub(name.chars().count()),
    );
    let _ = writeln!(text, "{}", row.trim_end());
}

/// `#3 r2 DEGRADED`: incarnation, restarts after a failure of its own, and the state if it is not running.
fn state(node: &NodeSnapshot) -> String {
    let mut text = format!("#{}", node.incarnation);
    if 0 < node.restarts {
        let _ = write!(text, " r{}", node.restarts);
    }
    if node.state != State::Running {
        let _ = write!(text, " {}", node.state.label().to_uppercase());
    }
    text
}
