//! What is reported of a state directory. Times are counted from [`NOW`]; the trees are empty.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{choose, json, look, table::Table};
use crate::{
    archive::{ArchiveState, Failed},
    config::Config,
    spec::{ArchiveId, ChrootId, FailureClass, OutcomeFailure, Recipe},
    store::{Action, Attempt, Outcome, Package, Place, Record, Stamp, Store},
};

/// In seconds since 1970.
const NOW: u64 = 1_700_000_000;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

const CONFIG: &str = "[defaults]\narchs = ['amd64', 'arm64']\noutputs = ['directory']\n\
                      [dist.trixie]\naliases = ['stable']\n";

/// A state directory and the config that it is of.
struct State {
    dir: TempDir,
    config: Config,
}

impl State {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (file, state) = (dir.path().join("config.toml"), dir.path().join("state"));
        fs::write(&file, format!("state-dir = '{}'\n{config}", state.display())).unwrap();
        Self { config: Config::load(Some(&file), true).unwrap(), dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn store(&self) -> Store {
        Store::new(self.path())
    }

    fn place(&self, chroot: &str) -> Place {
        self.store().prepare(&id(chroot)).unwrap()
    }

    fn recipe(&self) -> Recipe {
        self.config.chroots.values().next().unwrap().recipe.clone()
    }

    /// A generation that was begun so many seconds ago, and took a minute.
    fn generation(&self, chroot: &str, ago: u64) {
        self.generation_of(chroot, ago, self.recipe());
    }

    fn generation_of(&self, chroot: &str, ago: u64, recipe: Recipe) {
        let place = self.place(chroot);
        let work = place.begin().unwrap();
        fs::create_dir(work.tree()).unwrap();
        let record = Record {
            version: Record::VERSION,
            chroot: id(chroot),
            parent: None,
            recipe,
            created: NOW - ago,
            took: 60,
            size: 412_345_678,
            indexes: None,
            packages: vec![Package { name: "dpkg".to_owned(), version: "1.22".to_owned() }],
            cross_tools: None,
        };
        place.commit(&work, &record).unwrap();
        fs::remove_dir_all(work.dir()).unwrap();
    }

    fn outcome(&self, chroot: &str, action: Action, ago: u64, failure: Option<OutcomeFailure>) {
        let outcome = Outcome { at: NOW - ago, took: 60, action, failure };
        self.place(chroot).put_outcome(&outcome).unwrap();
    }

    /// Of the one archive that all chroots share.
    fn archive(&self) -> (ArchiveId, ArchiveState) {
        let id = ArchiveId::all_of(&self.recipe()).into_keys().next().unwrap();
        let state = ArchiveState::new(&self.path(), &id);
        (id, state)
    }

    fn log(&self, name: &str) {
        fs::create_dir_all(self.store().log_dir()).unwrap();
        fs::write(self.store().log_dir().join(name), "| x\n").unwrap();
    }

    fn rows(&self, which: &[&str]) -> Vec<look::Row> {
        let which: Vec<String> = which.iter().map(ToString::to_string).collect();
        let chosen = choose(&self.config, &self.store(), &which).unwrap();
        look::look(&self.config, &self.store(), chosen)
    }

    /// The table, with STATE for the state directory.
    fn table(&self) -> String {
        let table = Table { rows: &self.rows(&[]), now: NOW }.to_string();
        table.replace(&self.path().display().to_string(), "STATE")
    }

    fn json(&self) -> String {
        let json = json::render(&self.path(), &self.rows(&[])).unwrap();
        json.replace(&self.path().display().to_string(), "STATE")
    }

    /// What the last column says of a chroot.
    fn last(&self, chroot: &str) -> String {
        let table = self.table();
        let row = table.lines().find(|line| line.starts_with(chroot)).unwrap();
        row[table.find("LAST").unwrap()..].to_owned()
    }
}

fn id(chroot: &str) -> ChrootId {
    ChrootId::parse(chroot).unwrap()
}

fn mirror_failure() -> OutcomeFailure {
    OutcomeFailure {
        class: FailureClass::Mirror,
        reason: "the mirror does not answer".to_owned(),
        advice: Some("look at the network".to_owned()),
        last_lines: vec!["E: 503".to_owned()],
    }
}

#[test]
fn a_chroot_is_a_row_and_one_that_is_well_needs_no_more() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", 9 * DAY);
    state.generation("trixie-amd64", 3 * DAY);
    let stamp =
        Stamp { generation: 2, at: NOW - 5 * HOUR, indexes: None, recipe: None, tools: None };
    state.place("trixie-amd64").put_stamp(&stamp).unwrap();
    assert_eq!(
        state.table(),
        "CHROOT        GEN  AGE    SIZE  CHECKED  OUTPUTS  LAST OUTCOME\n\
         trixie-amd64    2  3 d  412 MB      5 h  -        checked\n\
         trixie-arm64    -    -       -        -  -        not made yet\n"
    );
}

