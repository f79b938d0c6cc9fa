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

pub(crate) use error::OutputError;
pub(crate) use request::{Kept, run};
pub(crate) use sbuild::SbuildPlace;
pub(crate) use schroot::SchrootPlace;

/// Taking back what was handed out.
pub(crate) mod withdraw {
    pub(crate) use super::{sbuild::withdraw as sbuild, schroot::withdraw as schroot};
}

use crate::{
    config::{Chroot, Config},
    spec::{ChrootId, Output},
    store::{Generation, Store},
};

/// Where a chroot is to be handed to.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) schroot: Option<SchrootPlace>,
    pub(crate) sbuild: Option<SbuildPlace>,
}

impl Wanted {
    /// What the config wants; fails if this host or this user can't have it.
    pub(crate) fn plan(
        config: &Config,
        id: &ChrootId,
        chroot: &Chroot,
    ) -> Result<Self, OutputError> {
        let wants = |output| chroot.outputs.contains(&output);
        let schroot = wants(Output::Schroot).then(|| SchrootPlace::plan(config, id, chroot));
        let sbuild = wants(Output::Sbuild).then(|| SbuildPlace::plan(config, id, chroot));
        Ok(Self { schroot: schroot.transpose()?, sbuild: sbuild.transpose()? })
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
    // What can't be had is not there; the job will say why.
    let Ok(wanted) = Wanted::plan(config, id, chroot) else {
        return false;
    };
    let handed_out = Store::new(config.state_dir.clone()).place(id).handed_out();
    let schroot = match (&wanted.schroot, &handed_out.schroot) {
        (None, None) => true,
        (Some(place), Some(entry)) => place.is_current(entry, generation),
        _ => false,
    };
    let sbuild = || match (&wanted.sbuild, &handed_out.sbuild) {
        (None, None) => true,
        (Some(place), Some(tarball)) => place.is_current(tarball, generation.number),
        _ => false,
    };
    schroot && sbuild()
}

/// Says to sbuild, which goes by the age of tarballs, that this one is as good as new. Where that can't be done nothing
/// is lost but sbuild's time.
pub(crate) fn touch(config: &Config, id: &ChrootId) {
    let handed_out = Store::new(config.state_dir.clone()).place(id).handed_out();
    if let Some(tarball) = handed_out.sbuild {
        sbuild::touch(&tarball);
    }
}
