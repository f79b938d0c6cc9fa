//! Manual pages of section 1: one for the program, and one for each command that is not hidden.
//!
//! What stands in `--help` comes from there; what only the manual holds is in files of roff, which are put between
//! that and the end. Knows nothing of section 5.

use std::io;

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::cli::help;

/// What else there is to say, by command.
const MORE: [(&str, &str); 4] = [
    ("", include_str!("../../man/chroot-maint.roff")),
    ("chroot", include_str!("../../man/chroot-maint-chroot.roff")),
    ("cross-tools", include_str!("../../man/chroot-maint-cross-tools.roff")),
    ("status", include_str!("../../man/chroot-maint-status.roff")),
];

const NAME: &str = "chroot-maint";

/// Every page with the name of its file.
pub(super) fn pages(whole: &Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let commands: Vec<&Command> =
        whole.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    let mut pages = vec![(format!("{NAME}.1"), main_page(whole)?)];
    for command in &commands {
        let name = format!("{NAME}-{}.1", command.get_name());
        pages.push((name, command_page(command)?));
    }
    Ok(pages)
}

fn main_page(whole: &Command) -> io::Result<Vec<u8>> {
    let usage = "chroot-maint [-dikJnqs] [-f FRESH] [-j N] [-l N] [--timing] [--config FILE] COMMAND [ARG...]";
    let man = man(
        whole
            .clone()
            .override_usage(usage)
            .subcommand_help_heading("COMMANDS")
            .disable_help_subcommand(true),
        NAME,
    );
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend(more(""));
    statuses(&mut page)?;
    examples(&mut page)?;
    Ok(finish(
        &page,
        &["chroot-maint.toml(5)", "mmdebstrap(1)", "schroot(1)", "sbuild(1)", "subuid(5)"],
    ))
}

fn command_page(command: &Command) -> io::Result<Vec<u8>> {
    let name = format!("{NAME}-{}", command.get_name());
    // Asked of a copy, for the answer leaves `--help' among the options.
    let alone = command.clone().bin_name(format!("{NAME} {}", command.get_name()));
    let usage = alone.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = man(alone.override_usage(usage).disable_help_flag(true), &name);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    let mut after = Roff::new();
    if command.get_arguments().next().is_none() {
        after.control("SH", ["OPTIONS"]);
    } else {
        after.control("PP", []);
    }
    after.text([roman("The options of "), bold(NAME), roman("(1) can be given as well.")]);
    after.to_writer(&mut page)?;
    page.extend(more(command.get_name()));
    Ok(finish(&page, &["chroot-maint(1)", "chroot-maint.toml(5)"]))
}

/// With a first line as manuals have it, and all of the text below it.
fn man(command: Command, name: &str) -> Man {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let first_letter = |change: fn(char) -> String| {
        let mut letters = about.chars();
        letters.next().map(change).unwrap_or_default() + letters.as_str()
    };
    let command = command
        .about(first_letter(|letter| letter.to_lowercase().collect()))
        .long_about(long.replacen(&about, &format!("{about}."), 1))
        .display_name(name.to_owned());
    Man::new(command)
        .title(name.to_uppercase())
        .source(concat!("chroot-maint ", env!("CARGO_PKG_VERSION")))
        .manual("chroot-maint")
}

/// The hand-written part of a command's page.
fn more(command: &str) -> &'static [u8] {
    MORE.iter().find(|(name, _)| *name == command).map_or(b"", |(_, roff)| roff.as_bytes())
}

fn statuses(page: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    list(&mut roff, &help::STATUSES);
    roff.control("PP", []);
    roff.text([roman("Of "), bold("chroot-maint job"), roman(", and so of each job in a report:")]);
    list(&mut roff, &help::JOB_STATUSES);
    roff.control("PP", []);
    roff.text([roman(help::SIGNALS)]);
    roff.to_writer(page)
}

fn examples(page: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    list(&mut roff, &help::EXAMPLES);
    roff.to_writer(page)
}

fn list(roff: &mut Roff, entries: &[(&str, &str)]) {
    for (what, means) in entries {
        roff.control("TP", []);
        roff.text([bold(*what)]);
        let (first, others) = means.split_at(1);
        roff.text([roman(format!("{}{others}.", first.to_uppercase()))]);
    }
}

/// The page with the others to read, and quotes as they are printed.
fn finish(page: &[u8], also: &[&str]) -> Vec<u8> {
    let mut text = quotes(&String::from_utf8_lossy(page));
    text.push_str(".SH SEE ALSO\n");
    let also: Vec<String> = also
        .iter()
        .filter_map(|page| page.split_once('('))
        .map(|(name, section)| format!(".BR {} ({section}", name.replace('-', "\\-")))
        .collect();
    text.push_str(&also.join(" ,\n"));
    text.push('\n');
    text.into_bytes()
}

/// A word between a backtick and an apostrophe is a quoted one.
fn quotes(roff: &str) -> String {
    const APOSTROPHE: &str = "\\*(Aq";
    let mut text = String::with_capacity(roff.len());
    let mut rest = roff;
    while let Some((before, after)) = rest.split_once('`') {
        text.push_str(before);
        let Some((word, after)) = after.split_once(APOSTROPHE) else {
            rest = after;
            continue;
        };
        text.extend(["\\(oq", word, "\\(cq"]);
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{MORE, pages, quotes};
    use crate::cli::Cli;

    #[test]
    fn every_command_that_is_not_hidden_has_a_page_with_a_name_and_its_way_to_the_others() {
        let pages = pages(&Cli::command()).unwrap();
        for command in Cli::command().get_subcommands() {
            let name = format!("chroot-maint-{}.1", command.get_name());
            let page = pages.iter().find(|(file, _)| *file == name);
            assert_eq!(page.is_some(), !command.is_hide_set(), "{name}");
        }
        for (name, page) in &pages {
            let page = String::from_utf8(page.clone()).unwrap();
            for part in [".TH CHROOT", ".SH NAME\nchroot\\-maint", ".SH SYNOPSIS", ".SH SEE ALSO"] {
                assert!(page.contains(part), "no {part} in {name}");
            }
            for word in ["in\\-sandbox", "remove\\-tree", "shuffle", "`"] {
                assert!(!page.contains(word), "{word} is in {name}");
            }
        }
    }

    #[test]
    fn what_is_written_by_hand_belongs_to_a_command() {
        let whole = Cli::command();
        for (name, _) in MORE.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(whole.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn only_a_backtick_begins_a_quotation() {
        assert_eq!(quotes("make\\*(Aqs `x\\*(Aq, `y"), "make\\*(Aqs \\(oqx\\(cq, y");
    }
}
