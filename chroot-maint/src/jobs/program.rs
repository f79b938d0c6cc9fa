//! How a job's body is started: this same program, with the job's name.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use crate::spec::{Fresh, JobName};

/// This program as it was called.
#[derive(Debug, Clone)]
pub(super) struct Program {
    executable: Rc<Path>,
    /// The config that was read, so that the body reads the same.
    config: Option<PathBuf>,
    /// How fresh chroots must be, if that was said on the command line.
    fresh: Option<Fresh>,
    no_wait: bool,
}

impl Program {
    pub(super) fn new(
        config: Option<PathBuf>,
        fresh: Option<Fresh>,
        no_wait: bool,
    ) -> io::Result<Self> {
        Ok(Self { executable: env::current_exe()?.into(), config, fresh, no_wait })
    }

    /// The body of a job.
    pub(super) fn body(&self, job: &JobName) -> Command {
        self.body_with(job, self.fresh)
    }

    /// The same, with another word on how fresh its chroot must be.
    pub(super) fn body_with(&self, job: &JobName, fresh: Option<Fresh>) -> Command {
        let mut command = Command::new(&*self.executable);
        command.args(self.config.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
        if let Some(fresh) = fresh {
            command.args(["--fresh", &fresh.to_string()]);
        }
        command.args(self.no_wait.then_some("--no-wait"));
        command.arg("job").arg(job.to_string());
        command
    }
}
