//! The real apt against the toy archive, whole and broken.

use std::{
    net::{TcpListener, TcpStream},
    process::Command,
};

use tempfile::TempDir;

use super::{
    ArchiveState, Checked, DebCache, FetchFailure, Stage,
    failure::Cause::{self, *},
};
use crate::{
    spec::{Arch, ArchiveId, FailureClass, Indexes, Recipe, Variant},
    toy::{Fault, Package, Server, Toy},
};

/// An archive, a server for it, and a state directory.
struct Room {
    toy: Toy,
    server: Server,
    dir: TempDir,
    archs: Vec<Arch>,
    suites: Vec<String>,
    /// For how many seconds apt waits for an answer.
    patience: u32,
}

/// More than any answer takes, however busy the machine is.
const PATIENCE: u32 = 600;

impl Room {
    /// With one suite, one package, and the host's architecture.
    fn new() -> Self {
        Self::of(Toy::new(), &["toy"])
    }

    fn of(mut toy: Toy, suites: &[&str]) -> Self {
        toy.add("toy", &Package::new("hello", "1").file("/usr/share/hello", "1"));
        toy.publish();
        let server = Server::start(&toy.root());
        let archs = vec![Arch::find(&crate::toy::host_arch()).unwrap()];
        let suites = suites.iter().map(ToString::to_string).collect();
        // Open to all, as apt drops its privileges.
        let dir = tempfile::Builder::new().permissions(open()).tempdir_in("/var/tmp").unwrap();
        Self { toy, server, dir, archs, suites, patience: PATIENCE }
    }

    /// Breaks files; apt waits for those that stall no longer than it must.
    fn break_files(&mut self, ending: &str, fault: Fault) {
        self.server.break_files(ending, fault);
        self.patience = if fault == Fault::Stall { 1 } else { PATIENCE };
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            revision: Recipe::REVISION,
            variant: Variant::Buildd,
            suites: self.suites.clone(),
            components: vec!["main".to_owned()],
            include: vec![],
            mirror: Some(self.server.address()),
            security_mirror: None,
            keyring: Some(self.toy.keyring()),
        }
    }

    /// Of the first suite.
    fn state(&self) -> ArchiveState {
        self.states().remove(0).0
    }

    /// Of every suite, with its recipe.
    fn states(&self) -> Vec<(ArchiveState, Recipe)> {
        let recipes = self.recipe();
        let state = |one: &Recipe| ArchiveState::new(self.dir.path(), &ArchiveId::of(one));
        recipes.by_suite().map(|one| (state(&one), one)).collect()
    }

    /// For the first suite.
    fn sources(&self) -> String {
        self.sources_of(&self.suites[0])
    }

    fn sources_of(&self, suite: &str) -> String {
        format!(
            "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\nSigned-By: {}\n",
            self.server.address(),
            self.toy.keyring().display()
        )
    }

    /// What the jobs of all suites do, without their retries.
    fn update_all(&self) -> Result<Indexes, FetchFailure> {
        let mut indexes = Indexes::default();
        for (state, recipe) in self.states() {
            let sources = self.sources_of(&recipe.suites[0]);
            let update = state.begin(&sources, &self.archs, 1).unwrap();
            let mut apt_get = Command::new("apt-get");
            update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
            run(&mut apt_get, self.patience)?;
            indexes.suites.extend(update.finish(&recipe).unwrap().indexes.suites);
        }
        Ok(indexes)
    }

    /// The same for a room of one suite.
    fn update(&self) -> Result<Checked, FetchFailure> {
        self.update_all()?;
        Ok(self.state().checked().unwrap())
    }

    /// Why it fails; what was there before must still be there.
    fn failure(&self) -> FetchFailure {
        let before = self.state().checked();
        let failure = self.update().unwrap_err();
        assert_eq!(self.state().checked(), before);
        failure
    }

    fn stage(&self, name: &str) -> Stage {
        let cache = DebCache::new(self.dir.path());
        let dir = self.dir.path().join(name);
        Stage::prepare(&self.checked(), &cache, self.archs[0], &dir).unwrap()
    }

    fn checked(&self) -> Vec<(ArchiveState, Checked)> {
        let suites = self.states().into_iter();
        suites.map(|(state, _)| (state.clone(), state.checked().unwrap())).collect()
    }

    /// Has the host's apt download a package for an empty tree, as an upgrade would.
    fn download(&self, stage: &Stage, package: &str) -> Result<(), FetchFailure> {
        let tree = self.dir.path().join("tree");
        std::fs::create_dir_all(tree.join("var/lib/dpkg")).unwrap();
        std::fs::write(tree.join("var/lib/dpkg/status"), "").unwrap();
        let mut apt_get = Command::new("apt-get");
        stage.configure(&tree, &mut apt_get, !nix::unistd::geteuid().is_root());
        let install = ["install", "--yes", "-qq", "--download-only", package];
        run(apt_get.args(install), self.patience)
    }
}

