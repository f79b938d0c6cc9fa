//! A TOML table read key by key, so that every fault has a place and a key nobody asked for is one.
//!
//! Does not know which keys there are.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Place, Problem};
use crate::spec::nearest;

/// A table whose keys are taken out one after another; [`TableReader::finish`] objects to the rest.
pub(super) struct TableReader<'t> {
    text: &'t str,
    /// How errors call the table: `[defaults]`.
    title: String,
    entries: &'t DeTable<'t>,
    asked: Vec<&'static str>,
}

/// A value with its place.
pub(super) struct Value<'t> {
    text: &'t str,
    key: String,
    node: &'t Spanned<DeValue<'t>>,
}

impl<'t> TableReader<'t> {
    pub(super) fn new(text: &'t str, title: &str, table: &'t DeTable<'t>) -> Self {
        Self { text, title: title.to_owned(), entries: table, asked: Vec::new() }
    }

    /// The value of a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.asked.push(key);
        let value = self.entries.get(key)?;
        Some(Value { text: self.text, key: key.to_owned(), node: value })
    }

    /// Reads the value of a key by `read`, if the key is there.
    pub(super) fn take_as<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'t>) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        self.take(key).map(read).transpose()
    }

    /// An error for the first key that was not asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let unknown =
            self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown.min_by_key(|(key, _)| key.span().start) else {
            return Ok(());
        };
        let name = key.get_ref();
        let hint = match nearest(name, self.asked.iter().copied()) {
            Some(near) => format!("did you mean `{near}'?"),
            None => format!("there are: {}", self.asked.join(", ")),
        };
        Err(problem(self.text, &key.span(), format!("unknown key `{name}' {}; {hint}", self.title)))
    }
}

impl<'t> Value<'t> {
    /// An error at this value.
    pub(super) fn fault(&self, message: &str) -> Problem {
        problem(self.text, &self.node.span(), format!("{}: {message}", self.key))
    }

    /// A text that `read` makes something of.
    pub(super) fn text<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Problem> {
        let text =
            self.node.get_ref().as_str().ok_or_else(|| self.fault("a text in quotes is wanted"))?;
        read(text).map_err(|message| self.fault(&message))
    }

    /// A list of texts, each of which `read` makes something of; no two alike.
    pub(super) fn list<T: PartialEq>(
        &self,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Problem> {
        let items = self
            .node
            .get_ref()
            .as_array()
            .ok_or_else(|| self.fault("a list of texts in brackets is wanted"))?;
        let mut list = Vec::with_capacity(items.len());
        for value in items {
            let item = Value { text: self.text, key: self.key.clone(), node: value };
            let element = item.text(&read)?;
            if list.contains(&element) {
                let again = value.get_ref().as_str().unwrap_or_default();
                return Err(item.fault(&format!("duplicate `{again}'")));
            }
            list.push(element);
        }
        Ok(list)
    }

    /// As [`Value::list`], of one text at least.
    pub(super) fn some<T: PartialEq>(
        &self,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Problem> {
        let list = self.list(read)?;
        if list.is_empty() { Err(self.fault("there must be one at least")) } else { Ok(list) }
    }

    /// A whole number that is one at least.
    pub(super) fn count(&self) -> Result<u32, Problem> {
        let count = self.natural().filter(|&count| count > 0);
        count.ok_or_else(|| self.fault("a whole number of 1 or more is wanted"))
    }

    /// A whole number, which may be 0.
    pub(super) fn number(&self) -> Result<u32, Problem> {
        self.natural().ok_or_else(|| self.fault("a whole number is wanted"))
    }

    fn natural(&self) -> Option<u32> {
        let number = self.node.get_ref().as_integer()?;
        u32::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// A table, whose keys are to be read in turn.
    pub(super) fn table(&self, title: &str) -> Result<TableReader<'t>, Problem> {
        let table =
            self.node.get_ref().as_table().ok_or_else(|| self.fault("a table is wanted"))?;
        Ok(TableReader::new(self.text, title, table))
    }

    /// A table whose keys are names of the user's choice: each with its value, in the file's order.
    pub(super) fn named(&self) -> Result<Vec<(Named<'t>, Value<'t>)>, Problem> {
        let table =
            self.node.get_ref().as_table().ok_or_else(|| self.fault("a table is wanted"))?;
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let pair = |(key, value): (&'t Spanned<toml::de::DeString<'t>>, _)| {
            let name = key.get_ref().as_ref();
            let named = Named { text: self.text, name, span: key.span() };
            (named, Value { text: self.text, key: format!("{}.{name}", self.key), node: value })
        };
        Ok(entries.into_iter().map(pair).collect())
    }
}

/// A key of the user's choice with its place.
pub(super) struct Named<'t> {
    text: &'t str,
    pub(super) name: &'t str,
    span: Range<usize>,
}

impl Named<'_> {
    /// An error at this key.
    pub(super) fn fault(&self, message: String) -> Problem {
        problem(self.text, &self.span, message)
    }
}

fn problem(text: &str, span: &Range<usize>, message: String) -> Problem {
    Problem { place: Place::of(text, span.start), message }
}
