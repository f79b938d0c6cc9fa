//! `gcc -O2 -c sqlite3.c`: a single process that computes, beside the same compiler as it is made to compile
//! for another architecture.

use crate::{
    Result,
    chroots::{Chroots, SHARED, Side, Tools},
    cross_compiler::CrossCompiler,
    sources,
    table::{Bound, Rounds, Table},
};

pub(crate) fn measure(chroots: &Chroots, rounds: Rounds) -> Result<Table> {
    chroots.make()?;
    let sqlite = sources::sqlite(chroots)?;
    let CrossCompiler { triplet, install } = CrossCompiler::of(chroots)?;
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
    let mut table = Table::new(title, names).emulated(2).target(1, 0, Bound::AtMost(1.15));
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
