//! `kill -9` at random moments: of everything that belongs to a run at once, and of one of its processes, as the
//! kernel does when memory runs out. What was in use stays as it was, nothing goes on or stays behind that counts,
//! and the next run succeeds and puts everything in order.
//!
//! The moments come from a seed, which is printed; `CHROOT_MAINT_SEED` repeats it, and `CHROOT_MAINT_KILLS` is the number
//! of kills. A kill comes at a random time, or a random moment after a random line of output, lest quick steps be missed.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    caller::{Caller, run},
    scene::{Deed, RUN, Scene},
    traces::{assert_at_rest, assert_no_litter},
};

/// Kills of each caller's runs, unless the environment says otherwise.
const KILLS: u32 = 6;

/// What the runs are to do, at random.
const DEEDS: [Deed; 3] = [Deed::First, Deed::Anew, Deed::Upgrade];

/// Numbers that look random, by Sebastiano Vigna's `SplitMix64`.
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[derive(Debug, Clone, Copy)]
enum Whom {
    /// All at once.
    Everyone,
    /// One process; the others see it die.
    OneOfThem,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    /// So long after this line of output.
    AfterLine(usize, Duration),
}

/// How long a run takes, and how many lines it writes.
#[derive(Clone, Copy)]
struct Measure {
    time: Duration,
    lines: usize,
}

impl Moment {
    fn random(random: &mut Random, measure: Measure) -> Self {
        let micros = u64::try_from(measure.time.as_micros()).unwrap();
        if random.below(2) == 0 {
            Self::After(Duration::from_micros(random.below(micros)))
        } else {
            let line = 1 + random.below(measure.lines as u64);
            let after = Duration::from_micros(random.below(micros / measure.lines as u64));
            Self::AfterLine(usize::try_from(line).unwrap(), after)
        }
    }
}

/// A run under way. Whatever the test does, nothing of it outlives this.
struct Run {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
    whom: Whom,
}

