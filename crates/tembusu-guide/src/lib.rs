//! Compiles and runs what the guide in `docs/` shows. There is nothing else here.

macro_rules! chapters {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../docs/", $file))]
            struct $name;
        )*

        /// The chapters whose examples are run.
        #[cfg(test)]
        const CHAPTERS: &[&str] = &[$($file),*];
    };
}

chapters! {
    Why = "why.md",
    FirstTree = "first-tree.md",
    Strategies = "strategies.md",
    Intensity = "intensity.md",
    Degraded = "degraded.md",
    InlineCalls = "inline-calls.md",
    Isolation = "isolation.md",
    Testing = "testing.md",
    FromOtp = "from-otp.md",
    Deviations = "otp-deviations.md",
    FromOthers = "from-others.md",
    Operating = "operating.md",
    Overload = "overload.md",
    Scale = "scale.md",
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::CHAPTERS;

    #[test]
    fn every_chapter_of_the_summary_is_here_and_every_link_leads_somewhere() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let listed = links(&read("SUMMARY.md"));
        for name in CHAPTERS {
            assert!(listed.iter().any(|chapter| chapter == name), "{name} is not in the summary");
        }
        for chapter in &listed {
            assert!(CHAPTERS.contains(&&**chapter), "{chapter} is in the summary, and its examples are not run");
            for link in links(&read(chapter)) {
                let file = link.split('#').next().unwrap_or_default();
                assert!(file.is_empty() || docs.join(file).exists(), "{chapter} links to {link}");
            }
        }
    }

    /// The relative targets of a page's links.
    fn links(text: &str) -> Vec<String> {
        text.split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|target| !target.contains("://"))
            .map(str::to_owned)
            .collect()
    }
}
