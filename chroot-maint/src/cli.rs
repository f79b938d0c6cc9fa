//! The command line: what can be said, and the texts that explain it. Does nothing of it.

pub(crate) mod help;

use std::{
    ffi::OsString,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{sandbox::Bind, spec::Fresh};

/// Create, upgrade and maintain a set of Debian chroots from one config
///
/// A chroot is a directory with a whole Debian system in it, for a distribution and an architecture, to build and
/// test in. One that is made is never changed in place: a new generation is made beside it, verified, and put
/// into use by one rename; so what works now is never broken by an update that fails.
///
/// Works as root, or as a user with subordinate ids (see subuid(5)).
#[derive(Debug, Parser)]
#[command(name = "chroot-maint", version, max_term_width = 100, after_long_help = help::after())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What holds for every command; may be given before it and after it.
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Trace what the scheduler does, as lines that begin with ;;
    #[arg(short, long, global = true)]
    pub(crate) debug: bool,

    /// How fresh chroots must be: `create' makes missing ones only, `force' looks at all, and an age such as 7d or 12h
    /// at those that were made or looked at longer ago [default: the config's, or a week]
    #[arg(short, long, value_name = "FRESH", global = true)]
    pub(crate) fresh: Option<Fresh>,

    /// Report failures, do what depends on the failed jobs all the same, and exit with 0
    #[arg(short, long, global = true)]
    pub(crate) ignore_errors: bool,

    /// Run up to N jobs at once; under make, that many of make's at most [default: 1, or make's]
    #[arg(short, long, value_name = "N", global = true, conflicts_with = "forkbomb", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroU32>,

    /// Run as many jobs at once as there are
    #[arg(short = 'J', long, global = true)]
    pub(crate) forkbomb: bool,

    /// Start no job beside others while N processes run on this machine [default: make's -l]
    #[arg(short = 'l', long, value_name = "N", global = true, value_parser = load)]
    pub(crate) max_load: Option<f64>,

    /// After a failure, go on with what does not depend on it
    #[arg(short, long, global = true)]
    pub(crate) keep_going: bool,

    /// Fail at once, and say who it is, where another process works on the same chroot or archive
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,

    /// Only say what would be done
    #[arg(short = 'n', long, global = true)]
    pub(crate) dry_run: bool,

    /// Show the end of a job's output if it fails, and no other output of jobs
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say nothing about progress
    #[arg(short, long, global = true)]
    pub(crate) silent: bool,

    /// Say at the end where the time went: the work, and the jobs that had to wait for each other
    #[arg(long, global = true)]
    pub(crate) timing: bool,

    /// Start jobs in an order drawn from SEED, to find out what depends on the order
    #[arg(long, value_name = "SEED", global = true, hide = true)]
    pub(crate) shuffle: Option<u64>,

    /// Read the config from FILE; in the older form if its name ends in .sh
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

/// Reads the number of jobs; the standard library's errors speak of types.
fn jobs(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("give a whole number from 1 to {}", u32::MAX))
}

fn load(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number >= 0.0);
    number.ok_or_else(|| "give a number, such as 2 or 2.5".to_owned())
}

