//! The order of starts, as a user chooses it.

use super::stage::{Stage, task};
use crate::machine::Policy;
use crate::order::Order;

fn starts(order: Order) -> Vec<String> {
    let mut stage = Stage::ordered(Policy::default(), order);
    for name in ["short", "chain"] {
        stage.ensure(task(name));
    }
    stage.ensure(task("link").needs(&["chain"]));
    stage.ensure(task("last").needs(&["link"]));
    stage.run();
    stage.starts()
}

#[test]
fn by_default_the_job_on_which_most_depends_goes_first() {
    assert_eq!(starts(Order::default()), ["chain", "link", "short", "last"]);
    assert_eq!(starts(Order::FirstCome), ["short", "chain", "link", "last"]);
}

#[test]
fn a_seed_shuffles_within_what_the_graph_allows() {
    let all: std::collections::HashSet<_> =
        (0..50).map(|seed| starts(Order::Shuffled(seed))).collect();
    assert_eq!(all.len(), 4, "all places where `short' may come");
    for starts in all {
        let place = |name: &str| starts.iter().position(|start| start == name).unwrap();
        assert!(place("chain") < place("link") && place("link") < place("last"));
    }
}
