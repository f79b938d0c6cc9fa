//! Tests of the machine: told as stories, against a model that is slow but obviously right, and at
//! a size at which recursion or quadratic work would show.

#![allow(clippy::unwrap_used)]

mod large;
mod late;
mod model;
mod nonsense;
mod order;
mod policy;
mod random;
mod stall;
mod story;
