//! The text of scenarios: written by `Display`, read by `FromStr`; the two are inverse to each other.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::scenario::{Auto, Fate, How, Node, Restart, Scenario, Step, Stop, Strategy, Sup, Worker};

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scenario: {what} at {rest:?}")]
pub struct BadText {
    what: &'static str,
    rest: String,
}

/// A letter for each value of a closed type.
macro_rules! letters {
    ($type:ty, $($letter:literal => $value:path),+) => {
        impl $type {
            pub(crate) fn letter(self) -> char {
                match self { $($value => $letter),+ }
            }

            pub(crate) fn of_letter(letter: char) -> Option<Self> {
                match letter { $($letter => Some($value),)+ _ => None }
            }
        }
    };
}

letters!(Strategy, 'o' => Strategy::OneForOne, 'a' => Strategy::OneForAll, 'r' => Strategy::RestForOne, 'd' => Strategy::Dynamic);
letters!(Restart, 'p' => Restart::Permanent, 't' => Restart::Transient, 'e' => Restart::Temporary);
letters!(Fate, 'o' => Fate::Ok, 'f' => Fate::Fail, 'i' => Fate::Ignore, 's' => Fate::Slow);
letters!(How, 'e' => How::Error, 'p' => How::Panic, 'k' => How::Kill, 'n' => How::Normal, 't' => How::Shutdown);

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seed, self.root)?;
        for step in &self.steps {
            write!(f, ";{step}")?;
        }
        Ok(())
    }
}

impl Display for Sup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}{}", self.name, self.strategy.letter(), self.limit)?;
        if let Some(period_s) = self.period_s {
            write!(f, "@{period_s}")?;
        }
        write!(f, "{}{}", self.restart.letter(), mark(self.significant))?;
        f.write_str(match self.auto {
            Auto::Never => "",
            Auto::Any => "Y",
            Auto::All => "L",
        })?;
        f.write_str("{")?;
        for (at, child) in self.children.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{child}")?;
        }
        f.write_str("}")
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(worker) => worker.fmt(f),
            Self::Sup(sup) => sup.fmt(f),
        }
    }
}

impl Display for Worker {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}{}", self.name, self.restart.letter(), mark(self.significant))?;
        f.write_str(match self.stop {
            Stop::Prompt => "",
            Stop::Kill => "K",
            Stop::Deaf => "D",
            Stop::Bang => "B",
        })?;
        if !self.plan.is_empty() {
            write!(f, "+{}", self.plan.iter().map(|fate| fate.letter()).collect::<String>())?;
        }
        Ok(())
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash { sup, name, how } => write!(f, "! {sup} {name} {}", how.letter()),
            Self::Burst { sup, hits } => {
                write!(f, "!! {sup}")?;
                hits.iter().try_for_each(|(name, how)| write!(f, " {name} {}", how.letter()))
            }
            Self::Bursts { sups, hits } => {
                write!(f, "!*")?;
                sups.iter().try_for_each(|sup| write!(f, " {sup}"))?;
                write!(f, " =")?;
                hits.iter().try_for_each(|(sup, name, how)| write!(f, " {sup} {name} {}", how.letter()))
            }
            Self::Meanwhile { sup, name, how, ask } => write!(f, "!? {sup} {name} {} = {ask}", how.letter()),
            Self::Change { sup, to } => write!(f, "~ {sup} {to}"),
            Self::Start { sup, child } => write!(f, "+ {sup} {child}"),
            Self::Terminate { sup, name } => write!(f, "- {sup} {name}"),
            Self::Restart { sup, name } => write!(f, "^ {sup} {name}"),
            Self::Delete { sup, name } => write!(f, "x {sup} {name}"),
            Self::Which { sup } => write!(f, "? {sup}"),
            Self::Count { sup } => write!(f, "# {sup}"),
            Self::Wait { ms } => write!(f, "z {ms}"),
        }
    }
}

