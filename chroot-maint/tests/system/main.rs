//! Real chroots, from the host's own mirror, by root and by an ordinary user. `make system` runs these; they need
//! root, network, mmdebstrap and uidmap, and fail where one of them is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should panic")]

mod caller;
mod collect;
mod create;
mod cross_tools;
mod emulation;
mod enter;
mod foreign;
mod fresh;
mod full_disk;
mod install;
mod killed;
mod make;
mod mirror_faults;
mod outputs;
mod remove;
mod repository;
mod rollback;
mod sbuild;
mod scene;
mod schroot;
mod scripts;
mod status;
mod surroundings;
mod tools_upkeep;
#[path = "../toy/mod.rs"]
mod toy;
mod toy_archive;
mod toy_chroot;
mod traces;
mod upgrade;
