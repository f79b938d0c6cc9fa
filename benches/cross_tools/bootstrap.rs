//! Making a chroot with compilers, from packages that have been fetched before: only the job itself is measured.

use crate::{
    Result,
    chroots::{Chroots, Side, Tools},
    table::{Bound, Rounds, Table},
};

/// What a chroot says of its own: its architecture and its packages.
const DESCRIBE: &str = "dpkg --print-architecture
dpkg-query --show --showformat '${Package} ${Version} ${Architecture} ${db:Status-Status}\\n'
test ! -d /usr/lib/chroot-maint || echo with cross-tools";
const WITH_TOOLS: &str = "with cross-tools";

pub(crate) fn measure(chroots: &Chroots, rounds: Rounds) -> Result<Table> {
    // What they need of packages and tools is there then.
    chroots.make()?;
    let ways = [
        (Side::Native, Tools::Host),
        (Side::Foreign, Tools::Host),
        (Side::Foreign, Tools::Emulated),
    ];
    let [native, foreign] = [Side::Native, Side::Foreign].map(|side| chroots.name(side));
    let names =
        [native, format!("{foreign}, cross-tools"), format!("{foreign}, `cross-tools = []`")];
    let mut table =
        Table::new("Making a chroot", names).emulated(2).target(1, 2, Bound::AtMost(1.0 / 3.0));
    // They go with the chroot that they are for, and are not what is measured.
    let has_tools_first = |way: usize| ways[way] == (Side::Foreign, Tools::Host);
    let mut packages: Option<Vec<String>> = None;
    table.measure(rounds, |way| {
        let (side, tools) = ways[way];
        chroots.remove(side)?;
        chroots.look_at_archives()?;
        if has_tools_first(way) {
            chroots.make_tools()?;
        }
        let time = chroots.bootstrap(side, tools)?;
        let said = chroots.ask(side, DESCRIBE)?;
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        let has_tools = lines.last().is_some_and(|line| line == WITH_TOOLS);
        if has_tools {
            lines.pop();
        }
        if has_tools != (side == Side::Foreign && tools == Tools::Host) {
            return Err(format!("has cross-tools: {has_tools}").into());
        }
        if lines.first().map(String::as_str) != Some(chroots.arch(side)) {
            return Err(format!("is of another architecture: {:?}", lines.first()).into());
        }
        if let Some(line) = lines.iter().skip(1).find(|line| !line.ends_with(" installed")) {
            return Err(format!("not installed: {line}").into());
        }
        if side == Side::Foreign && packages.get_or_insert(lines.clone()) != &lines {
            return Err("has other packages than the other one".into());
        }
        Ok(time)
    })?;
    table.note("Both ways, the foreign chroot has the same packages.");
    Ok(table)
}