impl Run {
    /// In a pid namespace of its own, all that belongs to it can be killed by one call; one process is to be
    /// killed as it is.
    fn start(scene: &Scene, whom: Whom, tmp: &Path) -> Self {
        let words: &[&str] = match whom {
            Whom::Everyone => &[
                "unshare",
                "--pid",
                "--fork",
                "--mount-proc",
                "sh",
                "-c",
                r#""$@" 2>&1; exit "$?""#,
                "run",
            ],
            Whom::OneOfThem => &["sh", "-c", r#"exec "$@" 2>&1"#, "run"],
        };
        let inner = scene.command(&RUN);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TMPDIR", tmp).current_dir(inner.get_current_dir().unwrap());
        // What unshare itself has to say of a kill is of no interest.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output, whom }
    }

    /// Lets it end by itself.
    fn measure(mut self) -> Measure {
        let begun = Instant::now();
        let lines = self.output.take().unwrap().lines().count();
        assert!(self.child.wait().unwrap().success());
        Measure { time: begun.elapsed(), lines }
    }

    /// Kills at that moment, and waits for the end; gives whether anybody was there to be killed, and all that was said.
    fn kill_at(mut self, moment: Moment, random: &mut Random) -> (bool, String) {
        let (wanted, time) = match moment {
            Moment::After(time) => (0, time),
            Moment::AfterLine(line, time) => (line, time),
        };
        let mut output = self.output.take().unwrap();
        let mut said = String::new();
        for _ in 0..wanted {
            output.read_line(&mut said).unwrap();
        }
        // Read on meanwhile, lest somebody wait for a reader.
        let (ended, ends) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut rest = String::new();
            let _ = output.read_to_string(&mut rest);
            let _ = ended.send(());
            rest
        });
        let _ = ends.recv_timeout(time);
        let victims = match self.whom {
            Whom::Everyone => children(self.child.id()),
            Whom::OneOfThem => descendants(self.child.id()),
        };
        let mut was_killed = false;
        if !victims.is_empty() {
            let index = usize::try_from(random.below(victims.len() as u64)).unwrap();
            was_killed = kill(victims[index], Signal::SIGKILL).is_ok();
        }
        self.child.wait().unwrap();
        said.push_str(&reader.join().unwrap());
        (was_killed, said)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for victim in descendants(self.child.id()) {
            let _ = kill(victim, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// The processes that this one started, and that have not ended.
fn children(parent: u32) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let numbers = fs::read_to_string(path).unwrap_or_default();
    numbers.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

/// The process itself and everything below it, in other pid namespaces too.
fn descendants(process: u32) -> Vec<Pid> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    if stat.rsplit(") ").next().is_none_or(|fields| fields.is_empty() || fields.starts_with('Z')) {
        return Vec::new();
    }
    let mut found = vec![Pid::from_raw(i32::try_from(process).unwrap())];
    for child in children(process) {
        found.extend(descendants(u32::try_from(child.as_raw()).unwrap()));
    }
    found
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// A directory for temporary files, which nobody but the run writes to.
fn tmp_for(scene: &Scene) -> PathBuf {
    let tmp = scene.caller.state().with_file_name("tmp");
    fs::create_dir(&tmp).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    fs::set_permissions(&tmp, open).unwrap();
    tmp
}

fn nothing_is_lost_by_a_kill(caller: Caller) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("CHROOT_MAINT_SEED").unwrap_or_else(|| u64::from(now.subsec_micros()));
    let kills = number("CHROOT_MAINT_KILLS").unwrap_or(u64::from(KILLS));
    eprintln!("{}: CHROOT_MAINT_SEED={seed} CHROOT_MAINT_KILLS={kills}", caller.user);
    let mut random = Random(seed);
    let mut scene = Scene::new(caller);
    let (state, tmp) = (scene.caller.state(), tmp_for(&scene));
    scene.succeed();
    let reference = scene.generations().pop().unwrap();
    let measures = DEEDS.map(|deed| {
        scene.prepare(deed);
        Run::start(&scene, Whom::Everyone, &tmp).measure()
    });
    let time: Duration = measures.iter().map(|measure| measure.time).sum();

    let (mut before, mut after, mut late) = (0, 0, 0);
    for round in 1..=kills {
        let choice = usize::try_from(random.below(DEEDS.len() as u64)).unwrap();
        let (deed, measure) = (DEEDS[choice], measures[choice]);
        scene.prepare(deed);
        if random.below(4) == 0 {
            scene.forget_archive();
        }
        let whom = if random.below(4) == 0 { Whom::OneOfThem } else { Whom::Everyone };
        let moment = Moment::random(&mut random, measure);
        let old = scene.generations().pop();

        let (was_killed, said) = Run::start(&scene, whom, &tmp).kill_at(moment, &mut random);
        eprintln!("{round}: {deed:?}, {whom:?} {moment:?}: {was_killed}");
        let told = Told(&said);
        assert_at_rest(&state);
        assert_status_is_true(&scene);
        if let Some(old) = &old {
            old.assert_intact(&scene.place());
        }
        match (scene.current(), &old) {
            (None, None) => before += 1,
            (Some(current), Some(old)) if current == old.number => before += 1,
            (Some(current), _) => {
                *(if was_killed { &mut after } else { &mut late }) += 1;
                let new = scene.generations().pop().unwrap();
                assert_eq!(new.number, current);
                new.assert_as_whole_as(&reference);
            }
            (None, Some(old)) => panic!("generation {} is not in use any more", old.number),
        }

        if random.below(2) == 0 {
            run(&mut scene.command(&["gc"]));
            assert_no_litter(&state);
        }
        scene.succeed();
        drop(told);
        assert_at_rest(&state);
        assert_no_litter(&state);
        let left: Vec<_> = fs::read_dir(&tmp).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "temporary files are left: {left:?}");
        let new = scene.generations().pop().unwrap();
        assert_eq!(scene.current(), Some(new.number));
        assert!(old.is_none_or(|old| new.number > old.number), "there was nothing to do");
        new.assert_as_whole_as(&reference);
        scene.drop_older();
    }
    eprintln!(
        "{kills} kills of runs of {:.1} s: {before} before the new generation was in use, {after} after, {late} too late",
        (time / 3).as_secs_f32()
    );
}

/// Nobody works on it now; what is in use, and whether something is unfinished, can be seen.
fn assert_status_is_true(scene: &Scene) {
    let said = run(&mut scene.command(&["status", "--json"])).stdout;
    let status: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let row = &status["chroots"][0];
    assert_eq!(row["generation"].as_u64(), scene.current().map(u64::from), "{row}");
    assert!(row["process"].is_null(), "{row}");
    let work = fs::read_dir(scene.place().join("work"));
    let is_unfinished = work.is_ok_and(|mut work| work.next().is_some());
    let told = row["unfinished"].as_array().unwrap();
    assert!(!is_unfinished || !told.is_empty(), "{row}");
    assert_eq!(row["state"] == "interrupted", !told.is_empty(), "{row}");
}

/// Shows what a run said if the test fails before this is dropped.
struct Told<'a>(&'a str);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the run said:\n{}", self.0);
        }
    }
}

#[test]
fn nothing_is_lost_when_roots_run_is_killed_at_any_moment() {
    nothing_is_lost_by_a_kill(Caller::root());
}

#[test]
fn nothing_is_lost_when_a_users_run_is_killed_at_any_moment() {
    nothing_is_lost_by_a_kill(Caller::ordinary_user());
}
