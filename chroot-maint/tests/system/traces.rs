//! What a run has left: files in the state directory that should not be there, mounts, processes, locks; and whether
//! a generation is what it was. Looks from outside, as root; does not know what the run was to do.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};

use crate::caller::run;

/// A generation: its record, and every file with type, mode, owner, size, time, target and sum of its contents.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) number: u32,
    lines: Vec<String>,
}

/// For each entry a line that holds all but the contents; sums of those follow.
const LIST: &str = r#"cd "$1/gen"
find "$2" "$2.json" -printf '%p %y %m %U %G %s %T@ %l\n' | sort
find "$2" "$2.json" -type f -print0 | sort -z | xargs -0 sha256sum
"#;

impl Manifest {
    pub(crate) fn of(place: &Path, number: u32) -> Self {
        let mut list = Command::new("sh");
        list.args(["-euc", LIST, "list"]).arg(place).arg(number.to_string());
        let said = String::from_utf8_lossy(&run(&mut list).stdout).into_owned();
        Self { number, lines: said.lines().map(str::to_owned).collect() }
    }

    /// That nothing of it has changed since.
    pub(crate) fn assert_intact(&self, place: &Path) {
        let now = Self::of(place, self.number);
        let differing = |ours: &Self, theirs: &Self| -> Vec<String> {
            ours.lines.iter().filter(|line| !theirs.lines.contains(line)).cloned().collect()
        };
        let (gone, new) = (differing(self, &now), differing(&now, self));
        assert!(
            gone.is_empty() && new.is_empty(),
            "generation {}: gone {gone:#?}, new {new:#?}",
            self.number
        );
    }

    /// That it has what this one has by name, type, mode and owner, but for what each making writes anew.
    pub(crate) fn assert_as_whole_as(&self, other: &Self) {
        let names = |manifest: &Self| -> Vec<String> {
            let tree = format!("{}/", manifest.number);
            let lines = manifest.lines.iter().filter_map(|line| line.strip_prefix(&tree));
            let fields = lines.map(|line| line.split(' ').take(5).collect::<Vec<_>>().join(" "));
            fields.filter(|line| !line.contains("extra")).collect()
        };
        assert_eq!(names(self), names(other), "generation {} is not whole", self.number);
    }
}

/// That nothing is at work in the state directory any more, nor mounted there, nor locked. Dying takes a moment.
pub(crate) fn assert_at_rest(state: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (processes, mounts, locks) = (processes(state), mounts(state), locks(state));
        if processes.is_empty() && mounts.is_empty() && locks.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "left: processes {processes:#?}, mounts {mounts:#?}, locks {locks:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// That all of the state directory is what belongs there when nobody works in it; the trees may hold what they like.
pub(crate) fn assert_no_litter(state: &Path) {
    let mut find = Command::new("find");
    find.arg(state).args(["-mindepth", "1", "-regex", ".*/gen/[0-9]+/.*", "-prune"]);
    let said = run(find.args(["-o", "-printf", "%P\n"])).stdout;
    let said = String::from_utf8_lossy(&said);
    let litter: Vec<&str> = said.lines().filter(|path| !belongs(state, path)).collect();
    assert!(litter.is_empty(), "litter in the state directory: {litter:#?}");
}

/// Whether a path in the state directory is one of those that its documentation names.
fn belongs(state: &Path, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match &*parts {
        ["locks" | "log" | "chroots" | "archive" | "history" | "cache"]
        | ["cache", "debs" | "host-apt.json"]
        | ["cache", "debs", _]
        | ["archive" | "chroots", _]
        | ["archive", _, "now", ..]
        | ["archive", _, "outcome.json"] => true,
        ["locks", name] => name.starts_with("chroot.") || name.starts_with("archive."),
        ["log", name] => name.contains('#'),
        ["cache", "debs", shelf, name] => {
            name.starts_with(shelf) && name.strip_suffix(".deb").is_some_and(|sum| sum.len() == 64)
        }
        ["chroots", _, name] => {
            ["current", "gen", "work", "checked.json", "outcome.json", "outputs.json"]
                .contains(name)
        }
        // Both halves, or it is none.
        ["chroots", chroot, "gen", name] => {
            let number = name.strip_suffix(".json").unwrap_or(name);
            let half = |name: String| state.join("chroots").join(chroot).join("gen").join(name);
            number.parse::<u32>().is_ok()
                && half(number.to_owned()).is_dir()
                && half(format!("{number}.json")).is_file()
        }
        _ => false,
    }
}

/// Who has the directory in its words, its root or its current directory.
fn processes(state: &Path) -> Vec<String> {
    let needle = state.as_os_str().as_encoded_bytes();
    let is_in = |pid: &Path| {
        let words = fs::read(pid.join("cmdline")).unwrap_or_default();
        let named = words.windows(needle.len()).any(|window| window == needle);
        let link = |name: &str| fs::read_link(pid.join(name)).unwrap_or_default();
        (named || link("root").starts_with(state) || link("cwd").starts_with(state))
            .then(|| format!("{}: {}", pid.display(), String::from_utf8_lossy(&words)))
    };
    pids().iter().filter_map(|pid| is_in(pid)).collect()
}

/// What is mounted below it in any namespace, or from there elsewhere.
fn mounts(state: &Path) -> Vec<String> {
    let state = state.to_string_lossy();
    let mut found = Vec::new();
    for pid in pids() {
        let table = fs::read_to_string(pid.join("mountinfo")).unwrap_or_default();
        let below = |line: &&str| {
            let mut fields = line.split(' ').skip(3);
            let (root, point) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
            root.starts_with(&*state)
                || point.starts_with(&*state) && point != state
                || line.contains(&format!("lowerdir={state}"))
        };
        found.extend(table.lines().filter(below).map(|line| format!("{}: {line}", pid.display())));
    }
    found
}

/// The locks that somebody holds.
fn locks(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.join("locks")).into_iter().flatten();
    let is_held = |path: &PathBuf| {
        Flock::lock(File::open(path).unwrap(), FlockArg::LockExclusiveNonblock).is_err()
    };
    entries.map(|entry| entry.unwrap().path()).filter(is_held).collect()
}

fn pids() -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let is_pid = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    };
    entries.map(|entry| entry.path()).filter(is_pid).collect()
}
