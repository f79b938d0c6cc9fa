//! The machine once more, so simple that it is obviously right: every job has a phase, what follows
//! from the phases is found by looking at all jobs again and again, and nothing is counted,
//! indexed, or remembered beyond that. Shares the words of the machine (inputs, effects, endings),
//! but none of its code.

use crate::job::{Answer, Cancellation, JobId};
use crate::machine::{Counts, Effect, Ending, Input, Machine, Policy, State};
use crate::order::Order;

/// Where a job is; finer than the machine's own states.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// It says what it needs.
    Planning,
    /// It sleeps until something that it needs is finished.
    Waiting,
    /// It sleeps because its check said so.
    Dozing(String),
    /// It sleeps because it failed and is to be tried again.
    BackingOff,
    /// It is to be asked.
    Queued,
    /// It was asked and has not answered.
    Asked,
    Ready,
    Running,
    Finished(Ending),
}

#[derive(Debug)]
pub(super) struct ModelJob {
    pub(super) phase: Phase,
    pub(super) needs: Vec<JobId>,
    /// What it takes, by the number of the pool.
    pub(super) claims: Vec<(usize, usize)>,
    /// How often it may be tried again.
    pub(super) retries: u32,
    words: Option<String>,
}

#[derive(Debug)]
pub(super) struct Model {
    policy: Policy,
    order: Order,
    /// How much there is in each pool.
    pub(super) pools: Vec<usize>,
    pub(super) held: bool,
    pub(super) jobs: Vec<ModelJob>,
    pub(super) stop: Option<Cancellation>,
    /// What the machine still has to tell, in no order.
    untold: Vec<Untold>,
}

/// An effect that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Untold {
    Sleeping(JobId),
    Start(JobId),
    Retry(JobId),
    Finished(JobId),
    Stalled,
}

impl Model {
    pub(super) fn new(policy: Policy, order: Order) -> Self {
        Self {
            policy,
            order,
            pools: Vec::new(),
            held: false,
            jobs: Vec::new(),
            stop: None,
            untold: Vec::new(),
        }
    }

    pub(super) fn add(&mut self) {
        self.jobs.push(ModelJob {
            phase: Phase::Planning,
            needs: Vec::new(),
            claims: Vec::new(),
            retries: 0,
            words: None,
        });
    }

    pub(super) fn depend(&mut self, job: JobId, prerequisite: JobId) {
        self.jobs[job.index()].needs.push(prerequisite);
    }

    pub(super) fn apply(&mut self, input: &Input) {
        match input {
            Input::Planned(job) if self.is(*job, &Phase::Planning) => {
                if !self.needs_lost(*job) && !self.needs_all_finished(*job) {
                    self.untold.push(Untold::Sleeping(*job));
                }
                self.jobs[job.index()].phase = Phase::Waiting;
            }
            Input::Unplannable(job, reason) if self.is(*job, &Phase::Planning) => {
                self.finish(*job, Ending::Refused, Some(reason));
            }
            Input::Checked(job, answer) if self.is(*job, &Phase::Asked) => {
                self.checked(*job, answer);
            }
            Input::Hold(reason) => self.held = reason.is_some(),
            Input::RetryDue(job) if self.is(*job, &Phase::BackingOff) => {
                self.jobs[job.index()].phase = Phase::Queued;
            }
            Input::NotYet(job) if self.is(*job, &Phase::Running) => {
                self.jobs[job.index()].phase = Phase::Ready;
            }
            Input::NotStarted(job, errno, reason) if self.is(*job, &Phase::Running) => {
                self.finish(*job, Ending::NotStarted(*errno), Some(reason));
            }
            Input::Ended(job, ending) if self.is(*job, &Phase::Running) => {
                let ModelJob { phase, retries, .. } = &mut self.jobs[job.index()];
                if *retries > 0 && !won(*ending) && self.stop.is_none() {
                    *retries -= 1;
                    *phase = Phase::BackingOff;
                    self.untold.push(Untold::Retry(*job));
                } else {
                    self.finish(*job, *ending, None);
                }
            }
            Input::Woken(job) if self.is_dozing(*job) => {
                self.jobs[job.index()].phase = Phase::Queued;
            }
            Input::Stop(why) => self.stop = self.stop.or(Some(*why)),
            Input::NothingWakes if self.all_asleep() && self.stop.is_none() => {
                self.untold.push(Untold::Stalled);
                self.stop = Some(Cancellation::Stalled);
            }
            Input::Over => {
                self.stop = None;
                self.held = false;
            }
            // A slot that is granted is seen to by `granted`; all else makes no sense now.
            _ => {}
        }
        self.settle();
    }

