//! A place with generations of next to nothing, for the tests of this module.

use std::fs;

use tempfile::TempDir;

use super::{Generation, Place, Record, Store, Work};
use crate::spec::{ChrootId, Recipe, Variant};

/// An empty place, in a directory that lives as long as the first value.
pub(super) fn place() -> (TempDir, Place) {
    let dir = tempfile::tempdir().unwrap();
    let id = ChrootId::parse("trixie-amd64").unwrap();
    let place = Store::new(dir.path().join("state")).prepare(&id).unwrap();
    (dir, place)
}

pub(super) fn record(place: &Place) -> Record {
    let recipe = Recipe {
        revision: Recipe::REVISION,
        variant: Variant::Buildd,
        suites: vec!["trixie".to_owned()],
        components: vec!["main".to_owned()],
        include: vec![],
        mirror: None,
        security_mirror: None,
        keyring: None,
    };
    Record {
        version: Record::VERSION,
        chroot: place.id.clone(),
        parent: None,
        recipe,
        created: 0,
        took: 0,
        size: 0,
        indexes: None,
        packages: vec![],
        cross_tools: None,
    }
}

pub(super) fn work_with_tree(place: &Place) -> Work {
    let work = place.begin().unwrap();
    fs::create_dir_all(work.tree().join("etc")).unwrap();
    work
}

/// The next generation, made from the current one.
pub(super) fn commit(place: &Place) -> Generation {
    let parent = place.current().unwrap().map(|current| current.number);
    let generation =
        place.commit(&work_with_tree(place), &Record { parent, ..record(place) }).unwrap();
    for leftover in place.leftovers().unwrap().unused {
        super::remove_tree(&leftover).unwrap();
    }
    generation
}
