//! Tests of the driver and the registry in a world with a clock of its own and no processes.

#![allow(clippy::unwrap_used)]

mod fake;
mod stage;

mod breaks;
mod cancel;
mod events;
mod failures;
mod holding;
mod jobs;
mod order;
mod pools;
mod retries;
mod runs;
mod shortage;
mod sleep;
mod slots;
mod stall;
