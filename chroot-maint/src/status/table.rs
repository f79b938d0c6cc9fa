//! The report for people: a row for each chroot, and below the table what needs more words than a row has.

use std::fmt;

use super::{
    ago,
    look::Row,
    notes::notes,
    verdict::{Good, State},
};
use crate::{
    spec::{Output, Size},
    store::Action,
};

/// All of it, as it is written.
pub(super) struct Table<'a> {
    pub(super) rows: &'a [Row],
    /// In seconds since 1970.
    pub(super) now: u64,
}

/// A column: its head, whether it is flush right, and what it says of a chroot.
struct Column {
    head: &'static str,
    right: bool,
    cell: fn(&Row, u64) -> String,
}

/// Left out where no chroot is foreign: most tables do without it.
const TOOLS: Column = Column { head: "CROSS-TOOLS", right: false, cell: |row, _| tools(row) };

const COLUMNS: [Column; 8] = [
    Column { head: "CHROOT", right: false, cell: |row, _| row.id.to_string() },
    Column { head: "GEN", right: true, cell: |row, _| or_dash(row.number.map(|n| n.to_string())) },
    Column { head: "AGE", right: true, cell: age },
    Column { head: "SIZE", right: true, cell: size },
    Column {
        head: "CHECKED",
        right: true,
        cell: |row, now| or_dash(row.checked.map(|checked| ago(checked, now))),
    },
    Column { head: "OUTPUTS", right: false, cell: |row, _| outputs(row) },
    TOOLS,
    Column { head: "LAST OUTCOME", right: false, cell: |row, _| outcome(row) },
];

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_tools = self.rows.iter().any(|row| row.tools.is_some());
        let columns = COLUMNS.iter().filter(|column| has_tools || column.head != TOOLS.head);
        let columns: Vec<&Column> = columns.collect();
        let cells_of = |row| columns.iter().map(|column| (column.cell)(row, self.now)).collect();
        let heads = columns.iter().map(|column| column.head.to_owned()).collect();
        let lines: Vec<Vec<String>> =
            std::iter::once(heads).chain(self.rows.iter().map(cells_of)).collect();
        let width = |index: usize| lines.iter().map(|line| line[index].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        for line in &lines {
            let padded = line.iter().zip(&widths).zip(&columns).map(|((cell, width), column)| {
                if column.right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let padded: Vec<String> = padded.collect();
            writeln!(f, "{}", padded.join("  ").trim_end())?;
        }
        let mut notes = self
            .rows
            .iter()
            .flat_map(|row| notes(row, self.now).into_iter().map(move |note| (&row.id, note)))
            .peekable();
        if notes.peek().is_some() {
            writeln!(f)?;
        }
        notes.try_for_each(|(id, note)| write!(f, "{id}: {note}"))
    }
}

fn age(row: &Row, now: u64) -> String {
    or_dash(row.current.as_ref().map(|current| ago(current.record.created, now)))
}

fn size(row: &Row, _: u64) -> String {
    or_dash(row.current.as_ref().map(|current| Size(current.record.size).to_string()))
}

/// The directory goes without saying.
fn outputs(row: &Row) -> String {
    let others = row.outputs.iter().filter(|handed| handed.output != Output::Directory);
    let names: Vec<&str> = others.map(|handed| handed.output.name()).collect();
    or_dash(Some(names.join(" ")).filter(|names| !names.is_empty()))
}

/// How many groups there are of each kind, but for those that the chroot has no use for.
fn tools(row: &Row) -> String {
    let kinds = ["exact", "close", "refused", "failed"].into_iter().filter_map(|word| {
        let count = row.tools.as_ref()?.count(word);
        (count > 0).then(|| format!("{count} {word}"))
    });
    or_dash(Some(kinds.collect::<Vec<_>>().join(", ")).filter(|kinds| !kinds.is_empty()))
}

fn outcome(row: &Row) -> String {
    match row.state() {
        State::Working => "at work".to_owned(),
        State::Broken => "broken".to_owned(),
        State::Interrupted => "killed".to_owned(),
        State::Failed(class) => format!("failed: {class}"),
        State::Missing => "not made yet".to_owned(),
        State::Good(good) => match good {
            Good::Did(Action::Create) => "created",
            Good::Did(Action::Upgrade) => "upgraded",
            Good::Did(Action::HandOut) => "handed out",
            Good::Did(Action::Look) | Good::Checked => "checked",
            Good::Made => "made",
        }
        .to_owned(),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}
