//! Which failures of jobs are worth another try, by the exit statuses of their bodies: those of mirrors, which pass, and
//! once those of emulators, which may not come again. All else would end the same.

use jobsched::{Plan, Retries};

use crate::{config::Config, error};

/// Of a job that only fetches.
pub(super) fn of_archive(plan: &mut Plan<'_>, config: &Config) {
    let retries = Retries::times(config.retries).after(config.retry_delay);
    plan.retries(retries.only_after(&[error::TEMPORARY]));
}

/// Of a job that fetches and runs programs.
pub(super) fn of_chroot(plan: &mut Plan<'_>, config: &Config) {
    of_archive(plan, config);
    let once = Retries::times(config.retries.min(1)).after(config.retry_delay);
    plan.retries(once.only_after(&[error::SOFTWARE]));
}
