//! Handing chroots to those who build in them: a definition for schroot, a tarball for sbuild's unshare mode, and the
//! tree itself, which is there in any case.
//!
//! Knows names, paths and formats, and what is wanted by the config; knows neither apt nor how a tarball is made. What
//! lies in a user's directory is only ever written by a process with that user's ids: see [`request`].

mod cache;
mod error;
mod mark;
mod names;
mod owner;
mod request;
mod rivals;
mod sbuild;
mod schroot;
#[cfg(test)]
mod testing;

pub(crate) use cache::Kept;
pub(crate) use error::OutputError;
pub(crate) use request::run;
pub(crate) use sbuild::SbuildPlace;
pub(crate) use schroot::SchrootPlace;

/// Taking back what was handed out.
pub(crate) mod withdraw {
    pub(crate) use super::{
        sbuild::withdraw as sbuild,
        schroot::{usual_path, withdraw as schroot},
    };
}

use crate::{
    config::{Chroot, Config},
    spec::{ChrootId, Output},
    store::{Generation, Store},
};

/// Where a chroot is to be handed to by the config. Each fails for itself if this host or this user can't have it.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) schroot: Result<Option<SchrootPlace>, OutputError>,
    pub(crate) sbuild: Result<Option<SbuildPlace>, OutputError>,
}

impl Wanted {
    pub(crate) fn plan(config: &Config, id: &ChrootId, chroot: &Chroot) -> Self {
        let wants = |output| chroot.outputs.contains(&output);
        let schroot = wants(Output::Schroot).then(|| SchrootPlace::plan(config, id, chroot));
        let sbuild = wants(Output::Sbuild).then(|| SbuildPlace::plan(config, id, chroot));
        Self { schroot: schroot.transpose(), sbuild: sbuild.transpose() }
    }
}

/// Whether all that is wanted of a chroot has been handed out from this generation, and nothing else. Some looks at
/// files and no process: it is asked of every chroot in every run.
pub(crate) fn is_current(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    generation: &Generation,
) -> bool {
    let wanted = Output::ALL.iter().map(|&(_, output)| output);
    let mut others = wanted.filter(|output| !chroot.outputs.contains(output));
    let handed_out = Store::new(config.state_dir.clone()).place(id).handed_out();
    chroot.outputs.iter().all(|&output| has(config, id, chroot, generation, output))
        && others.all(|output| match output {
            Output::Directory => true,
            Output::Sbuild => handed_out.sbuild.is_none() && handed_out.begun.sbuild.is_none(),
            Output::Schroot => handed_out.schroot.is_none() && handed_out.begun.schroot.is_none(),
        })
}

/// Whether an output that is wanted has this generation.
pub(crate) fn has(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    generation: &Generation,
    output: Output,
) -> bool {
    // What was begun has not been ended, whatever there is.
    let handed_out = || Store::new(config.state_dir.clone()).place(id).handed_out();
    // What can't be had is not there; the job will say why.
    match output {
        Output::Directory => true,
        Output::Sbuild => SbuildPlace::plan(config, id, chroot).is_ok_and(|place| {
            let there = handed_out();
            there.begun.sbuild.is_none()
                && there.sbuild.is_some_and(|has| place.is_current(&has, generation.number))
        }),
        Output::Schroot => SchrootPlace::plan(config, id, chroot).is_ok_and(|place| {
            let there = handed_out();
            there.begun.schroot.is_none()
                && there.schroot.is_some_and(|has| place.is_current(&has, generation))
        }),
    }
}

/// Says to sbuild, which goes by the age of tarballs, that this one is as good as new. Where that can't be done nothing
/// is lost but sbuild's time.
pub(crate) fn touch(config: &Config, id: &ChrootId) {
    let handed_out = Store::new(config.state_dir.clone()).place(id).handed_out();
    if let Some(tarball) = handed_out.sbuild {
        sbuild::touch(&tarball);
    }
}
