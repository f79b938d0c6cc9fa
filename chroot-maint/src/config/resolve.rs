//! From what a file says to what it comes to on this host. Reads no file.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use super::{
    Chroot, Config, ConfigError,
    document::{DistSection, Document, Section},
};
use crate::{
    host::Host,
    spec::{Arch, ChrootId, Output, Recipe, Tier, Variant},
};

/// The one in use, and the one before it to go back to.
const KEEP_GENERATIONS: u32 = 2;
/// A mirror that does not answer for a moment is not worth a failed night; one that is down for longer is.
const RETRIES: u32 = 3;
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// Ten times as long as anything takes that was seen, an emulated bootstrap on a slow machine among it.
const TIME_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// What is known to be worth it, and to make no difference but in time.
const CROSS_TOOLS: [Tier; 3] = [Tier::Compilers, Tier::Shell, Tier::Packaging];

/// Where schroot reads definitions of chroots.
const SCHROOT_DIR: &str = "/etc/schroot/chroot.d";

/// Fills the gaps of a document: from its defaults, then from the host, then from custom.
pub(super) fn resolve(
    document: Document,
    file: Option<PathBuf>,
    host: Host,
    is_root: bool,
) -> Result<Config, ConfigError> {
    let Document { defaults, mut dists, .. } = document;
    if dists.is_empty() {
        let section = Section::default();
        let dist = host.dist()?;
        dists.push(DistSection { dist, aliases: Vec::new(), suites: None, section });
    }
    check_aliases(&dists).map_err(|message| ConfigError::Whole {
        path: file.clone().unwrap_or_default(),
        message,
    })?;

    let mut chroots = BTreeMap::new();
    for dist in dists {
        let recipe = recipe(&dist, &defaults);
        let archs = dist.section.archs.clone().or_else(|| defaults.archs.clone());
        let mut cross_tools = dist.section.cross_tools.clone();
        cross_tools = cross_tools.or_else(|| defaults.cross_tools.clone());
        let cross_tools = cross_tools.unwrap_or_else(|| CROSS_TOOLS.to_vec());
        for arch in archs.unwrap_or_else(|| vec![host.arch]) {
            let id = ChrootId { dist: dist.dist.clone(), arch };
            let own = &dist.section;
            let outputs = own.outputs.as_ref().or(defaults.outputs.as_ref());
            let chroot = Chroot {
                recipe: recipe.clone(),
                aliases: dist.aliases.clone(),
                fresh: own.fresh.or(defaults.fresh).unwrap_or_default(),
                outputs: outputs.cloned().unwrap_or_else(|| vec![Output::Directory]),
                cross_tools: if host.arch.runs_natively(arch) {
                    Vec::new()
                } else {
                    cross_tools.clone()
                },
            };
            chroots.insert(id, chroot);
        }
        imply_donor(&mut chroots, &dist, host.arch);
    }
    // Only the older form gets here: the lists of native and foreign ones may be empty one by one.
    if chroots.is_empty() {
        let message = "no chroot is left: every list of architectures is empty".to_owned();
        return Err(ConfigError::Whole { path: file.unwrap_or_default(), message });
    }
    let state_dir = match document.state_dir {
        Some(dir) => dir,
        None => Config::default_state_dir(is_root).ok_or(ConfigError::NoStateDir)?,
    };
    if state_dir.as_os_str().as_bytes().contains(&b'"') {
        let message = format!(
            "state-dir: apt can't work below `{}', for the quotation mark",
            state_dir.display()
        );
        return Err(ConfigError::Whole { path: file.unwrap_or_default(), message });
    }
    Ok(Config {
        file,
        state_dir,
        proxy: document.proxy,
        mirror_timeout: document.mirror_timeout,
        host,
        keep_generations: document.keep_generations.unwrap_or(KEEP_GENERATIONS),
        retries: document.retries.unwrap_or(RETRIES),
        retry_delay: document.retry_delay.unwrap_or(RETRY_DELAY),
        time_limit: document.time_limit.unwrap_or(TIME_LIMIT),
        sbuild_user: document.sbuild_user,
        schroot_dir: document.schroot_dir.unwrap_or_else(|| PathBuf::from(SCHROOT_DIR)),
        chroots,
        tool_list: document.tool_list,
        no_wait: false,
    })
}

/// Tools for foreign chroots are taken from a native one of the same distribution, which may be wanted for nothing else.
fn imply_donor(chroots: &mut BTreeMap<ChrootId, Chroot>, dist: &DistSection, native: Arch) {
    let of_dist = chroots.iter().filter(|(id, _)| id.dist == dist.dist);
    let wanting = of_dist.map(|(_, chroot)| chroot).find(|chroot| !chroot.cross_tools.is_empty());
    let id = ChrootId { dist: dist.dist.clone(), arch: native };
    if let (Some(foreign), false) = (wanting, chroots.contains_key(&id)) {
        let donor = Chroot {
            recipe: foreign.recipe.clone(),
            aliases: Vec::new(),
            fresh: foreign.fresh,
            outputs: vec![Output::Directory],
            cross_tools: Vec::new(),
        };
        chroots.insert(id, donor);
    }
}

