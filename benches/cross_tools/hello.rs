//! `./configure && make` of GNU hello: some hundred small programs, a shell that starts them, and a little compiling. Beside it
//! the same by the archive's cross compiler, for which nothing of the foreign architecture can be run.

use crate::{
    Result,
    chroots::{Chroots, SHARED, Side, Tools},
    cross_compiler::CrossCompiler,
    sources,
    table::{Bound, Rounds, Table},
};

/// What has to be the same whoever has compiled it; what configure has found out is a part of it.
const KEEP: &str = "find . -type f \\( -name '*.o' -o -name '*.a' -o -name hello -o -name config.h \\) \
                    -exec cp --parents --target-directory";

pub(crate) fn measure(chroots: &Chroots, rounds: Rounds) -> Result<Table> {
    chroots.make()?;
    let hello = sources::hello(chroots)?;
    let CrossCompiler { triplet, install } = CrossCompiler::of(chroots)?;
    let cross = format!("./configure --host={triplet} && make");
    let build = "./configure && make";
    // Where, whose programs, what comes before, and how it is built.
    let ways = [
        (Side::Native, Tools::Host, "", build),
        (Side::Foreign, Tools::Host, "", build),
        (Side::Foreign, Tools::Emulated, "", build),
        (Side::Native, Tools::Host, install.as_str(), cross.as_str()),
    ];
    let is_cross = |way: usize| way == 3;
    let [native, foreign] = [Side::Native, Side::Foreign].map(|side| chroots.name(side));
    let names = [
        native.clone(),
        format!("{foreign}, cross-tools"),
        format!("{foreign}, emulated"),
        format!("{native}, cross compiler"),
    ];
    let title = format!("GNU hello {}, `./configure && make`", hello.version);
    let mut table = Table::new(title, names).emulated(2).target(1, 0, Bound::AtMost(1.2)).target(
        2,
        1,
        Bound::AtLeast(15.0),
    );
    let mut expected = None;
    table.measure(rounds, |way| {
        let (side, tools, prepare, build) = ways[way];
        let before = format!(
            "{prepare}\nmkdir /tmp/hello; cd /tmp/hello\n\
             tar --strip-components=1 -xf {SHARED}/{}",
            hello.file
        );
        let measured = format!(
            "{} sh -euc '{build}' >/tmp/log 2>&1 || {{ tail -n 20 /tmp/log; exit 1; }}",
            tools.prefix()
        );
        let try_it = if is_cross(way) { "echo" } else { "./hello" };
        let after = format!("cd /tmp/hello; {try_it}; {KEEP} {SHARED}/out {{}} +");
        let session = chroots.session(side, &before, &measured, &after)?;
        if is_cross(way) {
            session.outcome.expect_arch(chroots.arch(Side::Foreign))?;
            return Ok(session.time);
        }
        if session.said.trim() != "Hello, world!" {
            return Err(format!("hello says `{}'", session.said.trim()).into());
        }
        session.outcome.expect_arch(chroots.arch(side))?;
        if side == Side::Foreign {
            expected.get_or_insert(session.outcome.clone()).expect_same(&session.outcome)?;
        }
        Ok(session.time)
    })?;
    table.note(
        "The cross compiler's build runs nothing of the foreign architecture: configure guesses what it would have tried.",
    );
    table.note("Objects, program and config.h of the foreign chroot are the same, byte by byte.");
    Ok(table)
}
