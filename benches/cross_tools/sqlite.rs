//! `gcc -O2 -c sqlite3.c`: a single process that computes, beside the same compiler as it is made to compile
//! for another architecture.

use crate::{
    Result,
    chroots::{Chroots, SHARED, Side, Tools},
    sources,
    table::{Bound, Table},
};

/// What installs packages in a session. What apt fetches for it is kept for the next one.
fn install(packages: &str) -> String {
    format!(
        "mkdir -p {SHARED}/lists/partial {SHARED}/debs/partial
        apt_get() {{
            apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists={SHARED}/lists \\
                -o Dir::Cache::Archives={SHARED}/debs -o APT::Keep-Downloaded-Packages=true \\
                \"$@\" >&2
        }}
        test -e {SHARED}/lists/complete || {{ apt_get update; : >{SHARED}/lists/complete; }}
        export DEBIAN_FRONTEND=noninteractive
        apt_get install --yes --no-install-recommends {packages}"
    )
}

pub(crate) fn measure(chroots: &Chroots, rounds: u32) -> Result<Table> {
    chroots.make()?;
    let sqlite = sources::sqlite(chroots)?;
    // Of an earlier run, which may be long ago.
    let lists = chroots.shared().join("lists");
    if lists.exists() {
        std::fs::remove_dir_all(lists)?;
    }
    let triplet = chroots.ask(Side::Foreign, "gcc -dumpmachine")?;
    let triplet = triplet.trim();
    // The headers of the C library are only recommended by it.
    let packages = format!(
        "gcc-{} libc6-dev-{}-cross",
        triplet.replace('_', "-"),
        chroots.arch(Side::Foreign)
    );
    let install = install(&packages);
    let cross = format!("{triplet}-gcc");
    let emulated = format!("{} gcc", Tools::Emulated.prefix());
    // Where, what comes before, and the compiler.
    let ways = [
        (Side::Native, install.as_str(), cross.as_str()),
        (Side::Foreign, "", "gcc"),
        (Side::Foreign, "", emulated.as_str()),
    ];
    let [native, foreign] = [Side::Native, Side::Foreign].map(|side| chroots.name(side));
    let names = [
        format!("{native}, {cross}"),
        format!("{foreign}, cross-tools"),
        format!("{foreign}, emulated"),
    ];
    let title = format!("SQLite {}, `gcc -O2 -c sqlite3.c`", sqlite.version);
    let mut table = Table::new(title, names).target(1, 0, Bound::AtMost(1.15));
    let (mut expected, mut of_cross) = (None, None);
    let mut versions = [const { String::new() }; 3];
    table.measure(rounds, |way| {
        let (side, prepare, compiler) = ways[way];
        // The compiler is read once before it is measured: in one way it has just been unpacked.
        let before = format!(
            "{prepare}\ncp {SHARED}/{} /tmp; cd /tmp\n\
             echo 'int one;' >one.c; {compiler} -O2 -c one.c\n\
             {compiler} --version | head -n 1",
            sqlite.file
        );
        let measured = format!("{compiler} -O2 -c {}", sqlite.file);
        let after = format!("cp /tmp/sqlite3.o {SHARED}/out");
        let session = chroots.session(side, &before, &measured, &after)?;
        // After the name that it was called by.
        let version = session.said.split_once(' ').ok_or("the compiler has no version")?.1;
        version.trim().clone_into(&mut versions[way]);
        session.outcome.expect_arch(chroots.arch(Side::Foreign))?;
        if side == Side::Foreign {
            expected.get_or_insert(session.outcome.clone()).expect_same(&session.outcome)?;
        } else {
            of_cross = Some(session.outcome);
        }
        Ok(session.time)
    })?;
    table.note("Objects of the foreign chroot are the same, byte by byte.");
    let [cross, host, _] = &versions;
    table.note(if cross == host {
        format!("All compilers are gcc {cross}.")
    } else {
        format!("The cross compiler is gcc {cross}, the chroot's gcc {host}.")
    });
    let is_same =
        of_cross.zip(expected).is_some_and(|(one, other)| one.expect_same(&other).is_ok());
    let is_same = if is_same { "the same" } else { "another one" };
    table.note(format!("The cross compiler's object is {is_same}."));
    Ok(table)
}
