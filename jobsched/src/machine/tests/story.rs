//! A machine with a world of three lines around it: jobs are planned in order, end in the order in
//! which they were started, and somebody wakes sleepers when nothing else is left to do. What
//! happens is told line by line.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::job::{Answer, JobId};
use crate::machine::{Effect, Ending, Input, Machine, Policy};
use crate::order::Order;

/// Jobs, and how they will answer and end.
#[must_use]
pub(super) struct Story {
    pub(super) machine: Machine,
    slots: usize,
    unplanned: VecDeque<JobId>,
    needs: HashMap<String, Vec<String>>,
    no_plan: HashSet<String>,
    /// What a job finds that it needs when it is asked, and what it answers.
    answers: HashMap<String, VecDeque<(Vec<String>, Answer)>>,
    endings: HashMap<String, Ending>,
    not_started: HashMap<String, &'static str>,
    not_yet: HashSet<String>,
    /// Whom somebody will wake.
    woken: VecDeque<String>,
    stop_after: Option<(String, crate::job::Cancellation)>,
    running: VecDeque<JobId>,
    told: Vec<String>,
}

/// Jobs in the order in which they are ensured, each as `name: what it needs`, run one at a time.
pub(super) fn given(jobs: &[&str]) -> Story {
    let story = Story {
        machine: Machine::new(Policy::default(), Order::FirstCome),
        slots: 1,
        unplanned: VecDeque::new(),
        needs: HashMap::new(),
        no_plan: HashSet::new(),
        answers: HashMap::new(),
        endings: HashMap::new(),
        not_started: HashMap::new(),
        not_yet: HashSet::new(),
        woken: VecDeque::new(),
        stop_after: None,
        running: VecDeque::new(),
        told: Vec::new(),
    };
    story.and(jobs)
}

impl Story {
    /// More jobs.
    pub(super) fn and(mut self, jobs: &[&str]) -> Self {
        for job in jobs {
            let (name, needs) = job.split_once(':').unwrap_or((job, ""));
            self.needs.insert(name.into(), needs.split_whitespace().map(str::to_owned).collect());
        }
        for job in jobs {
            self.intern(job.split(':').next().unwrap());
        }
        self
    }

    pub(super) fn policy(mut self, policy: Policy) -> Self {
        self.machine.policy = policy;
        self
    }

    pub(super) fn slots(mut self, slots: usize) -> Self {
        self.slots = slots;
        self
    }

    /// The next answer of that job; after those that are given here, a job is ready.
    pub(super) fn answers(self, name: &str, answer: Answer) -> Self {
        self.finds(name, "", answer)
    }

    /// The same, but before that it finds that it needs these jobs.
    pub(super) fn finds(mut self, name: &str, needs: &str, answer: Answer) -> Self {
        let needs = needs.split_whitespace().map(str::to_owned).collect();
        self.answers.entry(name.into()).or_default().push_back((needs, answer));
        self
    }

    pub(super) fn ends(mut self, name: &str, ending: Ending) -> Self {
        self.endings.insert(name.into(), ending);
        self
    }

    pub(super) fn fails(self, name: &str) -> Self {
        self.ends(name, Ending::Exit(1))
    }

    pub(super) fn has_no_plan(mut self, name: &str) -> Self {
        self.no_plan.insert(name.into());
        self
    }

    pub(super) fn cannot_start(mut self, name: &str, reason: &'static str) -> Self {
        self.not_started.insert(name.into(), reason);
        self
    }

    /// The first attempt to start it comes too early.
    pub(super) fn not_yet(mut self, name: &str) -> Self {
        self.not_yet.insert(name.into());
        self
    }

    /// When nothing else is left to do, somebody wakes this job.
    pub(super) fn somebody_wakes(mut self, name: &str) -> Self {
        self.woken.push_back(name.into());
        self
    }

    pub(super) fn stopped_after(mut self, line: &str, why: crate::job::Cancellation) -> Self {
        self.stop_after = Some((line.into(), why));
        self
    }