fn mark(significant: bool) -> &'static str {
    if significant { "*" } else { "" }
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn bad(&self, what: &'static str) -> BadText {
        BadText { what, rest: self.0.chars().take(20).collect() }
    }

    fn eat(&mut self, mark: &str) -> bool {
        let rest = self.0.strip_prefix(mark);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, mark: &'static str) -> Result<(), BadText> {
        if self.eat(mark) { Ok(()) } else { Err(self.bad(mark)) }
    }

    fn while_(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !holds(c)).unwrap_or(self.0.len());
        let (read, rest) = self.0.split_at(end);
        self.0 = rest;
        read
    }

    fn name(&mut self) -> Result<String, BadText> {
        let name = self.while_(|c| c.is_ascii_alphanumeric());
        if name.is_empty() { Err(self.bad("a name")) } else { Ok(name.to_owned()) }
    }

    fn number<N: FromStr>(&mut self) -> Result<N, BadText> {
        let digits = self.while_(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| self.bad("a number"))
    }

    fn letter<T>(&mut self, of: impl Fn(char) -> Option<T>, what: &'static str) -> Result<T, BadText> {
        let value = self.0.chars().next().and_then(of).ok_or_else(|| self.bad(what))?;
        self.0 = &self.0[1..];
        Ok(value)
    }

    fn node(&mut self) -> Result<Node, BadText> {
        let name = self.name()?;
        self.expect(":")?;
        match self.letter(Strategy::of_letter, "a strategy") {
            Ok(strategy) => Ok(Node::Sup(self.sup(name, strategy)?)),
            Err(_) => Ok(Node::Worker(self.worker(name)?)),
        }
    }

    fn sup(&mut self, name: String, strategy: Strategy) -> Result<Sup, BadText> {
        let limit = self.number()?;
        let period_s = if self.eat("@") { Some(self.number()?) } else { None };
        let restart = self.letter(Restart::of_letter, "a restart type")?;
        let significant = self.eat("*");
        let auto = if self.eat("Y") {
            Auto::Any
        } else if self.eat("L") {
            Auto::All
        } else {
            Auto::Never
        };
        self.expect("{")?;
        let mut children = Vec::new();
        while !self.eat("}") {
            children.push(self.node()?);
            self.eat(" ");
        }
        Ok(Sup { name, strategy, limit, period_s, restart, significant, auto, children })
    }

    fn worker(&mut self, name: String) -> Result<Worker, BadText> {
        let restart = self.letter(Restart::of_letter, "a restart type")?;
        let significant = self.eat("*");
        let stop = if self.eat("K") {
            Stop::Kill
        } else if self.eat("D") {
            Stop::Deaf
        } else if self.eat("B") {
            Stop::Bang
        } else {
            Stop::Prompt
        };
        let mut plan = Vec::new();
        if self.eat("+") {
            while let Ok(fate) = self.letter(Fate::of_letter, "a fate") {
                plan.push(fate);
            }
        }
        Ok(Worker { name, restart, significant, stop, plan })
    }

    fn hit(&mut self) -> Result<(String, How), BadText> {
        self.expect(" ")?;
        let name = self.name()?;
        self.expect(" ")?;
        Ok((name, self.letter(How::of_letter, "an end")?))
    }

    fn step(&mut self) -> Result<Step, BadText> {
        let kind = self.while_(|c| c != ' ');
        self.expect(" ")?;
        if kind == "z" {
            return Ok(Step::Wait { ms: self.number()? });
        }
        let sup = self.name()?;
        let named = |reader: &mut Self| {
            reader.expect(" ")?;
            reader.name()
        };
        Ok(match kind {
            "!" => {
                let (name, how) = self.hit()?;
                Step::Crash { sup, name, how }
            }
            "!!" => {
                let mut hits = Vec::new();
                while self.0.starts_with(' ') {
                    hits.push(self.hit()?);
                }
                Step::Burst { sup, hits }
            }
            "!*" => {
                let mut sups = vec![sup];
                while !self.eat(" =") {
                    self.expect(" ")?;
                    sups.push(self.name()?);
                }
                let mut hits = Vec::new();
                while self.eat(" ") {
                    let of = self.name()?;
                    let (name, how) = self.hit()?;
                    hits.push((of, name, how));
                }
                Step::Bursts { sups, hits }
            }
            "!?" => {
                let (name, how) = self.hit()?;
                self.expect(" = ")?;
                Step::Meanwhile { sup, name, how, ask: Box::new(self.step()?) }
            }
            "~" => {
                self.expect(" ")?;
                let Node::Sup(to) = self.node()? else { return Err(self.bad("a supervisor")) };
                Step::Change { sup, to }
            }
            "+" => {
                self.expect(" ")?;
                Step::Start { sup, child: self.node()? }
            }
            "-" => Step::Terminate { sup, name: named(self)? },
            "^" => Step::Restart { sup, name: named(self)? },
            "x" => Step::Delete { sup, name: named(self)? },
            "?" => Step::Which { sup },
            "#" => Step::Count { sup },
            _ => return Err(self.bad("a step")),
        })
    }
}

impl FromStr for Scenario {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let mut reader = Reader(text);
        let seed = reader.number()?;
        reader.expect(" ")?;
        let Node::Sup(root) = reader.node()? else { return Err(reader.bad("a supervisor")) };
        let mut steps = Vec::new();
        while reader.eat(";") {
            steps.push(reader.step()?);
        }
        if reader.0.is_empty() { Ok(Self { seed, root, steps }) } else { Err(reader.bad("the end")) }
    }
}
