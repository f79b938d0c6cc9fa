//! The chroots that are measured, kept by the program in a state directory of their own; and sessions in them, with the time
//! of what happens between two marks. Does not know what is built.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Result, outcome::Outcome};

/// Where sessions have the directory that they share with this program.
pub(crate) const SHARED: &str = "/bench";

/// What a session says before what is measured, and after it. The host's clock decides: an emulated one would count itself.
const BEGIN: &str = "cross_tools: begin";
const END: &str = "cross_tools: end";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Native,
    Foreign,
}

/// Whose programs a foreign chroot runs, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    Host,
    Emulated,
}

impl Tools {
    /// What a command of a session begins with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Host => "env",
            Self::Emulated => "env CHROOT_MAINT_EMULATE=1",
        }
    }
}

/// What came of a session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) time: Duration,
    /// What it said besides the marks.
    pub(crate) said: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) struct Chroots {
    dir: PathBuf,
    dist: String,
    native: String,
    foreign: String,
}

impl Chroots {
    /// In this directory, of which nothing else may be in use.
    pub(crate) fn new(dir: &Path, dist: &str, foreign: &str) -> Result<Self> {
        let said = Command::new("dpkg").arg("--print-architecture").output()?.stdout;
        let native = String::from_utf8(said)?.trim().to_owned();
        if native == foreign {
            return Err(format!("{foreign} is this host's own architecture: name another").into());
        }
        let chroots = Self {
            dir: dir.to_owned(),
            dist: dist.to_owned(),
            native,
            foreign: foreign.to_owned(),
        };
        fs::create_dir_all(chroots.shared())?;
        // Whoever builds meanwhile gives the one that cargo has built other contents.
        fs::copy(env!("CARGO_BIN_EXE_chroot-maint"), dir.join("chroot-maint"))?;
        for (tools, setting) in [(Tools::Host, ""), (Tools::Emulated, "cross-tools = []\n")] {
            let state = chroots.state();
            let text = format!(
                "state-dir = '{}'\n[dist.{dist}]\narchs = ['{}', '{foreign}']\n{setting}",
                state.display(),
                chroots.native,
            );
            fs::write(chroots.config(tools), text)?;
        }
        Ok(chroots)
    }

    pub(crate) fn arch(&self, side: Side) -> &str {
        match side {
            Side::Native => &self.native,
            Side::Foreign => &self.foreign,
        }
    }

    pub(crate) fn dist(&self) -> &str {
        &self.dist
    }

    pub(crate) fn name(&self, side: Side) -> String {
        format!("{}-{}", self.dist, self.arch(side))
    }

    pub(crate) fn tree(&self, side: Side) -> PathBuf {
        self.state().join("chroots").join(self.name(side)).join("current")
    }

    /// What sessions have as [`SHARED`].
    pub(crate) fn shared(&self) -> PathBuf {
        self.dir.join("shared")
    }

    fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    fn config(&self, tools: Tools) -> PathBuf {
        self.dir.join(match tools {
            Tools::Host => "cross-tools.toml",
            Tools::Emulated => "emulated.toml",
        })
    }