fn open() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

fn run(apt_get: &mut Command, patience: u32) -> Result<(), FetchFailure> {
    apt_get.env("LC_ALL", "C.UTF-8").env_remove("http_proxy");
    apt_get.args(["-o", "Acquire::Retries=0"]);
    apt_get.args(["-o", &format!("Acquire::http::Timeout={patience}")]);
    let output = apt_get.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return FetchFailure::read_warnings(&said).map_or(Ok(()), Err);
    }
    Err(FetchFailure::read(&said))
}

#[test]
fn when_nothing_changed_one_conditional_request_a_suite_is_all() {
    let room = Room::of(Toy::new().suite("toy-updates").arch("s390x"), &["toy", "toy-updates"]);
    let first = room.update_all().unwrap();
    assert_eq!(first.suites.keys().collect::<Vec<_>>(), ["toy", "toy-updates"]);
    room.server.take_requests();
    let second = room.update_all().unwrap();
    let mut requests = room.server.take_requests();
    requests.sort_by(|a, b| a.path.cmp(&b.path));
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (&*request.path, request.conditional, request.status))
        .collect();
    let expected =
        [("/dists/toy-updates/InRelease", true, 304), ("/dists/toy/InRelease", true, 304)];
    assert_eq!(seen, expected);
    assert_eq!(first, second);
}

#[test]
fn a_new_package_changes_the_indexes_of_its_suite_alone() {
    let mut room = Room::of(Toy::new().suite("toy-updates"), &["toy", "toy-updates"]);
    let first = room.update_all().unwrap();
    room.toy.publish();
    let same = room.update_all().unwrap();
    assert_eq!(same.changed_since(&first), [""; 0], "only the dates are new");
    room.toy.add("toy-updates", &Package::new("hello", "2"));
    room.toy.publish();
    let changed = room.update_all().unwrap();
    assert_eq!(changed.changed_since(&first), ["toy-updates"]);
}

#[test]
fn a_job_goes_on_with_its_lists_while_the_archive_changes() {
    let mut room = Room::new();
    room.update().unwrap();
    let stage = room.stage("stage");
    let packages = |stage: &Stage| {
        let mut lists =
            std::fs::read_dir(stage.lists()).unwrap().map(|entry| entry.unwrap().path());
        std::fs::read(lists.find(|path| path.to_string_lossy().ends_with("_Packages")).unwrap())
            .unwrap()
    };
    let before = packages(&stage);
    room.toy.add("toy", &Package::new("more", "1"));
    room.toy.publish();
    room.update().unwrap();
    assert!(before == packages(&stage));
    assert!(before != packages(&room.stage("next")));
}

#[test]
fn a_job_sees_the_packages_of_all_its_suites() {
    let mut toy = Toy::new().suite("toy-updates");
    toy.add("toy-updates", &Package::new("newer", "1"));
    toy.publish();
    let room = Room::of(toy, &["toy", "toy-updates"]);
    room.update_all().unwrap();
    let stage = room.stage("stage");
    room.download(&stage, "hello").unwrap();
    room.download(&stage, "newer").unwrap();
}

