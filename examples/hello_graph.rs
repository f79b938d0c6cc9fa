//! Five jobs with one dependency diamond: the smallest use of the library.
//!
//! ```text
//! cargo run -p jobsched --example hello_graph
//! ```
//!
//! `boil` and `grind` need `shop`, `brew` needs both, and `drink` needs `brew`. Up to two run at a
//! time, so that `boil` and `grind` run side by side.

use std::process::Command;

use jobsched::report::Plain;
use jobsched::{Jobs, Scheduler, command};

/// A shell command that says what it does.
fn say(text: &str) -> Command {
    let mut command = Command::new("echo");
    command.arg(text);
    command
}

fn main() -> Result<(), jobsched::Error> {
    let mut scheduler =
        Scheduler::builder().jobs(Jobs::AtMost(2)).observer(Plain::stdout()).build()?;

    let shop = scheduler.ensure(command("shop", say("beans, milk and a paper")))?;
    let boil = scheduler.ensure(command("boil", say("water to 96 degrees")).needs(shop))?;
    let grind = scheduler.ensure(command("grind", say("not too fine")).needs(shop))?;
    let brew = scheduler.ensure(command("brew", say("four minutes")).needs_all([boil, grind]))?;
    scheduler.ensure(command("drink", say("good morning")).needs(brew))?;

    scheduler.run()?.exit()
}