#[test]
fn a_failure_is_told_with_its_class_reason_advice_and_log() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", 3 * DAY);
    state.outcome("trixie-amd64", Action::Upgrade, 2 * HOUR, Some(mirror_failure()));
    state.log("chroot.trixie-amd64-2023-11-14#1");
    assert_eq!(
        state.table(),
        "CHROOT        GEN  AGE    SIZE  CHECKED  OUTPUTS  LAST OUTCOME\n\
         trixie-amd64    1  3 d  412 MB      3 d  -        failed: mirror\n\
         trixie-arm64    -    -       -        -  -        not made yet\n\
         \n\
         trixie-amd64: upgrading it failed 2 h ago: the mirror does not answer\n  \
         -> look at the network\n  \
         log: STATE/log/chroot.trixie-amd64-2023-11-14#1\n"
    );
}

#[test]
fn a_failure_is_over_once_the_chroot_was_made_or_found_well() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", 3 * DAY);
    state.outcome("trixie-amd64", Action::Upgrade, 4 * DAY, Some(mirror_failure()));
    assert_eq!(state.last("trixie-amd64"), "made");
    state.outcome("trixie-amd64", Action::Upgrade, 2 * DAY, Some(mirror_failure()));
    assert_eq!(state.last("trixie-amd64"), "failed: mirror");
    let stamp = Stamp { generation: 1, at: NOW - DAY, indexes: None, recipe: None, tools: None };
    state.place("trixie-amd64").put_stamp(&stamp).unwrap();
    assert_eq!(state.last("trixie-amd64"), "checked");
}

#[test]
fn an_archives_failure_is_that_of_the_chroots_that_use_it_until_they_are_found_well() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", 3 * DAY);
    let (id, archive) = state.archive();
    let failed = Failed { at: NOW - HOUR, took: 1, failure: mirror_failure() };
    archive.put_failed(&failed).unwrap();
    state.log(&format!("archive.{id}-2023-11-14#1"));
    for chroot in ["trixie-amd64", "trixie-arm64"] {
        assert_eq!(state.last(chroot), "failed: mirror");
        let note = format!(
            "{chroot}: looking what its archive has failed 60 min ago: the mirror does not answer\n  \
             -> look at the network\n  log: STATE/log/archive.{id}-2023-11-14#1\n"
        );
        assert!(state.table().contains(&note), "{}", state.table());
    }
    assert!(state.json().contains("\"action\": \"look\""), "{}", state.json());

    state.outcome("trixie-arm64", Action::Create, 60, None);
    state.generation("trixie-arm64", 120);
    assert_eq!(state.last("trixie-arm64"), "created");
    let stamp = Stamp { generation: 1, at: NOW, indexes: None, recipe: None, tools: None };
    state.place("trixie-amd64").put_stamp(&stamp).unwrap();
    assert_eq!(state.last("trixie-amd64"), "checked");
    archive.forget_failed().unwrap();
    archive.forget_failed().unwrap();
    assert_eq!(archive.failed(), None);
}

#[test]
fn a_log_older_than_the_failure_is_not_its_log() {
    let state = State::new(CONFIG);
    state.outcome("trixie-amd64", Action::Create, 0, Some(mirror_failure()));
    state.log("chroot.trixie-amd64-2020-01-01#1");
    let log = state.store().log_dir().join("chroot.trixie-amd64-2020-01-01#1");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW - DAY);
    fs::File::open(log).unwrap().set_modified(long_ago).unwrap();
    assert!(!state.table().contains("log:"), "{}", state.table());
}

#[test]
fn an_outcome_is_told_as_what_it_came_to() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", DAY);
    for (action, ago, said) in [
        (Action::Create, DAY - 60, "created"),
        (Action::Upgrade, DAY - 60, "upgraded"),
        (Action::Upgrade, HOUR, "checked"),
        (Action::HandOut, HOUR, "handed out"),
    ] {
        state.outcome("trixie-amd64", action, ago, None);
        assert_eq!(state.last("trixie-amd64"), said);
    }
}

