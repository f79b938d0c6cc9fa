//! What is reported of a state directory. Times are counted from [`NOW`]; the trees are empty.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{choose, json, look, table::Table};
use crate::{
    archive::{ArchiveState, Failed},
    config::Config,
    spec::{
        ArchiveId, ChrootId, FailureClass, Gain, OutcomeFailure, Placed, Placement, Recipe, Tier,
    },
    store::{
        Action, Attempt, Described, Outcome, Package, Place, Record, Stamp, Store, ToolsRecipe,
        ToolsRecord,
    },
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
        let state = dir.path().join("state");
        Self { config: Config::fake(&format!("state-dir = '{}'\n{config}", state.display())), dir }
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
        commit(&self.place(chroot), &record(chroot, ago, recipe));
    }

    /// The same, with these tools in it.
    fn generation_with(&self, chroot: &str, ago: u64, placement: Placement) {
        let record = record(chroot, ago, self.recipe());
        commit(&self.place(chroot), &Record { cross_tools: Some(placement), ..record });
    }

    /// Where the tools for a chroot are.
    fn tools(&self, chroot: &str) -> Place<ToolsRecord> {
        let place = self.store().tools(&id(chroot));
        place.make_dirs().unwrap();
        place
    }

    /// A tree of tools that was begun so many seconds ago, and took a minute.
    fn tree_of_tools(&self, chroot: &str, ago: u64, hash: &str) {
        let record = ToolsRecord {
            version: ToolsRecord::VERSION,
            chroot: id(chroot),
            parent: None,
            created: NOW - ago,
            took: 60,
            size: 123_456_789,
            indexes: None,
            hash: hash.to_owned(),
            recipe: ToolsRecipe { list: "1-0".to_owned(), tiers: vec![Tier::Shell] },
            packages: BTreeMap::new(),
            unmet: None,
        };
        commit(&self.tools(chroot), &record);
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

fn record(chroot: &str, ago: u64, recipe: Recipe) -> Record {
    Record {
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
    }
}

fn commit<R: Described>(place: &Place<R>, record: &R) {
    let work = place.begin().unwrap();
    fs::create_dir(work.tree()).unwrap();
    place.commit(&work, record).unwrap();
    fs::remove_dir_all(work.dir()).unwrap();
}

/// Tools of which each group has its verdict.
fn placement(hash: &str, groups: &[(&str, Tier, &str)], gain: Option<Gain>) -> Placement {
    let placed = |&(name, tier, verdict): &(&str, Tier, &str)| Placed {
        name: name.to_owned(),
        tier,
        is_in: verdict == "exact" || verdict.starts_with("close"),
        verdict: verdict.to_owned(),
    };
    Placement { hash: hash.to_owned(), groups: groups.iter().map(placed).collect(), gain }
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
        "CHROOT        GEN  AGE    SIZE  CHECKED  OUTPUTS  CROSS-TOOLS  LAST OUTCOME\n\
         trixie-amd64    2  3 d  412 MB      5 h  -        -            checked\n\
         trixie-arm64    -    -       -        -  -        -            not made yet\n"
    );
}

#[test]
fn where_no_chroot_is_foreign_nothing_is_said_of_tools() {
    let state = State::new("[dist.trixie]\n");
    assert_eq!(
        state.table(),
        "CHROOT        GEN  AGE  SIZE  CHECKED  OUTPUTS  LAST OUTCOME\n\
         trixie-amd64    -    -     -        -  -        not made yet\n"
    );
    assert!(state.json().contains("\"cross-tools\": null"), "{}", state.json());
}

#[test]
fn tools_are_counted_and_those_that_are_not_exact_named_with_the_reason() {
    let state = State::new(CONFIG);
    let groups = [
        ("bash", Tier::Shell, "close: bash is 5.2-2, but bash is 5.2-1"),
        ("gawk", Tier::Shell, "absent: gawk is not installed"),
        ("gcc", Tier::Compilers, "refused: gcc-14 is 14.3-1, but gcc-14 is 14.2-1"),
        ("sed", Tier::Shell, "exact"),
        ("tar", Tier::Shell, "exact"),
    ];
    let gain = Some(Gain { emulated: 5337, accelerated: 201 });
    state.tree_of_tools("trixie-arm64", DAY, "abc");
    state.generation_with("trixie-arm64", HOUR, placement("abc", &groups, gain));
    let table = state.table();
    assert!(table.contains("  2 exact, 1 close, 1 refused  made\n"), "{table}");
    assert!(
        table.ends_with(
            "\n\n\
             trixie-arm64: the host's bash is close to its own: bash is 5.2-2, but bash is 5.2-1\n\
             trixie-arm64: its own gcc stays: gcc-14 is 14.3-1, but gcc-14 is 14.2-1\n\
             trixie-arm64: with cross-tools (shell), a small build takes 1/27 of the time\n"
        ),
        "{table}"
    );
}

#[test]
fn tools_other_than_those_that_there_are_are_told_as_such() {
    let state = State::new(CONFIG);
    let mend = "-> this is put right when it is looked at next, or now: \
                chroot-maint -f 0s chroot trixie-arm64\n";
    let said = |what: &str| {
        let note = format!("trixie-arm64: {what}\n  {mend}");
        assert!(state.table().ends_with(&note), "{}", state.table());
    };
    state.generation("trixie-arm64", 3 * DAY);
    assert!(!state.table().contains(mend), "there are none yet");
    state.tree_of_tools("trixie-arm64", 2 * DAY, "abc");
    said("it does not have the cross-tools that are there for it");
    state.generation_with("trixie-arm64", DAY, placement("abc", &[], None));
    assert!(!state.table().contains(mend), "{}", state.table());
    state.tree_of_tools("trixie-arm64", HOUR, "def");
    said("there are other cross-tools for it than it has");
}

