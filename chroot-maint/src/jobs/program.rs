//! How a job's body is started: this same program, with the job's name.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use crate::spec::JobName;

/// This program as it was called.
#[derive(Debug, Clone)]
pub(super) struct Program {
    executable: Rc<Path>,
    /// The config that was read, so that the body reads the same.
    config: Option<PathBuf>,
    no_wait: bool,
}

impl Program {
    pub(super) fn new(config: Option<PathBuf>, no_wait: bool) -> io::Result<Self> {
        Ok(Self { executable: env::current_exe()?.into(), config, no_wait })
    }

    /// The body of a job.
    pub(super) fn body(&self, job: &JobName) -> Command {
        let mut command = Command::new(&*self.executable);
        command.args(self.config.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
        command.args(self.no_wait.then_some("--no-wait"));
        command.arg("job").arg(job.to_string());
        command
    }
}
