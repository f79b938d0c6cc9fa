//! `./configure && make` of GNU hello: some hundred small programs, a shell that starts them, and a little compiling.

use crate::{
    Result,
    chroots::{Chroots, SHARED, Side, Tools},
    sources,
    table::{Bound, Table},
};

/// What has to be the same whoever has compiled it; what configure has found out is a part of it.
const KEEP: &str = "find . -type f \\( -name '*.o' -o -name '*.a' -o -name hello -o -name config.h \\) \
                    -exec cp --parents --target-directory";

pub(crate) fn measure(chroots: &Chroots, rounds: u32) -> Result<Table> {
    chroots.make()?;
    let hello = sources::hello(chroots)?;
    let ways = [
        (Side::Native, Tools::Host),
        (Side::Foreign, Tools::Host),
        (Side::Foreign, Tools::Emulated),
    ];
    let [native, foreign] = [Side::Native, Side::Foreign].map(|side| chroots.name(side));
    let names = [native, format!("{foreign}, cross-tools"), format!("{foreign}, emulated")];
    let title = format!("GNU hello {}, `./configure && make`", hello.version);
    let mut table = Table::new(title, names).target(1, 0, Bound::AtMost(1.2)).target(
        2,
        1,
        Bound::AtLeast(15.0),
    );
    let mut expected = None;
    table.measure(rounds, |way| {
        let (side, tools) = ways[way];
        let before = format!(
            "mkdir /tmp/hello; cd /tmp/hello\n\
             tar --strip-components=1 -xf {SHARED}/{}",
            hello.file
        );
        let measured = format!(
            "{} sh -euc './configure && make' >/tmp/log 2>&1 || {{ tail -n 20 /tmp/log; exit 1; }}",
            tools.prefix()
        );
        let after = format!("cd /tmp/hello; ./hello; {KEEP} {SHARED}/out {{}} +");
        let session = chroots.session(side, &before, &measured, &after)?;
        if session.said.trim() != "Hello, world!" {
            return Err(format!("hello says `{}'", session.said.trim()).into());
        }
        session.outcome.expect_arch(chroots.arch(side))?;
        if side == Side::Foreign {
            expected.get_or_insert(session.outcome.clone()).expect_same(&session.outcome)?;
        }
        Ok(session.time)
    })?;
    table.note("Objects, program and config.h of the foreign chroot are the same, byte by byte.");
    Ok(table)
}