/// `DIR` or `DIR:DIR`; the second one is a path in the chroot, and so an absolute one.
fn bind(text: &str) -> Result<Bind, String> {
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    if from.is_empty() || to.contains(':') {
        return Err("give DIR or DIR:DIR".to_owned());
    }
    let to = if text.contains(':') {
        PathBuf::from(to)
    } else {
        std::path::absolute(to).map_err(|error| error.to_string())?
    };
    if !to.is_absolute() || to == Path::new("/") {
        return Err(format!(
            "`{}' can't be a place in the chroot: give a path that begins with /",
            to.display()
        ));
    }
    Ok(Bind { from: from.into(), to })
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make or upgrade every chroot in the config that needs it
    ///
    /// The same as the command chroot without WHICH. Meant to be run every night: when nothing has changed, it costs next to nothing.
    All,

    /// Make or upgrade the chosen chroots, where they need it
    ///
    /// One that is missing is made. One that is fresh (see --fresh) is left alone. Of any other, it is looked at whether its
    /// archive has anything new for it; if so, a copy of it is upgraded, verified, and put into use as a new
    /// generation. If the config has changed what it is made of, it is made anew.
    ///
    /// Whatever goes wrong, the generation that was in use stays in use; `status' says what went wrong, and `rollback'
    /// goes back to the generation before. What schroot and sbuild use is brought up to date as well, where the config
    /// wants it.
    Chroot {
        /// DIST-ARCH, DIST, or a glob over DIST-ARCH; all if none is given
        #[arg(value_name = "WHICH")]
        which: Vec<String>,
    },

    /// Make the cross-tools for the chosen foreign chroots, where they would not come out the same
    ///
    /// These are programs of the host's architecture that take the places of the chroot's own, where these would only do the same in
    /// an emulator: compilers and shells above all. They are taken from the chroot of the same distribution for the host's
    /// architecture, which is made if it is missing. The chroots get them when they are made or upgraded the next time.
    ///
    /// With --verify nothing is made. Instead, a small collection of programs, texts and archives is built twice in each of the chosen
    /// chroots that has tools, in throw-away sessions: with the chroot's own programs and with the tools; and every file that comes out is
    /// compared. What differs is told, and the exit status is then 2. Where the chroot's compilers are of another
    /// revision than the tools, the revision's name in what they write does not count.
    CrossTools {
        /// Prove that the tools in the chosen chroots give what the chroots' own programs give
        #[arg(long)]
        verify: bool,

        /// DIST-ARCH, DIST, or a glob over DIST-ARCH; all if none is given
        #[arg(value_name = "WHICH")]
        which: Vec<String>,
    },

    /// Show the chroots in the config, by the names that WHICH takes, and the cross-tools
    ///
    /// Each is on a line of its own: first the chroots, as DIST-ARCH; then the cross-tools that foreign ones of them are to have, by
    /// the names of their jobs, as cross-tools.DIST-ARCH.
    List,

    /// Show how old each chroot is, and what came of the last work on it
    ///
    /// Shown are the chroots in the config, and others that are there; of foreign ones also what of their programs is the host's. Nothing is waited for and nothing changed; that
    /// a chroot is in a bad state is no failure of this command.
    Status {
        /// Write JSON, with the keys that chroot-maint-status(1) describes
        #[arg(long)]
        json: bool,

        /// DIST-ARCH, DIST, or a glob over DIST-ARCH; all if none is given
        #[arg(value_name = "WHICH")]
        which: Vec<String>,
    },

    /// Do one job in the foreground: what the scheduler itself starts
    ///
    /// Jobs are called archive.SUITE-HASH, chroot.DIST-ARCH, cross-tools.DIST-ARCH, sleep.LABEL-SECONDS and bad. Nothing is logged, and nothing
    /// tried again. The last line of one that fails says why, and its status which class of failures that is of.
    Job {
        /// The job's name, as reports and logs show it
        name: String,
    },

    /// Test the scheduler with a job that waits
    ///
    /// Zero seconds are nothing to do.
    Sleep {
        /// How long, such as 0.2
        #[arg(allow_negative_numbers = true)]
        seconds: String,
        /// A word that keeps apart jobs of equal length
        #[arg(default_value = crate::spec::Nap::DEFAULT_LABEL)]
        label: String,
    },

    /// Test the scheduler with a graph of thirty jobs, and one that fails
    ///
    /// The job called bad fails. Ten jobs wait for 0.2 s; ten for 0.5 s, each after a random half of those; ten for 1 s,
    /// each after a random half of the second ten, and after bad: so they are refused. The exit status is 2.
    Test {
        /// Make the same graph again
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },

    /// Open a throw-away session in a chroot, as root in there
    ///
    /// What is changed in it is kept in memory, and gone at its end; the chroot stays as it is. The network, and what
    /// --bind names, are the host's. Without a command it is the user's shell. The exit status is the command's,
    /// or 128 and the number of the signal that ended it; 125 if there could be no session, 126 if the command
    /// can't be run, 127 if there is none.
    ///
    /// With `CHROOT_MAINT_EMULATE' set to `1' in the environment, a foreign chroot uses none of its cross-tools in the session, but its own
    /// programs alone.
    Enter {
        /// DIST-ARCH, DIST or a glob that names one chroot; of several, the one of the host's architecture
        chroot: String,

        /// Be NAME, who must be known in the chroot
        #[arg(long, value_name = "NAME", default_value = "root")]
        user: String,

        /// Show the host's directory DIR in the session, under the same path or another
        #[arg(long, value_name = "DIR[:DIR]", value_parser = bind)]
        bind: Vec<Bind>,

        /// What to run, with its arguments
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },

    /// Put the generation of a chroot into use again that was in use before
    ///
    /// Said again, it goes back one further. The chroot stays as it is then until its archive or the config has changed, or -f force is given;
    /// the generation that was left is kept until the next one is made.
    Rollback {
        /// DIST-ARCH
        chroot: String,
    },

    /// Delete a chroot, with all of its generations
    ///
    /// The cross-tools that were made for a foreign one go with it.
    ///
    /// Also one that is in the config no longer; one that is in it is made again by the next run. What is still used by a
    /// session stays, and is deleted by a later gc; the exit status is then 2.
    Remove {
        /// DIST-ARCH
        chroot: String,
    },

    /// Delete what nothing uses any more
    ///
    /// Those are older generations than the config wants to be kept, what killed runs have left, packages that no chroot
    /// wanted for 30 days, cross-tools that no chroot in the config is to have, and logs but the last ten of each job and those of the last day. What somebody still uses, or works on, is left
    /// alone. With -n it only says what there is.
    Gc,

    /// Say what is missing on this host, and what mends it
    ///
    /// That is, for the chroots in the config. Tries things out, as far as that changes nothing. Fails with 69 if something is missing.
    Doctor,

    /// Write the manual pages into a directory
    ///
    /// There they are man1/chroot-maint.1, man1/chroot-maint-COMMAND.1 and man5/chroot-maint.toml.5. What is missing of
    /// the directory is made. To read them there: man -M DIR chroot-maint
    Man {
        /// Such as /usr/local/share/man
        dir: PathBuf,
    },

    /// Write what a shell needs to complete commands, options and chroots
    ///
    /// It is a script on standard output. In bash, for a try: source <(chroot-maint completions bash)
    Completions {
        /// The shell that it is for
        shell: Shell,
    },

    /// Build a sandbox: for this program's own use
    #[command(hide = true)]
    InSandbox {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },

    /// Change a user's cache of tarballs: for this program's own use
    #[command(hide = true)]
    InCache {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },

    /// Delete a directory below work/ in the state directory: for this program's own use
    #[command(hide = true)]
    RemoveTree { path: PathBuf },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for words in [["chroot-maint", "-kj4", "all"], ["chroot-maint", "all", "-kj4"]] {
            let options = Cli::try_parse_from(words).unwrap().options;
            assert!(options.keep_going);
            assert_eq!(options.jobs.map(u32::from), Some(4));
        }
    }

    #[test]
    fn a_number_of_jobs_and_no_limit_exclude_each_other() {
        assert!(Cli::try_parse_from(["chroot-maint", "-j2", "-J", "all"]).is_err());
    }

    #[test]
    fn a_bad_number_of_jobs_is_met_with_what_to_give() {
        for number in ["0", "x", "99999999999", ""] {
            let error = Cli::try_parse_from(["chroot-maint", "--jobs", number, "all"]).unwrap_err();
            assert!(error.to_string().contains("give a whole number from 1"), "{error}");
        }
    }

    #[test]
    fn a_load_is_a_number_that_is_not_negative() {
        let load = |text| Cli::try_parse_from(["chroot-maint", "-l", text, "all"]);
        assert_eq!(load("2.5").unwrap().options.max_load, Some(2.5));
        for text in ["NaN", "x", "--max-load=-1"] {
            assert!(load(text).is_err(), "{text}");
        }
    }
}
