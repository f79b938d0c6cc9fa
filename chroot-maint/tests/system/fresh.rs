//! When chroots are looked at, what that costs, and what becomes of failures. With the toy archive, whose server writes
//! down what is asked of it.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use crate::{
    caller::{Caller, run, wait_until},
    toy::{Fault, Package, Server, Toy, host_arch},
};

/// Two suites and distributions of the first, and of both; whoever tries them.
struct Room {
    toy: Toy,
    server: Server,
    caller: Caller,
    /// At the top of the config.
    settings: &'static str,
    dists: String,
}

impl Room {
    fn new(caller: Caller) -> Self {
        let mut toy = Toy::new().suite("toy-updates");
        toy.add_base();
        toy.add("toy", &Package::new("hello", "1"));
        toy.publish();
        let server = Server::start(&toy.root());
        let dists =
            "[dist.toy]\nsuites = ['toy']\n[dist.toy-updates]\nsuites = ['toy', 'toy-updates']\n";
        Self { toy, server, caller, settings: "retries = 0\n", dists: dists.to_owned() }
    }

    /// With a package in its chroots whose script does this after its installation.
    fn with_script(text: &str) -> Self {
        let mut room = Self::new(Caller::root());
        room.toy.add("toy", &Package::new("hello", "2").script("postinst", text));
        room.toy.publish();
        room
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut config = format!("{}proxy = 'DIRECT'\n[defaults]\n", self.settings);
        let (mirror, keyring) = (self.server.address(), self.toy.keyring());
        writeln!(config, "mirror = '{mirror}'\nkeyring = '{}'", keyring.display()).unwrap();
        writeln!(config, "include = ['hello']\n{}", self.dists).unwrap();
        self.caller.chroot_maint_with(&config, words)
    }

    /// What it says when all is well.
    fn says(&self, words: &[&str]) -> String {
        let (status, said) = self.fails(words);
        assert_eq!(status, Some(0), "{said}");
        said
    }

    /// How it ends, and what it says.
    fn fails(&self, words: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command(words).output().unwrap();
        (status.code(), text(&stdout) + &text(&stderr))
    }

    /// What was asked of the server since the last time, and whether only what is newer.
    fn requests(&self) -> Vec<(String, bool)> {
        let requests = self.server.take_requests().into_iter();
        let mut requests: Vec<_> =
            requests.map(|request| (request.path, request.conditional)).collect();
        requests.sort();
        requests
    }

    fn place(&self, dist: &str) -> PathBuf {
        self.caller.state().join("chroots").join(format!("{dist}-{}", host_arch()))
    }

    fn job(dist: &str) -> String {
        format!("chroot.{dist}-{}", host_arch())
    }

    /// What was kept of the last work on a chroot.
    fn outcome(&self, dist: &str) -> String {
        fs::read_to_string(self.place(dist).join("outcome.json")).unwrap()
    }

