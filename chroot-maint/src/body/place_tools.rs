//! The host's tools in a foreign chroot's tree: put there as soon as its first packages are unpacked, or in the place of
//! older ones; and what became of each group. Does not know how they are made, nor which of them fit: the switch that comes with them does.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{BodyError, process, quote::quoted, step, task::Task};
use crate::{
    cross::{self, HOOK, Manifest, ManifestError, PRIVATE},
    sandbox::Runs,
    spec::{Gain, Placement},
    store::{Generation, Store},
};

/// For mmdebstrap: copies the tools into the tree. On one line, as mmdebstrap shows it.
const PUT: &str = concat!(
    r#"mkdir -p "$1/usr/lib" "$1/etc/dpkg/dpkg.cfg.d"; cp -a "$TOOLS" "$1$PRIVATE"; "#,
    r#"cp "$TOOLS/dpkg.cfg" "$1$HOOK"; "#,
);

/// When the essential packages are unpacked and not yet configured. dpkg has written down nothing then: their versions are in
/// the names of their files. Not where /bin is yet to be merged into usr/bin: what does that wants nothing to be diverted.
const EARLY: [&str; 3] = [
    r#"set -eu; [ -L "$1/bin" ] || exit 0; "#,
    PUT,
    concat!(
        r#"ls -v "$1/var/cache/apt/archives" | sed -n 's/%3a/:/; "#,
        r"s/^\([^_]*\)_\([^_]*\)_\([^_.]*\)\.deb$/",
        r"Package: \1\nStatus: install ok unpacked\nVersion: \2\nArchitecture: \3\n/p' ",
        r#">"$1$PRIVATE/unpacked"; chroot "$1" $PRIVATE/switch --installed $PRIVATE/unpacked; "#,
        r#"rm "$1$PRIVATE/unpacked""#,
    ),
];

