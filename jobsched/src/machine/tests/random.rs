//! The machine against the model: random graphs, answers, endings and moments. What a case consists
//! of is drawn from its number, so that a failure can be repeated: it names the number.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::model::{Model, Phase, id, won};
use crate::job::{Answer, Cancellation, JobId, Retries};
use crate::machine::{Effect, Ending, Input, Machine, Policy, State};
use crate::order::Order;

/// What kinds of things happen in a case.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// How many jobs there are at the beginning, and at the most.
    first: usize,
    most: usize,
    steps: usize,
    /// After how many steps machine and model are compared.
    every: usize,
    policy: Policy,
    /// How many answers and endings of a hundred are bad ones.
    bad: usize,
    /// How many edges of a hundred don't care for cycles.
    wild: usize,
    /// Whether somebody stops it.
    stops: bool,
    order: Order,
    /// How much there is in each pool, and of how many a job may take some.
    pools: [usize; 3],
    claims: usize,
    /// How many jobs of a hundred are tried again.
    retries: usize,
}

impl Kind {
    fn of(random: &mut Random) -> Self {
        let first = [1, 3, 6, 12, 25][random.below(5)];
        let wild = [0, 0, 5, 40][random.below(4)];
        let bad = [0, 2, 10, 30][random.below(4)];
        // Where jobs may need each other in a cycle, no path is the longest; and where jobs are
        // refused, paths through them count or not as it comes.
        let orders = if wild == 0 && bad == 0 { 2 } else { 1 };
        Self {
            order: [Order::FirstCome, Order::LongestPath][random.below(orders)],
            pools: [1 + random.below(2), 1 + random.below(4), 1 + random.below(4)],
            claims: random.below(4),
            retries: [0, 0, 20][random.below(3)],
            first,
            most: first + random.below(first + 4),
            steps: 20 + first * (2 + random.below(10)),
            every: 1,
            policy: Policy {
                keep_going: random.chance(40),
                ignore_errors: random.chance(25),
                dry_run: random.chance(20),
            },
            bad,
            wild,
            stops: random.chance(20),
        }
    }
}

/// A machine and its model, and what goes on with them.
struct Case {
    random: Random,
    kind: Kind,
    machine: Machine,
    model: Model,
    unplanned: Vec<JobId>,
    /// Where each job comes in an order in which no edge goes backward, unless it is a wild one.
    ranks: Vec<usize>,
    history: Vec<Effect>,
    /// Whether the run was ended otherwise than by its jobs.
    disturbed: bool,
}

impl Case {
    fn new(seed: u64, kind: Option<Kind>) -> Self {
        let mut random = Random(seed);
        let kind = kind.unwrap_or_else(|| Kind::of(&mut random));
        let mut machine = Machine::new(kind.policy, kind.order);
        let mut model = Model::new(kind.policy, kind.order);
        for (number, capacity) in kind.pools.into_iter().enumerate() {
            machine.add_pool(&format!("pool.{number}"), capacity);
            model.pools.push(capacity);
        }
        Self {
            random,
            kind,
            machine,
            model,
            unplanned: Vec::new(),
            ranks: Vec::new(),
            history: Vec::new(),
            disturbed: false,
        }
    }

