//! The TOML form of the configuration. Does not know the host's defaults, nor the other form.

use toml::de::DeTable;

use super::{
    Place, Problem,
    document::{
        DistSection, Document, Section, absolute, address, arch, archive_word, output, package,
        proxy, span, tier, unknown, user,
    },
    toml_table::{TableReader, Value},
};
use crate::spec::{Dist, Variant};

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Document, Problem> {
    let root = DeTable::parse(text).map_err(|error| Problem {
        place: Place::of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().replace('\n', ", "),
    })?;
    let mut top = TableReader::new(text, "at the top", root.get_ref());

    let state_dir = top.take_as("state-dir", |value| value.text(absolute))?;
    let proxy = top.take_as("proxy", |value| value.text(proxy))?;
    let mirror_timeout = top.take_as("mirror-timeout", |value| value.text(span))?;
    let fresh = top.take_as("fresh", |value| value.text(str::parse))?;
    let keep_generations = top.take_as("keep-generations", |value| value.count())?;
    let retries = top.take_as("retries", |value| value.number())?;
    let retry_delay = top.take_as("retry-delay", |value| value.text(span))?;
    let time_limit = top.take_as("time-limit", |value| value.text(span))?;
    let sbuild_user = top.take_as("sbuild-user", |value| value.text(user))?;
    let schroot_dir = top.take_as("schroot-dir", |value| value.text(absolute))?;
    let tool_list = top.take_as("tool-list", |value| value.text(absolute))?;
    let mut defaults = top.take_as("defaults", |value| defaults(&value))?.unwrap_or_default();
    defaults.fresh = defaults.fresh.or(fresh);
    let dists = top.take_as("dist", |value| dists(&value))?.unwrap_or_default();
    top.finish()?;

    Ok(Document {
        state_dir,
        proxy,
        mirror_timeout,
        keep_generations,
        retries,
        retry_delay,
        time_limit,
        sbuild_user,
        schroot_dir,
        tool_list,
        defaults,
        dists,
    })
}

fn defaults(value: &Value<'_>) -> Result<Section, Problem> {
    let mut table = value.table("in [defaults]")?;
    let section = section(&mut table)?;
    table.finish()?;
    Ok(section)
}

fn dists(value: &Value<'_>) -> Result<Vec<DistSection>, Problem> {
    value
        .named()?
        .into_iter()
        .map(|(key, value)| {
            let name = key.name;
            let dist = Dist::parse(name)
                .ok_or_else(|| key.fault(format!("`{name}' can't be a distribution's name")))?;
            let mut table = value.table(&format!("in [dist.{name}]"))?;
            let section = section(&mut table)?;
            let aliases = table.take_as("aliases", |value| value.list(alias))?.unwrap_or_default();
            let suites = table.take_as("suites", |value| value.some(archive_word))?;
            table.finish()?;
            Ok(DistSection { dist, aliases, suites, section })
        })
        .collect()
}

/// The keys that `[defaults]` and `[dist.NAME]` share.
fn section(table: &mut TableReader<'_>) -> Result<Section, Problem> {
    let section = Section {
        archs: table.take_as("archs", |value| value.some(arch))?,
        variant: table.take_as("variant", |value| value.text(variant))?,
        components: table.take_as("components", |value| value.some(archive_word))?,
        include: table.take_as("include", |value| value.list(package))?,
        mirror: table.take_as("mirror", |value| value.text(address))?,
        security_mirror: table.take_as("security-mirror", |value| value.text(address))?,
        keyring: table.take_as("keyring", |value| value.text(absolute))?,
        fresh: table.take_as("fresh", |value| value.text(str::parse))?,
        outputs: table.take_as("outputs", |value| value.list(output))?,
        cross_tools: table.take_as("cross-tools", |value| value.list(tier))?,
    };
    Ok(section)
}

fn alias(name: &str) -> Result<String, String> {
    Dist::parse(name).map(String::from).ok_or_else(|| format!("`{name}' can't be an alias"))
}

fn variant(name: &str) -> Result<Variant, String> {
    let names = Variant::ALL.iter().map(|&(name, _)| name);
    Variant::find(name).ok_or_else(|| unknown("variant", name, names))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn fault(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_documented_example_is_read() {
        let document = parse(
            r#"
            state-dir = "/var/lib/chroot-maint"
            fresh = "7d"
            mirror-timeout = "10s"
            keep-generations = 2

            [defaults]
            variant = "buildd"
            components = ["main"]
            include = ["eatmydata", "fakeroot"]
            outputs = ["sbuild", "schroot"]

            [dist.trixie]
            archs = ["amd64", "arm64"]
            aliases = ["stable"]
            suites = ["trixie", "trixie-updates", "trixie-security"]
            mirror = "http://mirror.example/debian"
            "#,
        )
        .unwrap();
        assert_eq!(document.dists[0].section.archs.as_ref().unwrap().len(), 2);
        assert_eq!(document.dists[0].aliases, ["stable"]);
    }

    #[test]
    fn an_unknown_key_has_its_line_and_the_nearest_key() {
        assert_eq!(
            fault("[defaults]\n  inclde = []\n"),
            "2:3: unknown key `inclde' in [defaults]; did you mean `include'?"
        );
        assert!(
            fault("colour = 1\n").starts_with("1:1: unknown key `colour' at the top; there are: ")
        );
    }

    #[test]
    fn an_unknown_architecture_has_its_place_and_the_nearest() {
        assert_eq!(
            fault("[dist.trixie]\narchs = [\"amd64\",\n  \"adm64\"]\n"),
            "3:3: archs: unknown architecture `adm64'; did you mean `amd64'?"
        );
    }

    #[test]
    fn a_chroot_listed_twice_is_refused() {
        assert_eq!(
            fault("[dist.trixie]\narchs = [\"amd64\", \"amd64\"]\n"),
            "2:19: archs: duplicate `amd64'"
        );
        assert!(fault("[dist.sid]\n[dist.sid]\n").starts_with("2:"));
    }

    #[test]
    fn a_list_that_would_leave_nothing_to_make_is_refused() {
        for key in ["archs", "suites", "components"] {
            let said = fault(&format!("[dist.trixie]\n{key} = []\n"));
            assert!(said.ends_with(&format!("{key}: there must be one at least")), "{said}");
        }
        assert!(parse("[dist.trixie]\ninclude = []\naliases = []\n").is_ok());
    }

    #[test]
    fn an_address_without_host_is_refused() {
        assert!(fault("[defaults]\nmirror = 'http://'").contains("is not an address"));
        assert!(parse("[defaults]\nmirror = 'file:///srv/debian'").is_ok());
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        assert_eq!(
            fault("keep-generations = 0"),
            "1:20: keep-generations: a whole number of 1 or more is wanted"
        );
        assert_eq!(fault("retries = -1"), "1:11: retries: a whole number is wanted");
        assert_eq!(
            fault("time-limit = '4 hours'"),
            "1:14: time-limit: `4 hours' is not a time: give one such as 30s, 10m or 4h"
        );
        assert_eq!(fault("fresh = 7"), "1:9: fresh: a text in quotes is wanted");
        assert_eq!(fault("state-dir = 'x'"), "1:13: state-dir: `x' is not an absolute path");
        assert_eq!(fault("dist = 3"), "1:8: dist: a table is wanted");
    }

    #[test]
    fn broken_toml_has_its_line() {
        assert!(fault("fresh = \n").starts_with("1:"));
    }
}