/// When they are configured, if that was too early.
const LATER: [&str; 3] =
    [r#"set -eu; [ ! -e "$1$PRIVATE" ] || exit 0; "#, PUT, r#"chroot "$1" $PRIVATE/switch"#];

/// Gives the tree all of its own programs back, and leaves nothing of the tools.
const TAKE_OUT: &str = r#"set -eu
"$1/switch" off
rm -r -- "$1" "$2"
"#;

/// What a build does, in small: some small programs, and a compilation. The directory is the sandbox's own.
const SAMPLE: &str = r#"set -eu
cd /tmp
n=0
while [ $n -lt 6 ]; do
    x=$(echo $n | sed 's/[0-9]/x/' | cat)
    echo "int f$n(int n) { for (int i = 0; i < n; i++) if (rand() % (i + 2) == 1) puts(\"$n\"); return n; }"
    n=$((n + 1))
done >sample
command -v gcc >/dev/null || exit 0
(echo '#include <stdio.h>'; echo '#include <stdlib.h>'; cat sample) >sample.c
gcc -O2 -c sample.c
"#;

/// A tree of tools that a chroot is to have.
pub(super) struct Tools {
    dir: PathBuf,
    manifest: Manifest,
    /// No generation is deleted that a process has open.
    _held: fs::File,
}

impl Tools {
    /// Those of the chroot that the task is about, if it is to have some.
    pub(super) fn wanted(task: &Task<'_>) -> Result<Option<Self>, BodyError> {
        if task.chroot.cross_tools.is_empty() || task.sandbox.runs() == Runs::Natively {
            return Ok(None);
        }
        let place = Store::new(task.config.state_dir.clone()).tools(task.id);
        let Some(current) = place.current()? else {
            println!("there are no cross-tools for it yet, so all of its programs are emulated");
            return Ok(None);
        };
        let held = fs::File::open(&current.tree)
            .map_err(|source| ManifestError::Read { path: current.tree.clone(), source })?;
        let manifest = Manifest::read(&current.tree)?;
        Ok(Some(Self { dir: current.tree, manifest, _held: held }))
    }

    pub(super) fn hash(&self) -> &str {
        &self.manifest.hash
    }

    /// What mmdebstrap is to run while it installs packages.
    pub(super) fn hooks(&self) -> [OsString; 2] {
        [("extract", EARLY), ("essential", LATER)].map(|(when, script)| {
            let mut word = OsString::from(format!("--{when}-hook=TOOLS="));
            word.push(quoted(&self.dir));
            word.push(format!("; PRIVATE={PRIVATE}; HOOK={HOOK}; {}", script.concat()));
            word
        })
    }

    /// Copies them into the tree in the work directory.
    fn put(&self, task: &Task<'_>) -> Result<(), BodyError> {
        let root = task.work.tree();
        for (from, to) in [(self.dir.clone(), PRIVATE), (self.dir.join("dpkg.cfg"), HOOK)] {
            let to = cross::place_in(&root, Path::new(to)).map_err(cant_write)?;
            let mut cp = task.sandbox.outside("cp");
            cp.args(["--archive", "--reflink=auto", "--no-target-directory", "--"]);
            cp.arg(from).arg(to);
            process::output(step::COPY_TOOLS, cp)?;
        }
        Ok(())
    }

    /// With all packages installed: looks into the programs, and has every group in the state that it is to stay in.
    pub(super) fn settle(&self, task: &Task<'_>) -> Result<Placement, BodyError> {
        let root = task.work.tree();
        let refused = cross::refusals(&root, &self.manifest);
        let private = cross::place_in(&root, Path::new(PRIVATE)).map_err(cant_write)?;
        fs::write(private.join("refused"), refused).map_err(cant_write)?;
        // Out and in again: so what dpkg has written down is in the same order however it came about.
        let mut said = Vec::new();
        for word in ["off", "on"] {
            said.extend(process::output(step::SWITCH, switch(task, word))?);
        }
        print!("{}", String::from_utf8_lossy(&said).replace("chroot-maint: ", "cross-tools: "));
        let said = process::output(step::SWITCH, switch(task, "status"))?;
        let mut placement = cross::read_placement(&String::from_utf8_lossy(&said), &self.manifest);
        if placement.groups.iter().any(|group| group.is_in) {
            let [emulated, accelerated] = [true, false].map(|is_off| measure(task, is_off));
            placement.gain = Some(Gain { emulated: emulated?, accelerated: accelerated? });
        }
        say(&placement);
        Ok(placement)
    }
}

/// Replaces the tools in a copy of an older generation by others, or by none.
pub(super) fn renew(
    task: &Task<'_>,
    old: &Generation,
    tools: Option<&Tools>,
) -> Result<Option<Placement>, BodyError> {
    let is_same = tools.is_some_and(|tools| tools.hash() == old.tools());
    if !old.tools().is_empty() && !is_same {
        let mut script = task.sandbox.inside(&task.work.tree(), "sh");
        script.args(["-c", TAKE_OUT, "sh", PRIVATE, HOOK]);
        process::output(step::SWITCH, script)?;
    }
    let Some(tools) = tools else {
        return Ok(None);
    };
    if !is_same {
        tools.put(task)?;
    }
    tools.settle(task).map(Some)
}

fn switch(task: &Task<'_>, word: &str) -> std::process::Command {
    let mut switch = task.sandbox.inside(&task.work.tree(), format!("{PRIVATE}/switch"));
    switch.arg(word);
    switch
}

/// How long some work takes, in milliseconds.
fn measure(task: &Task<'_>, is_off: bool) -> Result<u64, BodyError> {
    let mut sample = task.sandbox.inside(&task.work.tree(), "sh");
    sample.args(["-c", SAMPLE]);
    if is_off {
        sample.env("CHROOT_MAINT_EMULATE", "1");
    }
    let begun = Instant::now();
    process::output(step::SAMPLE, sample)?;
    Ok(millis(begun.elapsed()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn say(placement: &Placement) {
    let count = placement.groups.iter().filter(|group| group.is_in).count();
    println!("cross-tools: {count} of {} groups are the host's", placement.groups.len());
    let stays = |word: &str| matches!(word, "refused" | "failed");
    for group in placement.groups.iter().filter(|group| stays(group.word())) {
        println!("cross-tools: {} stays emulated: {}", group.name, group.verdict);
    }
    if let Some(gain) = placement.gain {
        println!("cross-tools: a small build takes 1/{:.1} of the time", gain.factor());
    }
}

fn cant_write(source: io::Error) -> BodyError {
    BodyError::Write { what: "the tools into the tree", source }
}