/// An alias that is also another distribution's name would make `WHICH` ambiguous.
fn check_aliases(dists: &[DistSection]) -> Result<(), String> {
    let mut names: BTreeSet<&str> = dists.iter().map(|dist| dist.dist.as_str()).collect();
    for dist in dists {
        if let Some(alias) = dist.aliases.iter().find(|alias| !names.insert(alias)) {
            return Err(format!("alias `{alias}' of `{}' is taken already", dist.dist));
        }
    }
    Ok(())
}

fn recipe(dist: &DistSection, defaults: &Section) -> Recipe {
    let own = &dist.section;
    let either = |own: &Option<String>, default: &Option<String>| own.clone().or(default.clone());
    let list = |own: &Option<Vec<String>>, default: &Option<Vec<String>>, custom: &[&str]| {
        let custom = || custom.iter().map(ToString::to_string).collect();
        own.clone().or_else(|| default.clone()).unwrap_or_else(custom)
    };
    let mut include = list(&own.include, &defaults.include, &["eatmydata", "fakeroot"]);
    include.sort();
    Recipe {
        revision: Recipe::REVISION,
        variant: own.variant.or(defaults.variant).unwrap_or(Variant::Buildd),
        suites: dist.suites.clone().unwrap_or_else(|| dist.dist.default_suites()),
        components: list(&own.components, &defaults.components, &["main"]),
        include,
        mirror: either(&own.mirror, &defaults.mirror),
        security_mirror: either(&own.security_mirror, &defaults.security_mirror),
        keyring: own.keyring.clone().or_else(|| defaults.keyring.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError, resolve};
    use crate::{config::toml_form, host::Host};

    fn config(text: &str) -> Result<Config, ConfigError> {
        let document = toml_form::parse(text).unwrap();
        resolve(document, Some("/etc/x.toml".into()), Host::fake("trixie", "amd64"), true)
    }

    fn names(config: &Config) -> Vec<String> {
        config.chroots.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_config_means_the_hosts_own_release_and_architecture() {
        let config = config("").unwrap();
        assert_eq!(names(&config), ["trixie-amd64"]);
        let recipe = &config.chroots.values().next().unwrap().recipe;
        assert_eq!(recipe.include, ["eatmydata", "fakeroot"]);
        assert_eq!(recipe.suites, ["trixie", "trixie-updates", "trixie-security"]);
        assert_eq!(config.state_dir.to_str(), Some("/var/lib/chroot-maint"));
    }

    #[test]
    fn a_distributions_own_word_counts_before_the_defaults() {
        let config = config(
            "[defaults]\narchs = ['arm64']\ninclude = ['cmake']\n\
             [dist.sid]\n[dist.trixie]\narchs = ['amd64', 'armhf']\ninclude = []\n",
        )
        .unwrap();
        let named = ["sid-arm64", "trixie-amd64", "trixie-armhf"];
        assert_eq!(names(&config).iter().filter(|name| named.contains(&name.as_str())).count(), 3);
        let chroots =
            config.chroots.iter().filter(|(id, _)| named.contains(&id.to_string().as_str()));
        let includes: Vec<usize> = chroots.map(|(_, chroot)| chroot.recipe.include.len()).collect();
        assert_eq!(includes, [1, 0, 0]);
    }

    #[test]
    fn foreign_chroots_have_tools_from_a_native_one_unless_none_are_wanted() {
        let of = |text: &str| {
            let config = config(text).unwrap();
            let tools =
                |(id, chroot): (&_, &super::Chroot)| format!("{id} {}", chroot.cross_tools.len());
            config.chroots.iter().map(tools).collect::<Vec<_>>()
        };
        assert_eq!(of("[dist.sid]\narchs = ['arm64']"), ["sid-amd64 0", "sid-arm64 3"]);
        assert_eq!(of("[dist.sid]\narchs = ['arm64']\ncross-tools = []"), ["sid-arm64 0"]);
        let some =
            "[defaults]\ncross-tools = ['compilers']\n[dist.sid]\narchs = ['amd64', 'arm64']";
        assert_eq!(of(some), ["sid-amd64 0", "sid-arm64 1"]);
    }

    #[test]
    fn what_the_processor_runs_itself_implies_no_native_chroot_and_no_tools() {
        let config = config("[dist.trixie]\narchs = ['i386']").unwrap();
        assert_eq!(names(&config), ["trixie-i386"]);
        assert!(config.chroots.values().all(|chroot| chroot.cross_tools.is_empty()));
    }

    #[test]
    fn the_order_of_packages_is_no_change() {
        let of = |text: &str| config(text).unwrap().chroots.into_values().next().unwrap().recipe;
        assert_eq!(
            of("[defaults]\ninclude = ['cmake', 'apt-utils']"),
            of("[defaults]\ninclude = ['apt-utils', 'cmake']")
        );
        assert_eq!(
            of("").changes_since(&of("[defaults]\ninclude = []\ncomponents = ['main', 'contrib']")),
            ["components", "include"]
        );
    }

    #[test]
    fn an_alias_must_not_be_ambiguous() {
        let error = config("[dist.sid]\naliases = ['trixie']\n[dist.trixie]\n").unwrap_err();
        assert_eq!(error.to_string(), "/etc/x.toml: alias `trixie' of `sid' is taken already");
    }

    #[test]
    fn a_state_directory_that_apt_cant_work_in_is_refused_at_once() {
        let error = config("state-dir = '/a\"b'").unwrap_err().to_string();
        assert!(error.contains("apt can't work below `/a\"b'"), "{error}");
    }
}