    /// A slot was granted, and the machine started this job in it.
    pub(super) fn granted(&mut self, started: Option<JobId>) {
        if self.is_exact() {
            assert_eq!(started, self.next_to_start());
        } else if started.is_none() {
            let blocked = self.running() > 0 || self.next_to_start().is_none();
            assert!(blocked, "nothing was started although nothing runs");
        }
        if let Some(job) = started {
            assert!(self.may_start() && self.is(job, &Phase::Ready) && self.fits(job));
            self.jobs[job.index()].phase = Phase::Running;
            self.untold.push(Untold::Start(job));
        }
    }

    /// Whether it can be said whose turn it is: who waits in which pool is only clear if nobody
    /// takes from more than one.
    pub(super) fn is_exact(&self) -> bool {
        self.jobs.iter().all(|job| job.claims.len() <= 1)
    }

    fn checked(&mut self, job: JobId, answer: &Answer) {
        match answer {
            Answer::Failed(reason) => self.finish(job, Ending::Refused, Some(reason)),
            // Refused by `settle`, which looks for what waits in vain.
            _ if self.needs_lost(job) => self.jobs[job.index()].phase = Phase::Waiting,
            _ if !self.needs_all_finished(job) => {
                self.jobs[job.index()].phase = Phase::Waiting;
                self.untold.push(Untold::Sleeping(job));
            }
            Answer::ReadyBecause(reason) if self.policy.dry_run => {
                self.finish(job, Ending::WouldRun, Some(reason));
            }
            Answer::Ready if self.policy.dry_run => self.finish(job, Ending::WouldRun, None),
            Answer::Ready | Answer::ReadyBecause(_) => self.jobs[job.index()].phase = Phase::Ready,
            Answer::Done(reason) => self.finish(job, Ending::UpToDate, reason.as_deref()),
            Answer::Sleep(reason) => {
                self.jobs[job.index()].phase = Phase::Dozing(reason.to_string());
                self.untold.push(Untold::Sleeping(job));
            }
        }
    }

