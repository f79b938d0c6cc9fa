//! Pools: how much there is of something that jobs take for as long as they run, such as licences or
//! connections. Knows who takes how much and who waits; doesn't know states.
//!
//! A job takes all that it needs at once or nothing, so that no two wait for each other. One that
//! doesn't get enough waits in the pool that had too little, and from then on nobody whose turn is
//! later gets anything of that pool before it: else a job that wants much would wait for as long as
//! there are others that want little.

use std::collections::{BinaryHeap, HashMap};

use crate::job::JobId;
use crate::order::Turn;

/// All pools and claims.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    all: Vec<Pool>,
    claims: HashMap<JobId, Vec<Claim>>,
    /// Who was called out of which pool and has neither been admitted since nor waits again.
    called: Vec<(JobId, usize)>,
}

#[derive(Debug)]
struct Pool {
    name: Box<str>,
    capacity: usize,
    used: usize,
    waiting: BinaryHeap<Turn>,
}

#[derive(Debug)]
struct Claim {
    pool: usize,
    amount: usize,
}

/// Why a claim can't ever be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadClaim {
    NoSuchPool,
    TooMuch { capacity: usize },
}

impl Pools {
    /// Makes a pool, or gives the one of that name another capacity.
    pub(crate) fn add(&mut self, name: &str, capacity: usize) {
        if let Some(pool) = self.all.iter_mut().find(|pool| &*pool.name == name) {
            pool.capacity = capacity;
            return;
        }
        let waiting = BinaryHeap::new();
        self.all.push(Pool { name: name.into(), capacity, used: 0, waiting });
    }

    /// Says that a job takes so much of a pool, and of the same pool that much more each time.
    pub(super) fn claim(&mut self, job: JobId, name: &str, amount: usize) -> Result<(), BadClaim> {
        let number = self.all.iter().position(|pool| &*pool.name == name);
        let number = number.ok_or(BadClaim::NoSuchPool)?;
        let capacity = self.all[number].capacity;
        let claims = self.claims.entry(job).or_default();
        let before = claims.iter().find(|claim| claim.pool == number);
        let amount = amount.saturating_add(before.map_or(0, |claim| claim.amount));
        if amount > capacity {
            return Err(BadClaim::TooMuch { capacity });
        }
        claims.retain(|claim| claim.pool != number);
        if amount > 0 {
            claims.push(Claim { pool: number, amount });
        }
        Ok(())
    }

    /// Whether a job whose turn it is gets all that it claims. If not, it is put among those who
    /// wait. Those whose turn it is to be asked again are added to `called`; `counts` says whether a
    /// turn is still one.
    pub(super) fn admits(
        &mut self,
        turn: Turn,
        counts: impl Fn(Turn) -> bool,
        called: &mut Vec<Turn>,
    ) -> bool {
        let Some(claims) = self.claims.get(&turn.job()) else {
            return true;
        };
        let lacking = claims.iter().find(|claim| {
            let pool = &mut self.all[claim.pool];
            let is_first = pool.first(&counts).is_none_or(|waiting| turn > waiting);
            !is_first || claim.amount > pool.free()
        });
        let Some(&Claim { pool: lacking, .. }) = lacking else { return true };
        self.all[lacking].waiting.push(turn);
        // If it was called by another pool, that one calls the next instead.
        let by = self.called.iter().position(|&(job, _)| job == turn.job());
        if let Some((_, pool)) = by.map(|place| self.called.swap_remove(place)) {
            if pool != lacking {
                self.call(pool, counts, called);
            }
        }
        false
    }

    /// Takes what a job claims that was just admitted.
    pub(super) fn take(
        &mut self,
        job: JobId,
        counts: impl Fn(Turn) -> bool,
        called: &mut Vec<Turn>,
    ) {
        self.called.retain(|&(other, _)| other != job);
        for number in self.change(job, |pool, amount| pool.used += amount) {
            if self.all[number].free() > 0 {
                self.call(number, &counts, called);
            }
        }
    }

    /// Gives back what a job took.
    pub(super) fn give_back(
        &mut self,
        job: JobId,
        counts: impl Fn(Turn) -> bool,
        called: &mut Vec<Turn>,
    ) {
        for number in self.change(job, |pool, amount| pool.used = pool.used.saturating_sub(amount))
        {
            self.call(number, &counts, called);
        }
    }

    /// Does something to all pools of which a job claims something; says which these are.
    fn change(&mut self, job: JobId, mut change: impl FnMut(&mut Pool, usize)) -> Vec<usize> {
        let claims = self.claims.get(&job).map_or(&[][..], Vec::as_slice);
        let changed = claims.iter().map(|claim| {
            change(&mut self.all[claim.pool], claim.amount);
            claim.pool
        });
        changed.collect()
    }

    /// Has the first of those who wait in a pool asked again.
    fn call(&mut self, number: usize, counts: impl Fn(Turn) -> bool, called: &mut Vec<Turn>) {
        let pool = &mut self.all[number];
        if pool.first(counts).is_some() {
            if let Some(turn) = pool.waiting.pop() {
                self.called.push((turn.job(), number));
                called.push(turn);
            }
        }
    }

    /// The pool that hasn't enough for a job now: its name, how much is used, and its capacity.
    pub(super) fn lacking(&self, job: JobId) -> Option<(&str, usize, usize)> {
        let claims = self.claims.get(&job)?;
        let claim = claims.iter().find(|claim| claim.amount > self.all[claim.pool].free())?;
        let pool = &self.all[claim.pool];
        Some((&pool.name, pool.used, pool.capacity))
    }

    /// Forgets who waits.
    pub(super) fn clear(&mut self) {
        self.called.clear();
        for pool in &mut self.all {
            pool.waiting.clear();
        }
    }
}

impl Pool {
    fn free(&self) -> usize {
        self.capacity.saturating_sub(self.used)
    }

    /// The first of those who wait and whose turn counts.
    fn first(&mut self, counts: impl Fn(Turn) -> bool) -> Option<Turn> {
        while let Some(&turn) = self.waiting.peek() {
            if counts(turn) {
                return Some(turn);
            }
            self.waiting.pop();
        }
        None
    }
}
