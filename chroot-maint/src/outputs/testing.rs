//! Configs for the unit tests.

use crate::{
    config::Config,
    spec::{ChrootId, Recipe, Variant},
    store::{Generation, Record},
};

/// A config with one of its chroots.
pub(super) fn config(text: &str, chroot: &str) -> (Config, ChrootId) {
    (Config::fake(text), ChrootId::parse(chroot).unwrap())
}

pub(super) fn generation(id: &ChrootId, number: u32) -> Generation {
    let recipe = Recipe {
        revision: Recipe::REVISION,
        variant: Variant::Buildd,
        suites: vec![],
        components: vec![],
        include: vec![],
        mirror: None,
        security_mirror: None,
        keyring: None,
    };
    let record = Record {
        version: Record::VERSION,
        chroot: id.clone(),
        parent: None,
        recipe,
        created: 0,
        took: 0,
        size: 0,
        indexes: None,
        packages: vec![],
        cross_tools: None,
    };
    Generation { number, tree: format!("/srv/chroots/{id}/gen/{number}").into(), record }
}
