//! The live tree in a terminal, and plain lines where there is none.
//!
//! Drawing reads snapshots and counters only; it never slows what it shows.

use std::fmt::Write as _;
use std::io::{self, Write};

use tembusu::{NodeSnapshot, State};

/// Width of the column with the tree's branches and names.
const NAME_WIDTH: usize = 34;
/// Children shown under `campaigns`, the rest is summed up: a terminal has few lines.
const CAMPAIGNS_SHOWN_MAX: usize = 8;

/// Figures beside one node, by its path below the root.
pub(crate) trait Figures {
    /// Returns the text beside `node`.
    fn beside(&self, node: &NodeSnapshot) -> String;
}

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
        out.write_all(text.as_bytes())?;
        out.flush()?;
        self.lines_drawn = text.matches('\n').count();
        Ok(())
    }
}

/// Draws the tree below `root`, one node a line.
pub(crate) fn tree(root: &NodeSnapshot, figures: &dyn Figures) -> String {
    let mut text = String::new();
    line(root, "", "", figures, &mut text);
    children(root, "", figures, &mut text);
    text
}

fn children(node: &NodeSnapshot, indent: &str, figures: &dyn Figures, text: &mut String) {
    let is_long = node.name.ends_with("campaigns") && CAMPAIGNS_SHOWN_MAX < node.children.len();
    let shown = if is_long { &node.children[..CAMPAIGNS_SHOWN_MAX] } else { &node.children[..] };
    for (index, child) in shown.iter().enumerate() {
        let is_last = index + 1 == shown.len() && !is_long;
        let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        line(child, indent, branch, figures, text);
        children(child, &format!("{indent}{below}"), figures, text);
    }
    if is_long {
        let _ = writeln!(text, "{indent}└── … and {} more", node.children.len() - shown.len());
    }
}

fn line(node: &NodeSnapshot, indent: &str, branch: &str, figures: &dyn Figures, text: &mut String) {
    let name = format!("{indent}{branch}{}", node.name);
    let padding = NAME_WIDTH.saturating_sub(name.chars().count());
    let state = match node.state {
        State::Running => String::new(),
        state => format!(" {}", state.label().to_uppercase()),
    };
    let restarts = match node.restarts {
        0 => String::new(),
        n => format!(" restarts {n}"),
    };
    let _ = writeln!(
        text,
        "{name}{:padding$} #{:<3}{restarts}{state}{}",
        "",
        node.incarnation,
        figures.beside(node)
    );
}