#[test]
fn a_suite_that_fails_is_no_hindrance_to_others() {
    let mut room = Room::of(Toy::new().suite("toy-updates"), &["toy", "toy-updates"]);
    room.toy.unsign("toy-updates");
    room.toy.publish();
    room.update_all().unwrap_err();
    assert!(room.state().checked().is_some());
}

#[test]
fn a_package_is_fetched_once_for_all_jobs() {
    let room = Room::new();
    room.update().unwrap();
    let first = room.stage("first");
    assert_eq!(first.offered.files, 0);
    room.download(&first, "hello").unwrap();
    let cache = DebCache::new(room.dir.path());
    assert_eq!(first.collect(&cache, &first.debs()).unwrap().files, 1);
    room.server.take_requests();
    let second = room.stage("second");
    assert_eq!(second.offered.files, 1);
    room.download(&second, "hello").unwrap();
    assert_eq!(room.server.take_requests(), [], "it is in the cache");
}

#[test]
fn a_tree_of_another_architecture_is_solved_by_the_hosts_apt() {
    let toy = Toy::new().arch("s390x");
    toy.add("toy", &Package::new("foreign", "1").arch("s390x"));
    let mut room = Room::of(toy, &["toy"]);
    room.archs = vec![Arch::find("s390x").unwrap(), room.archs[0]];
    room.update().unwrap();
    room.download(&room.stage("stage"), "foreign").unwrap();
    room.archs.reverse();
    let failure = room.download(&room.stage("other"), "foreign").unwrap_err();
    assert_eq!(failure.cause, Unsatisfiable);
}

/// What breaks, the cause that is found, and whether it may pass.
fn check(what: &str, room: &Room, cause: Cause, is_transient: bool) -> FetchFailure {
    let failure = room.failure();
    assert_eq!(
        (failure.cause, failure.class() == FailureClass::Mirror),
        (cause, is_transient),
        "{what}: {failure}"
    );
    failure
}

#[test]
fn a_mirror_that_fails_is_told_from_one_that_is_wrong() {
    for (what, fault, cause, is_transient) in [
        ("InRelease", Fault::Broken, ServerError, true),
        ("InRelease", Fault::Stall, Stalled, true),
        ("InRelease", Fault::Truncate, Mismatch, true),
        ("InRelease", Fault::HangUp, Unreachable, true),
        ("InRelease", Fault::Corrupt, Mismatch, true),
        ("Release", Fault::NotFound, NoSuite, false),
    ] {
        let mut room = Room::new();
        room.break_files(what, fault);
        check(&format!("{fault:?}"), &room, cause, is_transient);
    }
}

#[test]
fn an_index_that_is_not_as_it_should_be_is_the_mirrors_affair() {
    for (fault, cause) in [
        (Fault::NotFound, NotFound),
        (Fault::Broken, ServerError),
        (Fault::Corrupt, Mismatch),
        (Fault::Truncate, Mismatch),
        (Fault::HangUp, Unreachable),
        (Fault::Stall, Stalled),
    ] {
        let mut room = Room::new();
        room.toy.without_by_hash("toy");
        room.toy.publish();
        room.break_files("/Packages", fault);
        check(&format!("{fault:?}"), &room, cause, true);
    }
}

#[test]
fn a_package_that_is_not_as_it_should_be_is_the_mirrors_affair() {
    let mut room = Room::new();
    room.update().unwrap();
    for (fault, cause) in [
        (Fault::NotFound, NotFound),
        (Fault::Broken, ServerError),
        (Fault::Corrupt, Mismatch),
        (Fault::Truncate, Mismatch),
        (Fault::HangUp, Unreachable),
        (Fault::Stall, Stalled),
    ] {
        room.break_files(".deb", fault);
        let stage = room.stage(&format!("{fault:?}"));
        let failure = room.download(&stage, "hello").unwrap_err();
        assert_eq!(failure.cause, cause, "{fault:?}: {failure}");
        let cache = DebCache::new(room.dir.path());
        assert_eq!(stage.collect(&cache, &stage.debs()).unwrap().files, 0, "{fault:?}");
        room.server.mend();
    }
}

