//! What is said of a comparison, in lines that begin with the chroot's name. Decides nothing.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    time::Duration,
};

use super::{
    compare::Difference,
    results::{Kind, Results},
    session::Built,
};
use crate::spec::{ChrootId, Placement};

/// Two builds, and what came of comparing them.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) id: ChrootId,
    pub(super) placement: Placement,
    pub(super) emulated: Built,
    pub(super) accelerated: Built,
    pub(super) differences: Vec<Difference>,
}

impl Report {
    pub(super) fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    /// Writes it, with the names of chroots padded to a width; if quietly, differences only.
    pub(super) fn write(&self, to: &mut impl Write, width: usize, quietly: bool) -> io::Result<()> {
        let name = format!("{}:", self.id);
        let width = width + 1;
        for difference in &self.differences {
            writeln!(to, "{name:width$} {difference}")?;
        }
        if quietly {
            return Ok(());
        }
        let (mut absent, mut others) = (left_out(&self.emulated.results), Vec::new());
        for group in self.placement.groups.iter().filter(|group| !group.is_in) {
            match group.word() {
                "absent" => drop(absent.insert(group.name.clone())),
                _ => others.push(format!("{} is not placed: {}", group.name, group.verdict)),
            }
        }
        for other in others {
            writeln!(to, "{name:width$} {other}")?;
        }
        if !absent.is_empty() {
            let absent = Vec::from_iter(absent).join(", ");
            writeln!(to, "{name:width$} not tried, as the chroot has not got them: {absent}")?;
        }
        let (took, instead) = (seconds(self.accelerated.took), seconds(self.emulated.took));
        writeln!(to, "{name:width$} {}, built in {took} instead of {instead}", self.outcome())
    }

    fn outcome(&self) -> String {
        let count = |all: &Results| {
            all.values().filter(|entry| matches!(entry.kind, Kind::File(_) | Kind::Link(_))).count()
        };
        let all = count(&self.emulated.results).max(count(&self.accelerated.results));
        match self.differences.len() {
            0 => format!("{all} files the same"),
            differing => format!("{differing} of {all} files differ"),
        }
    }
}

/// Programs that the corpus would have called.
fn left_out(results: &Results) -> BTreeSet<String> {
    let list = results.get("left-out").map(|entry| &entry.kind);
    let Some(Kind::File(list)) = list else {
        return BTreeSet::new();
    };
    String::from_utf8_lossy(list).lines().map(str::to_owned).collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Built, Report};
    use crate::{
        spec::{ChrootId, Placed, Placement, Tier},
        verify::{
            compare::{Rule, compare},
            results::{Entry, Kind, Results},
        },
    };

    fn built(text: &str, took: u64) -> Built {
        let file = |text: &str| Entry { mode: 0o644, kind: Kind::File(text.into()) };
        let results: Results =
            [("a".to_owned(), file(text)), ("left-out".to_owned(), file("m4\n"))].into();
        Built { results, took: Duration::from_millis(took) }
    }

    fn lines(accelerated: &str, quietly: bool) -> String {
        let (emulated, accelerated) = (built("x\n", 95_170), built(accelerated, 3_120));
        let differences = compare(&emulated.results, &accelerated.results, Rule::Identical);
        let placed = |name: &str, verdict: &str| Placed {
            name: name.to_owned(),
            tier: Tier::Shell,
            is_in: false,
            verdict: verdict.to_owned(),
        };
        let groups = vec![
            placed("gawk", "absent: gawk is not installed"),
            placed("sed", "refused: it is of another version"),
        ];
        let placement = Placement { groups, ..Placement::default() };
        let id = ChrootId::parse("trixie-arm64").unwrap();
        let report = Report { id, placement, emulated, accelerated, differences };
        let mut to = Vec::new();
        report.write(&mut to, 13, quietly).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn sameness_is_one_line_after_what_was_not_tried() {
        assert_eq!(
            lines("x\n", false),
            "trixie-arm64:  sed is not placed: refused: it is of another version\n\
             trixie-arm64:  not tried, as the chroot has not got them: gawk, m4\n\
             trixie-arm64:  2 files the same, built in 3.1 s instead of 95.2 s\n"
        );
    }

    #[test]
    fn differences_come_first_and_alone_if_quietly() {
        let difference = "trixie-arm64:  a differs: line 1 is `y' instead of `x'\n";
        assert_eq!(lines("y\n", true), difference);
        let all = lines("y\n", false);
        assert!(all.starts_with(difference) && all.contains("1 of 2 files differ"), "{all}");
    }
}
