//! `chroot-maint enter`: a throw-away session in the current generation. Knows nothing of how a session is built.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::process::ExitStatusExt,
    process::{ExitCode, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use nix::{
    sys::signal::{SigSet, SigmaskHow, Signal},
    unistd::{Pid, tcgetpgrp, tcsetpgrp},
};
use thiserror::Error;

use crate::{
    config::Config,
    sandbox::{Bind, Sandbox, SandboxError, Session},
    spec::{self, ChrootId, SelectionError},
    store::{Store, StoreError},
};

/// Why there is no session.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum EnterError {
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error("`{which}' names several chroots: {names}; name one of them")]
    Several { which: String, names: String },
    #[error("{id} has not been made yet; make it: chroot-maint chroot {id}")]
    NotMade { id: ChrootId },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("can't start the session: {0}")]
    Start(#[from] io::Error),
}

/// What of the caller's environment makes sense in there: the terminal, the way to the network, and what builds heed.
const PASSED_ON: [&str; 10] = [
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "SOURCE_DATE_EPOCH",
    "CHROOT_MAINT_EMULATE",
];

/// Runs the command, or a shell, and ends as it did.
pub(crate) fn enter(
    config: &Config,
    which: &str,
    user: &str,
    binds: &[Bind],
    command: &[OsString],
) -> Result<ExitCode, EnterError> {
    let id = choose(config, which)?;
    let place = Store::new(config.state_dir.clone()).place(&id);
    let current = place.current()?.ok_or_else(|| EnterError::NotMade { id: id.clone() })?;
    let sandbox = Sandbox::open_for(id.arch, config.host.arch)?;
    let session = Session { name: id.to_string(), user: user.to_owned(), binds: binds.to_vec() };

    let mut session = sandbox.session(&current.tree, session);
    session.args(command).stdin(Stdio::inherit()).env("LANG", "C.UTF-8");
    session.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));

    // What the terminal sends is for the command, which is in the same process group; the handlers are not inherited.
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        signal_hook::flag::register(signal as i32, Arc::new(AtomicBool::new(false)))?;
    }
    let terminal = Terminal::of_stdin();
    let status = session.status()?;
    terminal.take_back();
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(255)))
}

/// The one chroot that is named; of several, the host's own architecture is meant.
fn choose(config: &Config, which: &str) -> Result<ChrootId, EnterError> {
    let chosen = spec::select(&[which.to_owned()], &config.selectable())?;
    let mut ids = chosen.iter();
    if let (Some(only), None) = (ids.next(), ids.next()) {
        return Ok(only.clone());
    }
    let mut native = chosen.iter().filter(|id| id.arch == config.host.arch);
    if let (Some(only), None) = (native.next(), native.next()) {
        return Ok(only.clone());
    }
    let names: Vec<String> = chosen.iter().map(ToString::to_string).collect();
    Err(EnterError::Several { which: which.to_owned(), names: names.join(", ") })
}

/// Whose turn it was on the terminal before the session: a shell in there makes itself a group in front, and can't give
/// the front back to one that it has no number for.
struct Terminal {
    in_front: Option<Pid>,
}

impl Terminal {
    fn of_stdin() -> Self {
        let stdin = io::stdin();
        Self { in_front: stdin.is_terminal().then(|| tcgetpgrp(&stdin).ok()).flatten() }
    }

    fn take_back(&self) {
        let Some(group) = self.in_front else {
            return;
        };
        // Who is not in front is stopped for this, unless it blocks the signal.
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTTOU);
        if let Ok(old) = stop.thread_swap_mask(SigmaskHow::SIG_BLOCK) {
            // The terminal may be gone, which is nobody's fault.
            let _ = tcsetpgrp(io::stdin(), group);
            let _ = old.thread_set_mask();
        }
    }
}