#[test]
fn work_under_a_lock_is_going_on_and_without_one_was_killed() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", DAY);
    let work = state.place("trixie-amd64").begin().unwrap();
    let Attempt::Taken(lock) = state.store().lock("chroot.trixie-amd64").unwrap() else {
        panic!("somebody holds it");
    };
    assert_eq!(state.last("trixie-amd64"), "at work");
    let holder = format!("trixie-amd64: process {} works on it\n", std::process::id());
    assert!(state.table().ends_with(&holder), "{}", state.table());
    drop(lock);
    assert_eq!(state.last("trixie-amd64"), "killed");
    let remains = "-> its remains go with the next run, or now: chroot-maint gc\n";
    assert!(state.table().contains(remains), "{}", state.table());
    fs::remove_dir_all(work.dir()).unwrap();
    assert_eq!(state.last("trixie-amd64"), "made");
}

#[test]
fn a_broken_record_does_not_hide_the_others() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", DAY);
    state.generation("trixie-arm64", DAY);
    fs::write(state.path().join("chroots/trixie-amd64/gen/1.json"), "{").unwrap();
    let table = state.table();
    assert!(table.contains("trixie-amd64    1     -       -        -"), "{table}");
    assert_eq!(state.last("trixie-amd64"), "broken");
    assert_eq!(state.last("trixie-arm64"), "made");
    assert!(table.contains("trixie-amd64: the record STATE/chroots/"), "{table}");
    assert!(table.contains("\n  -> delete STATE/chroots/trixie-amd64/current to have"), "{table}");
}

#[test]
fn a_chroot_that_the_config_lists_no_longer_is_shown_and_said_to_be_one() {
    let state = State::new(CONFIG);
    state.generation("sid-amd64", DAY);
    let table = state.table();
    assert!(table.contains("\nsid-amd64       1  24 h  412 MB     24 h  -"), "{table}");
    assert!(table.contains("sid-amd64: it is not in the config"), "{table}");
    assert!(table.contains("chroot-maint remove sid-amd64\n"), "{table}");
    assert_eq!(state.rows(&["sid", "*-arm64"]).len(), 2);
    assert_eq!(state.rows(&["stable"]).len(), 2);
}

#[test]
fn a_config_that_has_changed_is_told_with_what_changed() {
    let state = State::new(CONFIG);
    let old = Recipe { include: vec!["cmake".to_owned()], ..state.recipe() };
    state.generation_of("trixie-amd64", DAY, old);
    let note = "trixie-amd64: the config has changed since it was made: include\n";
    assert!(state.table().contains(note), "{}", state.table());
}

#[test]
fn generations_beyond_those_kept_and_newer_than_the_one_in_use_are_told() {
    let state = State::new(&format!("keep-generations = 1\n{CONFIG}"));
    state.generation("trixie-amd64", 2 * DAY);
    state.generation("trixie-amd64", DAY);
    let more = "trixie-amd64: generations 1, 2 are there, of which 1 are kept\n";
    assert!(state.table().contains(more), "{}", state.table());
    let current = state.path().join("chroots/trixie-amd64/current");
    fs::remove_file(&current).unwrap();
    symlink("gen/1", &current).unwrap();
    let rolled = "trixie-amd64: it was rolled back from generation 2 to 1\n";
    assert!(state.table().contains(rolled), "{}", state.table());
}

#[test]
fn the_table_of_usual_names_fits_80_columns() {
    let state = State::new(&format!("{CONFIG}[dist.bookworm]\n"));
    state.generation("bookworm-amd64", 300 * DAY);
    state.outcome("bookworm-amd64", Action::Upgrade, 2 * HOUR, Some(mirror_failure()));
    assert!(state.table().lines().all(|line| line.len() <= 80), "{}", state.table());
}

#[test]
fn a_look_at_nothing_makes_nothing() {
    let state = State::new(CONFIG);
    assert_eq!(state.rows(&[]).len(), 2);
    assert!(!Path::exists(&state.path()));
}

#[test]
fn the_json_is_what_the_manual_says() {
    let state = State::new(&CONFIG.replace("['directory']", "['sbuild', 'schroot']"));
    state.generation("trixie-amd64", 3 * DAY);
    state.outcome("trixie-amd64", Action::Upgrade, 2 * HOUR, Some(mirror_failure()));
    state.log("chroot.trixie-amd64-2023-11-14#1");
    assert_eq!(state.json(), include_str!("expected.json"));
    let value: serde_json::Value = serde_json::from_str(&state.json()).unwrap();
    let page = include_str!("../../man/chroot-maint-status.roff");
    let keys: BTreeSet<&String> = keys(&value).into_iter().collect();
    for key in keys {
        assert!(page.contains(&key.replace('-', "\\-")), "no `{key}'");
    }
}

/// Those of all objects in it.
fn keys(value: &serde_json::Value) -> Vec<&String> {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().flat_map(|(key, value)| [vec![key], keys(value)].concat()).collect()
        }
        serde_json::Value::Array(list) => list.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}