#[test]
fn a_mirror_that_is_not_there_is_unreachable() {
    let room = Room::new();
    // A port that nobody listens on, nor will: the near end of a connection has it.
    let far = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let near = TcpStream::connect(far.local_addr().unwrap()).unwrap();
    let nobody = format!("http://{}", near.local_addr().unwrap());
    let state = ArchiveState::new(room.dir.path(), &ArchiveId::parse("toy-0123456789").unwrap());
    let sources = room.sources().replace(&room.server.address(), &nobody);
    let update = state.begin(&sources, &room.archs, 1).unwrap();
    let mut apt_get = Command::new("apt-get");
    update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
    let failure = run(&mut apt_get, PATIENCE).unwrap_err();
    assert_eq!(
        (failure.cause, failure.class() == FailureClass::Mirror),
        (Unreachable, true),
        "{failure}"
    );
}

#[test]
fn an_archive_that_has_expired_is_refused() {
    let mut room = Room::new();
    room.toy.valid_for("toy", -3600);
    room.toy.publish();
    assert_eq!(check("expired", &room, Expired, false).class(), FailureClass::Policy);
}

#[test]
fn an_archive_without_signature_is_refused() {
    let mut room = Room::new();
    room.toy.unsign("toy");
    room.toy.publish();
    check("unsigned", &room, Unsigned, false);
}

#[test]
fn a_key_that_is_missing_is_named() {
    let mut room = Room::new();
    room.toy.sign_with_other_key("toy");
    room.toy.publish();
    let failure = check("other key", &room, MissingKey, false);
    let key = failure.key.expect("the key is named");
    assert!(room.toy.other_key().ends_with(&key), "{key}");
}

#[test]
fn a_broken_archive_that_is_mended_is_taken_again() {
    let mut room = Room::new();
    room.update().unwrap();
    room.toy.unsign("toy");
    room.toy.publish();
    check("unsigned", &room, Unsigned, false);
    room.toy.mend("toy");
    room.toy.add("toy", &Package::new("more", "1"));
    room.toy.publish();
    room.update().unwrap();
}

#[test]
fn a_killed_update_leaves_the_lists_as_they_were() {
    let mut room = Room::new();
    let before = room.update().unwrap();
    room.toy.add("toy", &Package::new("more", "1"));
    room.toy.publish();
    // Any index, by its name or by its hash.
    room.toy.without_by_hash("toy");
    room.toy.publish();
    room.server.break_files("Packages", Fault::Stall);
    let state = room.state();
    let update = state.begin(&room.sources(), &room.archs, 2).unwrap();
    let mut apt_get = Command::new("apt-get");
    update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
    let mut apt_get = apt_get.spawn().unwrap();
    room.server.wait_for_stall();
    apt_get.kill().unwrap();
    apt_get.wait().unwrap();
    assert_eq!(room.state().checked(), Some(before));
    room.server.mend();
    assert!(room.update().is_ok());
}

#[test]
fn an_architecture_that_no_suite_carries_is_the_configs_affair() {
    let mut room = Room::new();
    room.archs = vec![Arch::find("s390x").unwrap()];
    room.update().unwrap();
    let cache = DebCache::new(room.dir.path());
    let dir = room.dir.path().join("stage");
    let error = Stage::prepare(&room.checked(), &cache, room.archs[0], &dir).unwrap_err();
    assert_eq!(
        error.to_string(),
        "toy has no packages for s390x; correct `archs' or `mirror' in the config"
    );
}

#[test]
fn a_component_that_is_not_there_is_the_configs_affair() {
    let room = Room::new();
    let sources = room.sources().replace("main", "main contrib");
    let state = room.state();
    let update = state.begin(&sources, &room.archs, 1).unwrap();
    let mut apt_get = Command::new("apt-get");
    update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
    let failure = run(&mut apt_get, PATIENCE).unwrap_err();
    assert_eq!(
        (failure.cause, failure.class()),
        (NoIndex, FailureClass::Configuration),
        "{failure}"
    );
}