    /// All that happens.
    pub(super) fn happens(&mut self) -> Vec<String> {
        loop {
            if let Some(job) = self.unplanned.pop_front() {
                self.plan(job);
            } else if let Some(effect) = self.machine.next_effect() {
                self.carry_out(effect);
            } else if self.machine.is_over() {
                self.machine.apply(Input::Over);
                return std::mem::take(&mut self.told);
            } else if self.machine.wants_slot() && self.running.len() < self.slots {
                self.machine.apply(Input::SlotGranted);
            } else if let Some(job) = self.running.pop_front() {
                let ending = self.endings.get(&self.name(job)).copied();
                self.machine.apply(Input::Ended(job, ending.unwrap_or(Ending::Succeeded)));
            } else if let Some(name) = self.woken.pop_front() {
                self.tell(format!("{name} is woken"));
                let job = self.intern(&name);
                self.machine.apply(Input::Woken(job));
            } else {
                self.machine.apply(Input::NothingWakes);
            }
        }
    }

    /// What of it concerns starts and ends only.
    pub(super) fn runs(&mut self) -> Vec<String> {
        let mut told = self.happens();
        told.retain(|line| !line.starts_with("check ") && !line.contains(" sleeps: "));
        told
    }

    fn tell(&mut self, line: String) {
        if let Some((_, why)) = self.stop_after.take_if(|(after, _)| *after == line) {
            self.machine.apply(Input::Stop(why));
        }
        self.told.push(line);
    }

    fn intern(&mut self, name: &str) -> JobId {
        let (job, new) = self.machine.intern(name).unwrap();
        if new {
            self.unplanned.push_back(job);
        }
        job
    }

    fn name(&self, job: JobId) -> String {
        self.machine.graph().name(job).to_owned()
    }

    fn depend(&mut self, job: JobId, needs: &[String]) {
        for name in needs {
            let prerequisite = self.intern(name);
            assert!(self.machine.depend(job, prerequisite));
        }
    }

    fn plan(&mut self, job: JobId) {
        let name = self.name(job);
        let needs = self.needs.get(&name).cloned().unwrap_or_default();
        self.depend(job, &needs);
        if self.no_plan.contains(&name) {
            self.machine.apply(Input::Unplannable(job, "it has no plan".into()));
        } else {
            self.machine.apply(Input::Planned(job));
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Check(job) => {
                let name = self.name(job);
                self.tell(format!("check {name}"));
                let answers = self.answers.get_mut(&name).and_then(VecDeque::pop_front);
                let (needs, answer) = answers.unwrap_or((Vec::new(), Answer::Ready));
                self.depend(job, &needs);
                while let Some(new) = self.unplanned.pop_front() {
                    self.plan(new);
                }
                self.machine.apply(Input::Checked(job, answer));
            }
            Effect::Sleeping(job) => {
                let line = format!("{} sleeps: {}", self.name(job), self.machine.why(job));
                self.tell(line);
            }
            Effect::Start(job) => {
                let name = self.name(job);
                if self.not_yet.remove(&name) {
                    self.tell(format!("{name} can't start yet"));
                    self.machine.apply(Input::NotYet(job));
                } else if let Some(reason) = self.not_started.get(&name) {
                    self.machine.apply(Input::NotStarted(job, None, (*reason).into()));
                } else {
                    self.tell(format!("start {name}"));
                    self.running.push_back(job);
                }
            }
            Effect::Retry(..) => unreachable!("nothing is to be tried again"),
            Effect::Finished(job) => {
                let outcome = self.machine.outcome(job).unwrap();
                self.tell(format!("{}: {outcome}", self.name(job)));
            }
            Effect::Stalled(Some(cycle)) => {
                let names: Vec<String> = cycle.iter().map(|&job| self.name(job)).collect();
                self.tell(format!("cycle {}", names.join(" -> ")));
            }
            Effect::Stalled(None) => self.tell("stalled".into()),
        }
    }
}

/// An answer that puts a job to sleep.
pub(super) fn sleep(reason: &'static str) -> Answer {
    Answer::Sleep(reason.into())
}

/// An answer that refuses a job.
pub(super) fn failed(reason: &'static str) -> Answer {
    Answer::Failed(reason.into())
}
