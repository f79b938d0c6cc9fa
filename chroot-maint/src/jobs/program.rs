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
}

impl Program {
    pub(super) fn new(config: Option<PathBuf>, fresh: Option<Fresh>) -> io::Result<Self> {
        Ok(Self { executable: env::current_exe()?.into(), config, fresh })
    }

    /// The body of a job.
    pub(super) fn body(&self, job: &JobName) -> Command {
        let mut command = Command::new(&*self.executable);
        command.args(self.config.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
        if let Some(fresh) = self.fresh {
            command.args(["--fresh", &fresh.to_string()]);
        }
        command.arg("job").arg(job.to_string());
        command
    }
}