    /// The program. What make or a caller wants of builds is not for it.
    fn program(&self, tools: Tools) -> Command {
        let mut command = Command::new(self.dir.join("chroot-maint"));
        command.arg("--config").arg(self.config(tools)).stdin(Stdio::null());
        for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_MAKEFLAGS"] {
            command.env_remove(variable);
        }
        command
    }

    /// Has both chroots, the foreign one with the host's tools in it. One that was made without them would stay so for as long
    /// as it is fresh: it is made anew.
    pub(crate) fn make(&self) -> Result<()> {
        self.make_missing()?;
        if !self.has_tools()? {
            self.remove(Side::Foreign)?;
            self.make_missing()?;
            if !self.has_tools()? {
                return Err(format!("{} has no cross-tools", self.name(Side::Foreign)).into());
            }
        }
        Ok(())
    }

    fn has_tools(&self) -> Result<bool> {
        let script = "test ! -d /usr/lib/chroot-maint || echo there";
        Ok(!self.ask(Side::Foreign, script)?.is_empty())
    }

    fn make_missing(&self) -> Result<()> {
        let (native, foreign) = (self.name(Side::Native), self.name(Side::Foreign));
        eprintln!("making {native} and {foreign}, where they are not there yet");
        let mut program = self.program(Tools::Host);
        program.args(["--quiet", "chroot", &native, &foreign]);
        // Tables alone are on standard output.
        program.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
        let status = program.status()?;
        if !status.success() {
            return Err(format!("the chroots can't be made: {status}").into());
        }
        Ok(())
    }

    /// Looks at all archives again, so that what comes next needs not.
    pub(crate) fn look_at_archives(&self) -> Result<()> {
        for entry in fs::read_dir(self.state().join("archive"))? {
            let name = entry?.file_name().into_string().map_err(|_| "a strange archive")?;
            self.run(Tools::Host, &["job", &format!("archive.{name}")])?;
        }
        Ok(())
    }

    pub(crate) fn remove(&self, side: Side) -> Result<()> {
        if self.tree(side).exists() {
            self.run(Tools::Host, &["remove", &self.name(side)])?;
        }
        Ok(())
    }

    pub(crate) fn make_tools(&self) -> Result<()> {
        self.run(Tools::Host, &["job", &format!("cross-tools.{}", self.name(Side::Foreign))])
    }

    /// How long the job takes that makes a chroot.
    pub(crate) fn bootstrap(&self, side: Side, tools: Tools) -> Result<Duration> {
        let job = format!("chroot.{}", self.name(side));
        let start = Instant::now();
        self.run(tools, &["job", &job])?;
        Ok(start.elapsed())
    }

    fn run(&self, tools: Tools, words: &[&str]) -> Result<()> {
        let output = self.program(tools).args(words).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = end_of(&String::from_utf8_lossy(&said));
        Err(format!("{}: {}:\n{said}", words.join(" "), output.status).into())
    }

    /// What a command says in a session.
    pub(crate) fn ask(&self, side: Side, script: &str) -> Result<String> {
        Ok(self.start(side, script)?.1)
    }

    /// Runs the scripts one after the other in one session, and takes the time of the second one. What they put into the
    /// directory `out` of [`SHARED`] is the outcome.
    pub(crate) fn session(
        &self,
        side: Side,
        before: &str,
        measured: &str,
        after: &str,
    ) -> Result<Session> {
        let out = self.shared().join("out");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir(&out)?;
        let script =
            format!("{before}\necho '{BEGIN}'\n{measured}\necho '{END}'\ncd {SHARED}/out\n{after}");
        let (time, said) = self.start(side, &script)?;
        let time = time.ok_or("the session did not say when it began and ended")?;
        Ok(Session { time, said, outcome: Outcome::read(&out)? })
    }

    /// A session, with the time between the marks if it said them.
    fn start(&self, side: Side, script: &str) -> Result<(Option<Duration>, String)> {
        let log = self.dir.join("session.log");
        let mut command = self.program(Tools::Host);
        command.args(["enter", &self.name(side), "--bind"]);
        command.arg(format!("{}:{SHARED}", self.shared().display()));
        command.args(["--", "sh", "-euc", script]);
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let (mut began, mut time, mut said) = (None, None, String::new());
        for line in BufReader::new(stdout).lines() {
            match line?.as_str() {
                BEGIN => began = Some(Instant::now()),
                END => time = began.map(|began: Instant| began.elapsed()),
                line => said.extend([line, "\n"]),
            }
        }
        let status = child.wait()?;
        if !status.success() {
            let log = fs::read(log)?;
            let said = end_of(&format!("{said}{}", String::from_utf8_lossy(&log)));
            return Err(format!("the session failed: {status}:\n{said}").into());
        }
        Ok((time, said))
    }
}

fn end_of(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