    /// Plays a case, and answers with all that the machine had to say.
    fn play(mut self) -> Vec<Effect> {
        for _ in 0..self.kind.first {
            let rank = self.random.below(1_000_000);
            self.add(rank);
        }
        for step in 0..self.kind.steps {
            self.step();
            if step % self.kind.every == 0 {
                self.model.compare(&mut self.machine);
            }
        }
        self.come_to_an_end();
        self.check_the_end();
        if self.random.chance(30) {
            // Another run.
            self.apply(Input::Over);
            self.kind.most += 5;
            for _ in 0..3 {
                let rank = self.random.below(1_000_000);
                self.add(rank);
            }
            self.come_to_an_end();
            self.check_the_end();
        }
        self.history
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..35 => self.pull(),
            35..50 => self.plan_one(),
            50..65 => self.answer_one(Self::any_answer),
            65..78 => self.apply(Input::SlotGranted),
            78..86 => self.end_one(),
            86..89 => {
                let job = self.any_job();
                self.apply(Input::Woken(job));
            }
            89..92 => {
                let job = self.any_job();
                self.apply(Input::RetryDue(job));
            }
            92 => self.nothing_wakes(),
            93 if self.kind.stops => {
                self.disturbed = true;
                let why = [Cancellation::JobserverLost, Cancellation::Interrupted(15)];
                let why = why[self.random.below(2)];
                self.apply(Input::Stop(why));
                if self.random.chance(50) {
                    self.nothing_wakes();
                }
            }
            93 => {
                let reason = self.random.chance(50).then(|| "busy".into());
                self.apply(Input::Hold(reason));
            }
            94 => {
                let rank = self.random.below(1_000_000);
                self.add(rank);
            }
            95 if self.random.chance(10) => {
                self.disturbed = true;
                self.apply(Input::Over);
            }
            _ => self.any_input(),
        }
    }

    fn apply(&mut self, input: Input) {
        let granted = input == Input::SlotGranted;
        self.model.apply(&input);
        self.machine.apply(input);
        if granted {
            let mut ready = self.model.all(&Phase::Ready).into_iter();
            let started = ready.find(|&job| self.machine.state(job) == Some(State::Running));
            self.model.granted(started);
        }
    }

    /// Takes one effect, if there is one.
    fn pull(&mut self) {
        self.model.before_effect();
        let promised = self.machine.has_effects();
        let effect = self.machine.next_effect();
        let Some(effect) = effect else {
            assert!(self.model.is_quiet(), "not all that was due was told");
            return;
        };
        assert!(promised, "there was an effect after all: {effect:?}");
        self.model.take(&effect);
        self.history.push(effect);
    }

    /// A new job, if there may be more.
    fn add(&mut self, rank: usize) -> Option<JobId> {
        if self.model.jobs.len() >= self.kind.most {
            return None;
        }
        let number = self.model.jobs.len();
        let interned = self.machine.intern(&format!("job.{number}"));
        assert_eq!(interned, Some((id(number), true)));
        self.model.add();
        self.ranks.push(rank);
        self.unplanned.push(id(number));
        Some(id(number))
    }

    /// Lets a job, which is being planned or asked, need a random other one.
    fn depend(&mut self, job: JobId) {
        let rank = self.ranks[job.index()];
        let prerequisite = if self.random.chance(15) && rank > 0 {
            let rank = self.random.below(rank);
            self.add(rank)
        } else {
            let wild = self.random.chance(self.kind.wild);
            let other = id(self.random.below(self.model.jobs.len()));
            (wild || self.ranks[other.index()] < rank).then_some(other)
        };
        let Some(prerequisite) = prerequisite else { return };
        let times = if self.random.chance(10) { 2 } else { 1 };
        for _ in 0..times {
            assert!(self.machine.depend(job, prerequisite));
            self.model.depend(job, prerequisite);
        }
    }

    fn plan_one(&mut self) {
        if self.unplanned.is_empty() {
            return;
        }
        let job = self.unplanned.remove(0);
        for _ in 0..self.random.below(4) {
            self.depend(job);
        }
        for pool in 0..self.kind.claims {
            if self.random.chance(40) {
                let amount = 1 + self.random.below(self.kind.pools[pool]);
                self.machine.claim(job, &format!("pool.{pool}"), amount).unwrap();
                self.model.jobs[job.index()].claims.push((pool, amount));
            }
        }
        if self.random.chance(self.kind.retries) {
            let times = 1 + u32::try_from(self.random.below(3)).unwrap();
            self.machine.add_retries(job, Retries::times(times));
            self.model.jobs[job.index()].retries = times;
        }
        if self.random.chance(self.kind.bad) {
            self.apply(Input::Unplannable(job, "no plan".into()));
        } else {
            self.apply(Input::Planned(job));
        }
    }

    fn answer_one(&mut self, answer: fn(&mut Self) -> Answer) {
        let asked = self.model.all(&Phase::Asked);
        if asked.is_empty() {
            return;
        }
        let job = asked[self.random.below(asked.len())];
        if self.random.chance(20) {
            self.depend(job);
        }
        let answer = answer(self);
        self.apply(Input::Checked(job, answer));
    }

    fn any_answer(&mut self) -> Answer {
        if self.random.chance(self.kind.bad) {
            return Answer::Failed("bad".into());
        }
        match self.random.below(10) {
            0..6 => Answer::Ready,
            6 => Answer::Done(None),
            7 => Answer::Done(Some("nothing to do".into())),
            _ => Answer::Sleep("not now".into()),
        }
    }

    fn end_one(&mut self) {
        let running = self.model.all(&Phase::Running);
        if running.is_empty() {
            return;
        }
        let job = running[self.random.below(running.len())];
        let input = match self.random.below(10) {
            0 => Input::NotYet(job),
            1 if self.random.chance(self.kind.bad) => {
                Input::NotStarted(job, Some(2), "no such program".into())
            }
            _ => Input::Ended(job, self.any_ending()),
        };
        self.apply(input);
    }

    fn any_ending(&mut self) -> Ending {
        if !self.random.chance(self.kind.bad) {
            return Ending::Succeeded;
        }
        [Ending::Exit(1), Ending::Signal(9), Ending::StatusLost][self.random.below(3)]
    }

    /// Any job, or none: also numbers that don't exist.
    fn any_job(&mut self) -> JobId {
        match self.random.below(30) {
            0 => JobId(u32::MAX),
            _ => id(self.random.below(self.model.jobs.len() + 2)),
        }
    }

    /// Something that may make sense just now, but most probably doesn't.
    fn any_input(&mut self) {
        let job = self.any_job();
        let input = match self.random.below(6) {
            // A job that is being planned is to be planned by `plan_one` alone.
            0 if !self.unplanned.contains(&job) => Input::Planned(job),
            1 if !self.unplanned.contains(&job) => Input::Unplannable(job, "too late".into()),
            2 => Input::Checked(job, self.any_answer()),
            3 => Input::NotYet(job),
            4 => Input::NotStarted(job, None, "impossible".into()),
            _ => Input::Ended(job, self.any_ending()),
        };
        self.apply(input);
    }

    fn nothing_wakes(&mut self) {
        let stalls = self.model.all_asleep();
        self.disturbed |= stalls;
        self.apply(Input::NothingWakes);
        while stalls && !self.model.is_quiet() {
            self.pull();
        }
    }

    /// Lets everything come to an end without further surprises.
    fn come_to_an_end(&mut self) {
        for _ in 0..100_000 {
            self.model.before_effect();
            if !self.model.is_quiet() {
                self.pull();
            } else if !self.unplanned.is_empty() {
                self.plan_one();
            } else if !self.model.all(&Phase::Asked).is_empty() {
                self.answer_one(|_| Answer::Ready);
            } else if self.machine.wants_slot() && self.random.chance(80) {
                self.apply(Input::SlotGranted);
            } else if let Some(&job) = self.model.all(&Phase::Running).first() {
                let ending = self.any_ending();
                self.apply(Input::Ended(job, ending));
            } else if let Some(&job) = self.model.all(&Phase::BackingOff).first() {
                self.apply(Input::RetryDue(job));
            } else if let Some(job) = self.dozing() {
                self.apply(Input::Woken(job));
            } else if self.model.all_asleep() {
                self.nothing_wakes();
            } else if !self.machine.wants_slot() {
                self.pull();
                assert!(self.machine.is_over(), "it doesn't come to an end");
                self.model.compare(&mut self.machine);
                return;
            }
        }
        panic!("it doesn't come to an end");
    }

    fn dozing(&self) -> Option<JobId> {
        (0..self.model.jobs.len()).map(id).find(|&job| self.model.is_dozing(job))
    }

    /// What must hold when all is over, whatever the way.
    fn check_the_end(&self) {
        for (job, model) in (0..self.model.jobs.len()).map(id).zip(&self.model.jobs) {
            let times = |wanted: Effect| self.history.iter().filter(|e| **e == wanted).count();
            assert_eq!(times(Effect::Finished(job)), 1, "{job:?} must be finished once");
            let Phase::Finished(ending) = model.phase else { panic!("{job:?} isn't finished") };
            let lost_one = model.needs.iter().any(|&need| self.model.is_lost(need));
            match ending {
                Ending::RefusedFor(_) => assert!(lost_one, "{job:?} needs nothing that is lost"),
                Ending::Refused => {}
                Ending::Cancelled(_) => assert!(
                    !self.kind.policy.keep_going || self.disturbed,
                    "{job:?} was cancelled although there was no reason"
                ),
                _ => {
                    assert!(
                        !lost_one,
                        "{job:?} needs something that is lost, and ended {ending:?}"
                    );
                }
            }
            let runs = times(Effect::Start(job));
            assert!(runs == 0 || !self.kind.policy.dry_run, "{job:?} was started in a dry run");
            assert!(runs > 0 || ending != Ending::Succeeded, "{job:?} was never started");
            assert!(runs == 0 || !(won(ending) && ending != Ending::Succeeded));
        }
    }
}

/// Plays a case twice: the same has to happen.
fn play(seed: u64, kind: Option<Kind>) {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let first = Case::new(seed, kind).play();
        let second = Case::new(seed, kind).play();
        assert!(first == second, "the second time, something else happened");
    }));
    if let Err(panic) = played {
        let kind = kind.unwrap_or_else(|| Kind::of(&mut Random(seed)));
        eprintln!("this was case {seed}, {kind:?}");
        resume_unwind(panic);
    }
}

#[test]
fn the_machine_does_what_the_model_does_with_a_handful_of_jobs() {
    (0..1600).for_each(|seed| play(seed, None));
}

#[test]
fn the_machine_does_what_the_model_does_with_many_jobs() {
    for (seed, bad, keep_going) in [(1, 0, false), (2, 1, true), (3, 5, true)] {
        let policy = Policy { keep_going, ..Policy::default() };
        let kind = Kind {
            first: 300,
            most: 400,
            steps: 1500,
            every: 100,
            policy,
            bad,
            wild: 0,
            stops: false,
            order: Order::LongestPath,
            pools: [2, 3, 4],
            claims: 1,
            retries: 1,
        };
        play(seed, Some(kind));
    }
}

/// Numbers that look random, always the same for the same seed: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % bound as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