    fn has_no_litter(&self, dist: &str) -> bool {
        fs::read_dir(self.place(dist).join("work")).unwrap().count() == 0
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a chroot's job did something, and not only found that there is nothing to do.
fn is_worked_on(said: &str, dist: &str) -> bool {
    let mut lines = said.lines().filter_map(|line| line.strip_prefix(&*Room::job(dist)));
    lines.any(|line| line.trim_start().starts_with("| ") && !line.contains("| ("))
}

fn one_conditional_request_a_suite() -> Vec<(String, bool)> {
    ["toy-updates", "toy"].map(|suite| (format!("/dists/{suite}/InRelease"), true)).into()
}

fn looking_costs_a_request_a_suite(caller: Caller) {
    let room = Room::new(caller);
    room.says(&["-q", "all"]);
    room.requests();

    let said = room.says(&["all"]);
    assert_eq!(said.matches("(generation 1, made ").count(), 2, "{said}");
    assert_eq!(room.requests(), [], "both are young");
    let said = room.says(&["-n", "-f", "0s", "all"]);
    assert_eq!(said.matches("ago, if its archive has changed)").count(), 2, "{said}");
    assert_eq!(room.requests(), [], "it was a dry run");

    let trees = || fs::metadata(room.place("toy-updates").join("gen")).unwrap().modified().unwrap();
    let before = trees();
    let said = room.says(&["-f", "0s", "all"]);
    assert_eq!(said.matches("(generation 1: nothing changed)").count(), 2, "{said}");
    assert_eq!(room.requests(), one_conditional_request_a_suite());
    assert_eq!(trees(), before);

    let said = room.says(&["all"]);
    assert_eq!(said.matches("(generation 1, checked ").count(), 2, "{said}");
    assert_eq!(room.requests(), []);
}

#[test]
fn looking_at_roots_chroots_costs_a_request_a_suite() {
    looking_costs_a_request_a_suite(Caller::root());
}

#[test]
fn looking_at_a_users_chroots_costs_a_request_a_suite() {
    looking_costs_a_request_a_suite(Caller::ordinary_user());
}

#[test]
fn a_new_release_file_with_the_same_packages_is_no_change() {
    let mut room = Room::new(Caller::root());
    room.says(&["-q", "all"]);
    room.toy.publish();
    let said = room.says(&["-f", "0s", "all"]);
    assert_eq!(said.matches("nothing changed)").count(), 2, "{said}");
}

#[test]
fn only_chroots_whose_suites_have_other_packages_are_worked_on() {
    let mut room = Room::new(Caller::root());
    room.says(&["-q", "all"]);
    room.toy.add("toy-updates", &Package::new("new", "1"));
    room.toy.publish();
    let said = room.says(&["-f", "0s", "all"]);
    assert_eq!(said.matches("nothing changed)").count(), 1, "{said}");
    assert!(is_worked_on(&said, "toy-updates") && !is_worked_on(&said, "toy"), "{said}");
}

#[test]
fn a_chroot_that_is_only_to_be_there_is_never_looked_at() {
    let room = Room::new(Caller::root());
    room.says(&["-q", "-f", "create", "all"]);
    room.requests();
    let mut with_config = room;
    with_config.dists.push_str("fresh = 'create'\n");
    with_config.dists = with_config.dists.replace("['toy']\n", "['toy']\nfresh = '0s'\n");
    let said = with_config.says(&["-f", "create", "all"]);
    assert_eq!(said.matches("(generation 1, made ").count(), 2, "{said}");
    assert_eq!(with_config.requests(), []);
    let said = with_config.says(&["all"]);
    assert_eq!(said.matches("(generation 1, made ").count(), 1, "{said}");
    assert_eq!(said.matches("(generation 1: nothing changed)").count(), 1, "{said}");
}

#[test]
fn a_chroot_that_is_forced_is_worked_on_though_nothing_has_changed() {
    let room = Room::new(Caller::root());
    room.says(&["-q", "chroot", "toy"]);
    let said = room.says(&["-f", "force", "chroot", "toy"]);
    assert!(is_worked_on(&said, "toy"), "{said}");
}

#[test]
fn the_config_says_what_would_change_in_a_dry_run() {
    let mut room = Room::new(Caller::root());
    let said = room.says(&["-n", "chroot", "toy"]);
    assert!(said.contains("(would run: it is not there yet)"), "{said}");
    room.says(&["-q", "chroot", "toy"]);
    room.dists.push_str("[dist.other]\n");
    room.dists = room.dists.replace("['toy']\n", "['toy']\nvariant = 'apt'\n");
    let said = room.says(&["-n", "chroot", "toy"]);
    assert!(said.contains("(would run: the config changed: variant)"), "{said}");
}

#[test]
fn forty_chroots_cost_what_their_suites_cost() {
    let mut room = Room::new(Caller::root());
    room.says(&["-q", "chroot", "toy"]);
    // What was made once, under other names: a look at a chroot sees no more than its record.
    let (from, arch) = (room.place("toy"), host_arch());
    for number in 0..40 {
        let to = room.place(&format!("toy{number}"));
        fs::create_dir_all(to.join("gen/1")).unwrap();
        let record = fs::read_to_string(from.join("gen/1.json")).unwrap();
        let record = record.replace(&format!("toy-{arch}"), &format!("toy{number}-{arch}"));
        fs::write(to.join("gen/1.json"), record).unwrap();
        std::os::unix::fs::symlink("gen/1", to.join("current")).unwrap();
        writeln!(room.dists, "[dist.toy{number}]\nsuites = ['toy']").unwrap();
    }
    room.requests();
    let said = room.says(&["-f", "0s", "chroot", "toy[0-9]*"]);
    assert_eq!(said.matches("(generation 1: nothing changed)").count(), 40, "{said}");
    assert_eq!(room.requests(), one_conditional_request_a_suite()[1..]);
}

#[test]
fn a_mirror_that_fails_leaves_everything_as_it_is() {
    let room = Room::new(Caller::root());
    room.says(&["-q", "all"]);
    room.server.break_files("InRelease", Fault::Broken);
    let before = room.caller.snapshot_of("chroots");
    let (status, said) = room.fails(&["-k", "-f", "0s", "all"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("chroot-maint: mirror: the mirror has a fault: "), "{said}");
    assert!(said.contains("; try again later, or take another mirror"), "{said}");
    assert!(before == room.caller.snapshot_of("chroots"));
}

#[test]
fn a_suite_that_fails_is_no_hindrance_to_chroots_without_it() {
    let room = Room::new(Caller::root());
    room.says(&["-q", "all"]);
    room.server.break_files("toy-updates/InRelease", Fault::Broken);
    let (status, said) = room.fails(&["-k", "-f", "0s", "all"]);
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(said.matches("(generation 1: nothing changed)").count(), 1, "{said}");
}

#[test]
fn a_mirror_that_recovers_is_tried_again() {
    let mut room = Room::new(Caller::root());
    room.settings = "retries = 20\nretry-delay = '1s'\n";
    room.server.break_files("InRelease", Fault::Broken);
    let mut command = room.command(&["chroot", "toy"]);
    let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("exit status 75")).expect("the job is tried again");
    room.server.mend();
    let rest: Vec<String> = lines.collect();
    assert!(run.wait().unwrap().success(), "{rest:?}");
    assert!(room.place("toy").join("current").exists());
}

#[test]
fn a_mirror_that_lacks_a_package_for_a_while_is_tried_again() {
    let mut room = Room::new(Caller::root());
    room.settings = "retries = 20\nretry-delay = '1s'\n";
    room.server.break_files("hello_1_all.deb", Fault::NotFound);
    let mut command = room.command(&["chroot", "toy"]);
    let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("exit status 75")).expect("the job is tried again");
    assert!(room.outcome("toy").contains("\"mirror\""));
    room.server.mend();
    let rest: Vec<String> = lines.collect();
    assert!(run.wait().unwrap().success(), "{rest:?}");
    assert!(room.outcome("toy").contains("\"failure\": null"));
}

#[test]
fn after_a_package_was_missing_the_lists_are_fetched_again() {
    let mut room = Room::new(Caller::root());
    room.server.break_files("hello_1_all.deb", Fault::NotFound);
    let job = Room::job("toy");
    assert_eq!(room.fails(&["job", &job]).0, Some(75));
    room.server.mend();
    // Now there are lists that are young, and the archive has gone on since.
    room.toy.take_out("toy", "hello");
    room.toy.add("toy", &Package::new("hello", "2"));
    room.toy.publish();
    let (status, said) = room.fails(&["job", &job]);
    assert_eq!(status, Some(0), "{said}");
    let record = fs::read_to_string(room.place("toy").join("gen/1.json")).unwrap();
    let record: String = record.split_whitespace().collect();
    assert!(record.contains(r#""name":"hello","version":"2""#), "{record}");
}

#[test]
fn an_archive_without_signature_is_not_tried_again() {
    let mut room = Room::new(Caller::root());
    room.settings = "retries = 3\nretry-delay = '0s'\n";
    room.toy.unsign("toy");
    room.toy.publish();
    let (status, said) = room.fails(&["chroot", "toy"]);
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(
        said.matches("chroot-maint: policy: the archive is not signed").count(),
        1,
        "{said}"
    );
    assert!(!said.contains("tries"), "{said}");
}

#[test]
fn a_script_that_fails_is_named_with_its_package() {
    let room = Room::with_script("echo 'the moon is full' >&2; exit 3\n");
    let (status, said) = room.fails(&["job", &Room::job("toy")]);
    assert_eq!(status, Some(65), "{said}");
    let reason = "hello: its post-installation script returned error exit status 3";
    let last = said.lines().next_back().unwrap();
    assert!(last.starts_with(&format!("chroot-maint: package: {reason}; ")), "{said}");
    let outcome = room.outcome("toy");
    for word in [reason, "\"package\"", "\"create\"", "the moon is full"] {
        assert!(outcome.contains(word), "{outcome}");
    }
    assert!(room.has_no_litter("toy"));
}

fn a_script_that_hangs_is_ended(caller: Caller) {
    let mut room = Room::with_script("echo waiting; exec sleep 1000\n");
    room.caller = caller;
    room.settings = "time-limit = '6s'\n";
    let (status, said) = room.fails(&["job", &Room::job("toy")]);
    assert_eq!(status, Some(65), "{said}");
    assert!(said.contains("chroot-maint: package: not done within 6s: "), "{said}");
    assert!(room.outcome("toy").contains("not done within 6s"));
    assert!(room.has_no_litter("toy"));
}

#[test]
fn a_script_that_hangs_in_roots_chroot_is_ended() {
    a_script_that_hangs_is_ended(Caller::root());
}

#[test]
fn a_script_that_hangs_in_a_users_chroot_is_ended() {
    a_script_that_hangs_is_ended(Caller::ordinary_user());
}

#[test]
fn an_interruption_is_kept_as_one() {
    let room = Room::with_script("exec sleep 1000\n");
    let mut job = room.command(&["job", &Room::job("toy")]).spawn().unwrap();
    let work = room.place("toy").join("work");
    wait_until("the tree is being made", || {
        fs::read_dir(&work).is_ok_and(|mut entries| entries.next().is_some())
    });
    run(Command::new("kill").args(["-TERM", &job.id().to_string()]));
    assert_eq!(job.wait().unwrap().signal(), Some(15));
    assert!(room.outcome("toy").contains("interrupted by SIGTERM"));
    assert!(room.has_no_litter("toy"));
}

#[test]
fn who_waits_for_an_archive_can_be_interrupted_and_clears_up() {
    let room = Room::new(Caller::root());
    room.server.break_files("InRelease", Fault::Stall);
    let start = |dist| {
        let mut command = room.command(&["job", &Room::job(dist)]);
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut first = start("toy");
    room.server.wait_for_stall();
    let mut second = start("toy-updates");
    let mut said = BufReader::new(second.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.starts_with("waiting for process ")));
    for (job, dist) in [(&mut second, "toy-updates"), (&mut first, "toy")] {
        run(Command::new("kill").args(["-TERM", &job.id().to_string()]));
        assert_eq!(job.wait().unwrap().signal(), Some(15));
        assert!(room.outcome(dist).contains("interrupted by SIGTERM"));
        assert!(room.has_no_litter(dist));
    }
}

#[test]
fn a_mirror_that_takes_too_long_is_the_mirrors_affair() {
    let mut room = Room::new(Caller::root());
    room.settings = "time-limit = '6s'\n";
    room.server.break_files("InRelease", Fault::Stall);
    let (status, said) = room.fails(&["job", &Room::job("toy")]);
    assert_eq!(status, Some(75), "{said}");
    let reason = "chroot-maint: mirror: not done within 6s: apt-get update took too long; ";
    assert!(said.contains(reason), "{said}");
}
