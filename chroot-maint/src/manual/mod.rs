//! The manual pages and the completions of shells, made from the same definition as `--help`. What that does not
//! hold is in chroot-maint/man. Installs nothing.

mod completions;
mod page;

use std::{fs, io::Write, path::Path, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, error::Error};

/// The format of the config is documented by hand.
const CONFIG_PAGE: &str = include_str!("../../man/chroot-maint.toml.5");

/// Writes all pages into a tree of manuals, which is made if it is missing: `DIR/man1/NAME.1`.
pub(crate) fn write_pages(dir: &Path) -> Result<ExitCode, Error> {
    let fault = |path: &Path, source| Error::Write { path: path.to_owned(), source };
    let mut pages = page::pages(&Cli::command()).map_err(|source| fault(dir, source))?;
    pages.push(("chroot-maint.toml.5".to_owned(), CONFIG_PAGE.as_bytes().to_owned()));
    for (name, text) in pages {
        let section = name.rsplit('.').next().unwrap_or_default();
        let place = dir.join(format!("man{section}"));
        fs::create_dir_all(&place).map_err(|source| fault(&place, source))?;
        let path = place.join(name);
        fs::write(&path, text).map_err(|source| fault(&path, source))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a shell's script to standard output.
pub(crate) fn write_completions(shell: Shell) -> Result<ExitCode, Error> {
    let script = completions::script(shell, &Cli::command());
    std::io::stdout().lock().write_all(script.as_bytes()).map_err(Error::Output)?;
    Ok(ExitCode::SUCCESS)
}
