//! The list of tools that the config adds for foreign chroots: whether it can be used. Nothing else is needed on the host for
//! these tools than for chroots.

use super::report::Finding;
use crate::{
    body::{self, BodyError},
    config::Config,
};

/// Nothing if no such list is wanted.
pub(super) fn look(config: &Config) -> Option<Finding> {
    let path = config.tool_list.as_ref()?;
    let is_read = config.chroots.values().any(|chroot| !chroot.cross_tools.is_empty());
    is_read.then(|| match body::tool_list(config) {
        Ok(_) => Finding::good(format!("tool-list {}", path.display())),
        Err(error @ BodyError::ToolList { .. }) => Finding::error(&error),
        Err(error) => Finding::fault(on_one_line(&error.to_string()))
            .mend("correct that file, or take `tool-list' out of the config"),
    })
}

/// Without the excerpt that errors of TOML show between what they begin and end with.
fn on_one_line(said: &str) -> String {
    let is_excerpt =
        |line: &&str| line.split_once('|').is_some_and(|(number, _)| is_number(number));
    said.lines().filter(|line| !is_excerpt(line)).collect::<Vec<_>>().join(": ")
}

/// The margin of an excerpt is blank but for the number of its line.
fn is_number(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Config, Finding, look};

    /// What is found of a list with this text; without, there is no file.
    fn found(text: Option<&str>, more: &str) -> Option<Finding> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.toml");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let config = format!("tool-list = '{}'\n[dist.sid]\n{more}", path.display());
        look(&Config::fake(&config))
    }

    const FOREIGN: &str = "archs = ['arm64']\n";

    fn fault(text: Option<&str>) -> String {
        let finding = found(text, FOREIGN).unwrap();
        assert!(finding.is_fault(), "{finding:?}");
        format!("{finding:?}")
    }

    #[test]
    fn a_list_that_is_read_and_can_be_is_good() {
        assert!(!found(Some(""), FOREIGN).unwrap().is_fault());
    }

    #[test]
    fn a_list_that_nobody_reads_is_not_looked_at() {
        assert_eq!(found(None, ""), None);
        assert_eq!(found(None, &format!("{FOREIGN}cross-tools = []\n")), None);
        assert_eq!(look(&Config::fake("[dist.sid]\narchs = ['arm64']\n")), None);
    }

    #[test]
    fn a_list_that_can_not_be_used_is_a_fault_with_what_to_correct() {
        let said = fault(None);
        assert!(said.contains("correct it in the config"), "{said}");
        let said = fault(Some("[[group]]\nname = 'x'\ncolour = 1\n"));
        assert!(
            said.contains("tools.toml: TOML parse error at line 3, column 1: unknown"),
            "{said}"
        );
        assert!(said.contains("correct that file") && !said.contains(" | "), "{said}");
        let uname = "[[group]]\nname='x'\ntier='shell'\nreason='fast'\n\
                     [[group.replace]]\nfile='/usr/bin/uname'\n";
        let said = fault(Some(uname));
        assert!(said.contains("/usr/bin/uname may never be replaced"), "{said}");
    }
}
