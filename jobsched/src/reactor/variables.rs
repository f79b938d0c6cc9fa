//! The variables of the environment that tell a child of a jobserver, and what becomes of them for
//! jobs that share ours and for those that don't. Doesn't know who shares.

use std::ffi::{OsStr, OsString};

use crate::process::Environment;
use crate::tokens::{Shared, without_jobserver};

/// `MAKEFLAGS` is make's own. `MFLAGS` is exported by it too, for makes of old; the last one is read
/// before the others by programs that use the `jobserver` crate, cargo among them.
const NAMES: [&str; 3] = ["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS"];

/// Their values in this process.
pub(crate) struct MakeVariables(Vec<(&'static str, Option<OsString>)>);

impl MakeVariables {
    pub(crate) fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self(NAMES.iter().map(|&name| (name, variable(name))).collect())
    }

    /// For a job that shares no jobserver: whatever names one is taken out.
    pub(crate) fn alone(&self) -> Environment {
        let variables = self.0.iter().filter_map(|(name, value)| {
            let rest = without_jobserver(value.as_deref()?)?;
            Some((*name, Some(rest)))
        });
        Environment { variables: variables.collect(), inherit: Vec::new(), news: false }
    }

    /// For a job that shares this one.
    pub(super) fn shared(&self, shared: &Shared) -> Environment {
        let variables = self.0.iter().filter_map(|(name, value)| {
            // The others matter only where something in them would be believed.
            let value = match value {
                None if *name == NAMES[0] => OsStr::new(""),
                value => value.as_deref()?,
            };
            Some((*name, Some(shared.makeflags(value))))
        });
        let inherit = shared.descriptors().to_vec();
        Environment { variables: variables.collect(), inherit, news: true }
    }
}