    /// Draws conclusions until there are none left.
    fn settle(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for job in (0..self.jobs.len()).map(id) {
                if self.jobs[job.index()].phase != Phase::Waiting {
                    continue;
                }
                if self.needs_lost(job) {
                    // Whom it is refused for is looked at when the machine has said it.
                    self.finish(job, Ending::RefusedFor(job), None);
                    changed = true;
                } else if self.needs_all_finished(job) {
                    self.jobs[job.index()].phase = Phase::Queued;
                    changed = true;
                }
            }
        }
    }

    fn finish(&mut self, job: JobId, ending: Ending, words: Option<&str>) {
        let ModelJob { phase, words: kept, .. } = &mut self.jobs[job.index()];
        *phase = Phase::Finished(ending);
        *kept = words.map(str::to_owned);
        self.untold.push(Untold::Finished(job));
        let counts = !self.policy.keep_going && !self.policy.ignore_errors;
        if counts && !won(ending) && !matches!(ending, Ending::Cancelled(_)) {
            self.stop = self.stop.or(Some(Cancellation::OtherFailed));
        }
    }

    /// To be called before the machine is asked for an effect.
    pub(super) fn before_effect(&mut self) {
        // Nobody is told any more that a job sleeps which doesn't.
        let jobs = &self.jobs;
        self.untold.retain(|untold| match untold {
            Untold::Sleeping(job) => jobs[job.index()].is_asleep(),
            _ => true,
        });
        let runs = self.jobs.iter().any(|job| job.phase == Phase::Running);
        if let Some(why) = self.stop.filter(|_| !runs && self.untold.is_empty()) {
            for job in (0..self.jobs.len()).map(id) {
                if !self.is_finished(job) {
                    self.finish(job, Ending::Cancelled(why), None);
                }
            }
        }
    }

    /// Whether there is nothing for the machine to say.
    pub(super) fn is_quiet(&self) -> bool {
        let asks = self.stop.is_none() && self.jobs.iter().any(|job| job.phase == Phase::Queued);
        self.untold.is_empty() && !asks
    }

    /// Checks that an effect of the machine was due, and strikes it off.
    pub(super) fn take(&mut self, effect: &Effect) {
        let told = match effect {
            Effect::Check(job) => {
                assert!(self.untold.is_empty(), "asked before all was told");
                assert_eq!(self.stop, None, "asked after a stop");
                assert_eq!(self.jobs[job.index()].phase, Phase::Queued, "asked out of turn");
                assert!(self.may_go_on(*job), "asked before what it needs has won");
                self.jobs[job.index()].phase = Phase::Asked;
                return;
            }
            Effect::Sleeping(job) => Untold::Sleeping(*job),
            Effect::Start(job) => {
                assert!(self.may_go_on(*job), "started before what it needs has won");
                Untold::Start(*job)
            }
            Effect::Retry(job, ..) => Untold::Retry(*job),
            Effect::Finished(job) => Untold::Finished(*job),
            Effect::Stalled(cycle) => {
                self.check_cycle(cycle.as_deref());
                Untold::Stalled
            }
        };
        let due = self.untold.iter().position(|untold| *untold == told);
        self.untold.remove(due.unwrap_or_else(|| panic!("{effect:?} was not due")));
    }

    /// A cycle has to be one, of sleepers; and if none is named, there must be none.
    fn check_cycle(&self, cycle: Option<&[JobId]>) {
        let Some(cycle) = cycle else {
            let mut open: Vec<JobId> = (0..self.jobs.len()).map(id).collect();
            open.retain(|job| self.jobs[job.index()].is_asleep());
            loop {
                let before = open.len();
                let all = open.clone();
                open.retain(|job| self.jobs[job.index()].needs.iter().any(|n| all.contains(n)));
                if open.len() == before {
                    break;
                }
            }
            assert_eq!(open, [], "there is a cycle that was not found");
            return;
        };
        assert!(cycle.len() > 1 && cycle.first() == cycle.last(), "no cycle: {cycle:?}");
        for step in cycle.windows(2) {
            assert!(self.jobs[step[0].index()].needs.contains(&step[1]), "no edge {step:?}");
            assert!(self.jobs[step[0].index()].is_asleep(), "{step:?} doesn't sleep");
        }
    }

    /// Checks that the machine says of every job what the model does.
    pub(super) fn compare(&self, machine: &mut Machine) {
        let mut counts = Counts::default();
        for (job, expected) in (0..self.jobs.len()).map(id).zip(&self.jobs) {
            let (state, count) = match expected.phase {
                Phase::Planning | Phase::Queued | Phase::Asked => {
                    (State::Checking, &mut counts.checking)
                }
                Phase::Waiting | Phase::Dozing(_) | Phase::BackingOff => {
                    (State::Sleeping, &mut counts.sleeping)
                }
                Phase::Ready => (State::Ready, &mut counts.ready),
                Phase::Running => (State::Running, &mut counts.running),
                Phase::Finished(_) => (State::Finished, &mut counts.finished),
            };
            *count += 1;
            assert_eq!(machine.state(job), Some(state), "{job:?} should be {expected:?}");
            if let Phase::Finished(ending) = expected.phase {
                self.compare_ending(machine, job, ending);
                *match ending {
                    Ending::UpToDate => &mut counts.up_to_date,
                    Ending::Succeeded => &mut counts.succeeded,
                    Ending::WouldRun => &mut counts.would_run,
                    Ending::Refused | Ending::RefusedFor(_) => &mut counts.refused,
                    Ending::Cancelled(_) => &mut counts.cancelled,
                    _ => &mut counts.failed,
                } += 1;
            }
            if let Some(reason) = self.reason(machine, job) {
                assert_eq!(machine.why(job).to_string(), reason);
            }
        }
        assert_eq!(*machine.counts(), counts);
        assert_eq!(machine.all_asleep(), self.all_asleep());
        if self.is_exact() {
            assert_eq!(machine.wants_slot(), self.next_to_start().is_some());
        }
        assert_eq!(machine.has_ready(), self.stop.is_none() && counts.ready > 0);
        let over = counts.finished == self.jobs.len();
        assert!(over || !machine.is_over());
    }

    fn compare_ending(&self, machine: &Machine, job: JobId, ending: Ending) {
        let words = self.jobs[job.index()].words.clone().map(Into::into);
        match (machine.nodes[job.index()].ending, ending) {
            (Ending::RefusedFor(lost), Ending::RefusedFor(_)) => {
                assert!(self.jobs[job.index()].needs.contains(&lost), "doesn't need {lost:?}");
                assert!(self.is_lost(lost), "{lost:?} isn't lost");
            }
            (ending, expected) => {
                assert_eq!(ending, expected);
                assert_eq!(machine.words.get(&job).cloned(), words);
            }
        }
        assert_eq!(machine.is_error(job), !won(ending) && !matches!(ending, Ending::Cancelled(_)));
    }

    fn reason(&self, machine: &Machine, job: JobId) -> Option<String> {
        let ModelJob { phase, needs, .. } = &self.jobs[job.index()];
        match phase {
            Phase::Waiting => {
                let first = needs.iter().find(|&&job| !self.is_finished(job)).unwrap();
                Some(format!("waiting for job `{}'", machine.graph().name(*first)))
            }
            Phase::Dozing(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// The first of those that are ready and find what they take, unless nothing is to be started.
    pub(super) fn next_to_start(&self) -> Option<JobId> {
        let mut ready = self.all(&Phase::Ready);
        if !self.may_start() || ready.is_empty() {
            return None;
        }
        let ranks = self.ranks();
        ready.sort_by_key(|&job| (std::cmp::Reverse(ranks[job.index()]), job));
        // Pools that somebody waits for whose turn is earlier.
        let mut awaited = Vec::new();
        ready.into_iter().find(|&job| {
            let free = self.fits(job);
            let claims = &self.jobs[job.index()].claims;
            let passed_by = claims.iter().any(|(pool, _)| awaited.contains(pool));
            awaited.extend(claims.iter().map(|(pool, _)| *pool));
            free && !passed_by
        })
    }

    /// How many jobs come one after the other from each one to the end.
    fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![usize::from(self.order == Order::LongestPath); self.jobs.len()];
        let mut changed = self.order == Order::LongestPath;
        while changed {
            changed = false;
            for (job, model) in self.jobs.iter().enumerate() {
                for need in &model.needs {
                    let path = ranks[job] + 1;
                    changed |= path > ranks[need.index()];
                    ranks[need.index()] = path.max(ranks[need.index()]);
                }
            }
        }
        ranks
    }

    fn running(&self) -> usize {
        self.all(&Phase::Running).len()
    }

    fn may_start(&self) -> bool {
        self.stop.is_none() && (!self.held || self.running() == 0)
    }

    /// Whether all pools have what a job takes.
    fn fits(&self, job: JobId) -> bool {
        self.jobs[job.index()].claims.iter().all(|&(pool, amount)| {
            let running = self.jobs.iter().filter(|job| job.phase == Phase::Running);
            let taken = running.flat_map(|job| &job.claims).filter(|(other, _)| *other == pool);
            taken.map(|(_, amount)| amount).sum::<usize>() + amount <= self.pools[pool]
        })
    }

    pub(super) fn all_asleep(&self) -> bool {
        let mut open = self.jobs.iter().filter(|job| !matches!(job.phase, Phase::Finished(_)));
        open.clone().count() > 0 && open.all(ModelJob::is_asleep)
    }

    pub(super) fn all(&self, phase: &Phase) -> Vec<JobId> {
        (0..self.jobs.len()).map(id).filter(|&job| self.is(job, phase)).collect()
    }

    pub(super) fn is_dozing(&self, job: JobId) -> bool {
        self.jobs.get(job.index()).is_some_and(|job| matches!(job.phase, Phase::Dozing(_)))
    }

    /// Whether it is finished but didn't win, and that matters.
    pub(super) fn is_lost(&self, job: JobId) -> bool {
        match self.jobs[job.index()].phase {
            Phase::Finished(ending) => !won(ending) && !self.policy.ignore_errors,
            _ => false,
        }
    }

    fn is(&self, job: JobId, phase: &Phase) -> bool {
        self.jobs.get(job.index()).is_some_and(|job| job.phase == *phase)
    }

    fn is_finished(&self, job: JobId) -> bool {
        matches!(self.jobs[job.index()].phase, Phase::Finished(_))
    }

    fn needs_lost(&self, job: JobId) -> bool {
        self.jobs[job.index()].needs.iter().any(|&job| self.is_lost(job))
    }

    fn needs_all_finished(&self, job: JobId) -> bool {
        self.jobs[job.index()].needs.iter().all(|&job| self.is_finished(job))
    }

    fn may_go_on(&self, job: JobId) -> bool {
        self.needs_all_finished(job) && !self.needs_lost(job)
    }
}

impl ModelJob {
    fn is_asleep(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Dozing(_) | Phase::BackingOff)
    }
}

pub(super) fn won(ending: Ending) -> bool {
    matches!(ending, Ending::UpToDate | Ending::Succeeded | Ending::WouldRun)
}

pub(super) fn id(number: usize) -> JobId {
    JobId(u32::try_from(number).unwrap())
}
