//! Examples, files and exit statuses, once for `--help` and for the manual. Does not know how either is laid out beyond
//! its own lines.

/// What to type, and what it does.
pub(crate) const EXAMPLES: [(&str, &str); 11] = [
    ("chroot-maint doctor", "what is missing on this host"),
    ("chroot-maint -j4 all", "make or upgrade all, up to four at once"),
    ("chroot-maint chroot trixie", "those of trixie, of any architecture"),
    ("chroot-maint -f create all", "make what is missing, upgrade nothing"),
    ("chroot-maint -f 12h chroot '*-amd64'", "look at those older than 12 hours"),
    ("chroot-maint -n all", "only say what would be done"),
    ("chroot-maint status", "how old they are, and what failed last"),
    ("chroot-maint enter trixie-arm64", "a shell in it, whose changes are lost"),
    ("chroot-maint rollback trixie-amd64", "the generation before is in use again"),
    ("chroot-maint -ks all", "for cron: go on after failures, quietly"),
    ("chroot-maint job chroot.sid-amd64", "one of them, here, without a log"),
];

/// Exit statuses of this program.
pub(crate) const STATUSES: [(&str, &str); 6] = [
    ("0", "all is well"),
    ("2", "a job failed, or was refused because one that it needs did"),
    ("64", "the call can't be understood, or names what isn't there"),
    ("66", "the config can't be read"),
    ("69", "a tool is missing, or another process has it (--no-wait)"),
    ("78", "the config is wrong, or the state directory is"),
];

/// Those that a job can have besides, by the class of its failure; reports show them as `(exit status 69)`.
pub(crate) const JOB_STATUSES: [(&str, &str); 8] = [
    ("65", "package: one can't be installed, or takes too long"),
    ("69, 71, 73, 77", "host: it lacks a tool, or refuses something; --no-wait"),
    ("70", "emulator: it crashed (tried again once)"),
    ("74", "disk: it is full, or has a fault"),
    ("75", "mirror: it fails for now (tried again some times)"),
    ("76", "policy: not signed as it must be, expired, or not permitted"),
    ("78", "configuration: it asks for what is not there"),
    ("1", "other"),
];

/// What holds for both.
pub(crate) const SIGNALS: &str =
    "Ended by a signal, it dies of that signal: 130 in a shell for Ctrl-C.";

/// The end of the long help.
pub(super) fn after() -> String {
    let examples = lines(&EXAMPLES, 39);
    let (statuses, job_statuses) = (lines(&STATUSES, 16), lines(&JOB_STATUSES, 16));
    format!(
        "\
Examples:
{examples}
Under make, with `+' before the recipe, it shares make's -j:
  maint: ; +chroot-maint all

The config is the first of these that is there:
  --config FILE, $XDG_CONFIG_HOME/chroot-maint.toml, /etc/chroot-maint.toml
Without any, it is the host's own release and architecture. What can be in it:
  man 5 chroot-maint.toml

The chroots and the logs of the jobs are in the state directory:
  what the config says, or /var/lib/chroot-maint for root,
  or $XDG_STATE_HOME/chroot-maint

Exit status:
{statuses}Of `job', and of each job where its failure is reported:
{job_statuses}{SIGNALS}"
    )
}

/// Pairs in two columns.
fn lines(pairs: &[(&str, &str)], width: usize) -> String {
    let line = |(left, right): &(&str, &str)| format!("  {left:<width$}{right}\n");
    pairs.iter().map(line).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn the_help_fits_a_terminal_of_80_columns() {
        for line in after().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