#[test]
fn tools_that_are_not_wanted_any_more_are_told_as_such() {
    let state = State::new(&CONFIG.replace("outputs", "cross-tools = []\noutputs"));
    state.generation_with("trixie-arm64", DAY, placement("abc", &[], None));
    let table = state.table();
    assert!(table.contains("trixie-arm64: it has cross-tools that the config does not"), "{table}");
}

#[test]
fn after_a_rollback_the_tools_that_a_chroot_counts_as_having_are_good() {
    let state = State::new(CONFIG);
    state.tree_of_tools("trixie-arm64", DAY, "def");
    state.generation_with("trixie-arm64", DAY, placement("abc", &[], None));
    let (recipe, tools) = (Some(state.recipe()), Some("def".to_owned()));
    let stamp = Stamp { generation: 1, at: NOW, indexes: None, recipe, tools };
    state.place("trixie-arm64").put_stamp(&stamp).unwrap();
    assert!(!state.table().contains("trixie-arm64:"), "{}", state.table());
}

#[test]
fn a_failure_of_the_tools_is_told_with_its_log_until_they_are_made_or_found_well() {
    let state = State::new(CONFIG);
    state.generation("trixie-arm64", 3 * DAY);
    let failure = Some(mirror_failure());
    let outcome = Outcome { at: NOW - 2 * HOUR, took: 60, action: Action::Create, failure };
    state.tools("trixie-arm64").put_outcome(&outcome).unwrap();
    state.log("cross-tools.trixie-arm64-2023-11-14#1");
    let note = "trixie-arm64: making its cross-tools failed 2 h ago: the mirror does not answer\n  \
                -> look at the network\n  \
                log: STATE/log/cross-tools.trixie-arm64-2023-11-14#1\n";
    assert!(state.table().ends_with(note), "{}", state.table());
    assert_eq!(state.last("trixie-arm64"), "made", "the chroot itself is well");

    state.tree_of_tools("trixie-arm64", 3 * HOUR, "abc");
    assert!(state.table().contains(note), "{}", state.table());
    let stamp = Stamp { generation: 1, at: NOW - HOUR, indexes: None, recipe: None, tools: None };
    state.tools("trixie-arm64").put_stamp(&stamp).unwrap();
    assert!(!state.table().contains("failed"), "{}", state.table());
}

#[test]
fn work_on_tools_is_going_on_under_its_lock_and_was_killed_without_one() {
    let state = State::new(CONFIG);
    let work = state.tools("trixie-arm64").begin().unwrap();
    let Attempt::Taken(lock) = state.store().lock("cross-tools.trixie-arm64").unwrap() else {
        panic!("somebody holds it");
    };
    let holder = format!("trixie-arm64: process {} works on its cross-tools\n", std::process::id());
    assert!(state.table().ends_with(&holder), "{}", state.table());
    drop(lock);
    let killed = "trixie-arm64: a run was killed over its cross-tools\n";
    assert!(state.table().contains(killed), "{}", state.table());
    fs::remove_dir_all(work.dir()).unwrap();
    assert!(!state.table().contains(killed));
}

#[test]
fn a_broken_record_of_tools_is_told_and_leaves_the_chroot_as_it_is() {
    let state = State::new(CONFIG);
    state.generation("trixie-arm64", DAY);
    state.tree_of_tools("trixie-arm64", DAY, "abc");
    fs::write(state.path().join("cross-tools/trixie-arm64/gen/1.json"), "{").unwrap();
    let table = state.table();
    assert!(table.contains("trixie-arm64: cross-tools: the record STATE/cross-tools/"), "{table}");
    assert_eq!(state.last("trixie-arm64"), "made");
}

#[test]
fn a_failure_is_told_with_its_class_reason_advice_and_log() {
    let state = State::new(CONFIG);
    state.generation("trixie-amd64", 3 * DAY);
    state.outcome("trixie-amd64", Action::Upgrade, 2 * HOUR, Some(mirror_failure()));
    state.log("chroot.trixie-amd64-2023-11-14#1");
    assert_eq!(
        state.table(),
        "CHROOT        GEN  AGE    SIZE  CHECKED  OUTPUTS  CROSS-TOOLS  LAST OUTCOME\n\
         trixie-amd64    1  3 d  412 MB      3 d  -        -            failed: mirror\n\
         trixie-arm64    -    -       -        -  -        -            not made yet\n\
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
    let state = State::new(&format!("{CONFIG}[dist.bookworm]\n").replace(", 'arm64'", ""));
    state.generation("bookworm-amd64", 300 * DAY);
    state.outcome("bookworm-amd64", Action::Upgrade, 2 * HOUR, Some(mirror_failure()));
    assert!(state.table().lines().all(|line| line.len() <= 80), "{}", state.table());
}

#[test]
fn with_tools_it_fits_80_columns_as_long_as_nothing_fails() {
    let state = State::new(CONFIG);
    let groups: Vec<_> = (0..16).map(|_| ("x", Tier::Shell, "exact")).collect();
    state.tree_of_tools("trixie-arm64", DAY, "abc");
    state.generation_with("trixie-arm64", 300 * DAY, placement("abc", &groups, None));
    assert!(state.table().contains("16 exact"), "{}", state.table());
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
    let groups =
        [("gcc", Tier::Compilers, "exact"), ("m4", Tier::Shell, "absent: m4 is not installed")];
    let gain = Some(Gain { emulated: 5337, accelerated: 201 });
    state.tree_of_tools("trixie-arm64", DAY, "abc");
    state.generation_with("trixie-arm64", HOUR, placement("abc", &groups, gain));
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
