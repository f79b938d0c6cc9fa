//! What holds however the tasks are ordered, and what the orders differ in.

use super::*;

const ORDERS: [Order; 3] = [Order::LongestPath, Order::FirstCome, Order::Shuffled(7)];

/// Numbers that look random (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % limit as u64).unwrap()
    }

    fn seconds(&mut self) -> Duration {
        seconds(self.below(10) as u64)
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn slots(slots: usize) -> NonZeroUsize {
    NonZeroUsize::new(slots).unwrap()
}

/// Tasks of so many seconds, each with what it needs.
fn simulation(tasks: &[(u64, &[usize])]) -> Simulation {
    let tasks = tasks.iter().map(|&(length, needs)| Task::known(seconds(length), needs.to_vec()));
    Simulation::new(tasks.collect()).unwrap()
}

fn play(simulation: &Simulation, count: usize, order: Order) -> Played {
    simulation.play(slots(count), order).unwrap()
}

/// Tasks that need any that come before them in a random order of all; some take no time.
fn random(seed: u64) -> Simulation {
    let mut random = Random(seed);
    let count = 1 + random.below(60);
    let mut order: Vec<usize> = (0..count).collect();
    for place in (1..count).rev() {
        order.swap(place, random.below(place + 1));
    }
    let mut tasks = vec![Task::default(); count];
    for (place, &index) in order.iter().enumerate() {
        let needs = if place == 0 { 0 } else { random.below(4) };
        tasks[index] = Task {
            expected: (random.below(3) > 0).then(|| random.seconds()),
            actual: random.seconds(),
            needs: (0..needs).map(|_| order[random.below(place)]).collect(),
        };
    }
    Simulation::new(tasks).unwrap()
}

/// Each random graph with several numbers of slots, in each order.
fn each_random(check: impl Fn(&Simulation, usize, Order, &Played)) {
    for seed in 0..30 {
        let simulation = random(seed);
        for count in [1, 2, 3, 8] {
            for order in ORDERS {
                check(&simulation, count, order, &play(&simulation, count, order));
            }
        }
    }
}

fn end(simulation: &Simulation, &(task, at): &(usize, Duration)) -> Duration {
    at + simulation.tasks()[task].actual
}

#[test]
fn never_more_run_at_once_than_there_are_slots() {
    each_random(|simulation, count, _, played| {
        for &(_, at) in &played.starts {
            // Of those that take no time each has ended when the next one starts.
            let run = |start: &&(usize, Duration)| start.1 <= at && at < end(simulation, start);
            assert!(played.starts.iter().filter(run).count() <= count);
        }
    });
}

#[test]
fn a_task_starts_when_all_that_it_needs_has_ended() {
    each_random(|simulation, _, _, played| {
        let mut ends = vec![None; simulation.tasks().len()];
        for start in &played.starts {
            for &need in &simulation.tasks()[start.0].needs {
                assert!(ends[need].is_some_and(|end| end <= start.1));
            }
            ends[start.0] = Some(end(simulation, start));
        }
    });
}

#[test]
fn every_task_runs_once_and_the_last_end_is_the_makespan() {
    each_random(|simulation, _, _, played| {
        let mut tasks: Vec<usize> = played.starts.iter().map(|start| start.0).collect();
        tasks.sort_unstable();
        assert!(tasks.into_iter().eq(0..simulation.tasks().len()));
        let last = played.starts.iter().map(|start| end(simulation, start)).max();
        assert_eq!(last, Some(played.makespan));
    });
}

#[test]
fn no_order_beats_the_lower_bound_or_wastes_more_than_graham_allows() {
    each_random(|simulation, count, _, played| {
        let bound = simulation.lower_bound(slots(count));
        assert!(bound <= played.makespan);
        // No slot is idle while a task is ready, whatever the order.
        let count = u32::try_from(count).unwrap();
        let graham = simulation.work() + simulation.critical_path() * (count - 1);
        assert!(played.makespan * count <= graham);
    });
}

#[test]
fn one_slot_takes_as_long_as_the_work_in_any_order() {
    each_random(|simulation, count, _, played| {
        if count == 1 {
            assert_eq!(played.makespan, simulation.work());
        }
    });
}

#[test]
fn the_same_is_played_the_same_way_again() {
    each_random(|simulation, count, order, played| {
        assert_eq!(*played, play(simulation, count, order));
    });
}

#[test]
fn first_come_goes_by_index_even_if_a_long_path_waits() {
    let graph = simulation(&[(1, &[]), (1, &[]), (1, &[]), (5, &[2])]);
    let played = play(&graph, 2, Order::FirstCome);
    assert_eq!(played.starts, [(0, seconds(0)), (1, seconds(0)), (2, seconds(1)), (3, seconds(2))]);
    assert_eq!(played.makespan, seconds(7));
}

#[test]
fn the_longest_path_goes_first_and_ties_go_by_index() {
    let graph = simulation(&[(1, &[]), (1, &[]), (1, &[]), (5, &[2])]);
    let played = play(&graph, 2, Order::LongestPath);
    assert_eq!(played.starts, [(2, seconds(0)), (0, seconds(0)), (3, seconds(1)), (1, seconds(1))]);
    assert_eq!(played.makespan, graph.lower_bound(slots(2)));
}

#[test]
fn only_what_is_expected_decides_the_order_and_only_what_is_actual_the_time() {
    let tasks = [(1, 9), (9, 1)].map(|(expected, actual)| Task {
        expected: Some(seconds(expected)),
        actual: seconds(actual),
        needs: Vec::new(),
    });
    let played = play(&Simulation::new(tasks.to_vec()).unwrap(), 1, Order::LongestPath);
    assert_eq!(played.starts, [(1, seconds(0)), (0, seconds(1))]);
    assert_eq!(played.makespan, seconds(10));
}

#[test]
fn a_need_may_come_later_and_be_said_twice() {
    let graph = simulation(&[(1, &[1, 1]), (2, &[])]);
    assert_eq!(graph.sorted(), [1, 0]);
    assert_eq!(graph.critical_path(), seconds(3));
    assert_eq!(play(&graph, 4, Order::FirstCome).makespan, seconds(3));
}

#[test]
fn the_lower_bound_is_the_longest_path_or_the_share_of_a_slot() {
    let graph = simulation(&[(4, &[]), (1, &[0]), (3, &[]), (2, &[])]);
    assert_eq!((graph.work(), graph.critical_path()), (seconds(10), seconds(5)));
    let bounds = [1, 2, 3, 64].map(|count| graph.lower_bound(slots(count)).as_secs());
    assert_eq!(bounds, [10, 5, 5, 5]);
}

#[test]
fn nothing_takes_no_time() {
    let graph = simulation(&[]);
    assert_eq!(play(&graph, 2, Order::LongestPath), Played::default());
    assert_eq!(graph.lower_bound(slots(2)), Duration::ZERO);
}

#[test]
fn a_cycle_is_an_error_that_names_its_tasks() {
    let tasks = [vec![], vec![0, 3], vec![1], vec![0, 2], vec![3]];
    let tasks = tasks.map(|needs| Task::known(seconds(1), needs));
    let error = Simulation::new(tasks.to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "tasks need each other: 1 -> 3 -> 2 -> 1");
    let itself = Simulation::new(vec![Task::known(seconds(1), vec![0])]);
    assert_eq!(itself.unwrap_err(), SimulationError::Cycle(vec![0]));
}

#[test]
fn a_need_that_is_no_task_is_an_error() {
    let error = Simulation::new(vec![Task::known(seconds(1), vec![1])]).unwrap_err();
    assert_eq!(error.to_string(), "task 0 needs task 1, but there are only 1, numbered from 0");
}

#[test]
fn durations_beyond_all_measure_do_not_overflow() {
    let tasks = vec![Task::known(Duration::MAX, vec![]), Task::known(Duration::MAX, vec![0])];
    let graph = Simulation::new(tasks).unwrap();
    assert_eq!(graph.lower_bound(slots(2)), Duration::MAX);
    assert_eq!(play(&graph, 2, Order::LongestPath).makespan, Duration::MAX);
}
