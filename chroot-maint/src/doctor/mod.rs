//! `chroot-maint doctor`: what is missing on this host for the chroots in the config, each with what mends it.
//!
//! Things are tried rather than looked up wherever a trial leaves nothing behind. Mends nothing itself.

mod archive;
mod host;
mod outputs;
mod report;
mod state;
mod tools;

use std::{io::Write, process::ExitCode};

use crate::{config::Config, error, error::Error, sandbox::Sandbox};

/// Looks at everything, says all of it, and fails if anything that is needed is missing.
pub(crate) fn run(config: Result<Config, Error>) -> Result<ExitCode, Error> {
    let config = config?;
    let mut findings = vec![host::kernel(), host::tools()];
    match Sandbox::open() {
        Ok(sandbox) => {
            findings.push(host::namespaces());
            findings.push(host::overlay(sandbox));
            findings.extend(host::architectures(&config));
            findings.extend(state::look(&config, Some(sandbox)));
            findings.extend(outputs::look(&config, Some(sandbox)));
        }
        Err(error) => {
            findings.push(host::no_namespaces(&error));
            findings.extend(state::look(&config, None));
            findings.extend(outputs::look(&config, None));
        }
    }
    findings.extend(tools::look(&config));
    findings.extend(archive::look(&config));

    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{}", report::Report(&findings)).map_err(Error::Output)?;
    let all_is_well = !findings.iter().any(report::Finding::is_fault);
    Ok(ExitCode::from(if all_is_well { 0 } else { error::UNAVAILABLE }))
}
