//! The graph of `chroot-maint test`: the same seed, the same graph, on every machine and in every version.
//!
//! Does not know the scheduler.

use crate::spec::{JobName, Nap, NapError};

/// A job and the places in the graph of those it needs, all before its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) job: JobName,
    pub(super) needs: Vec<usize>,
}

/// How many jobs there are of each length.
const WIDTH: usize = 10;
/// The lengths, each of which waits for a random half of those of the one before.
const LENGTHS: [&str; 3] = ["0.2", "0.5", "1"];

/// `bad`, then ten jobs of each length; the last ten need `bad` too.
pub(super) fn build(seed: u64) -> Result<Vec<Node>, NapError> {
    let mut random = SplitMix64(seed);
    let mut nodes = vec![Node { job: JobName::Bad, needs: vec![] }];
    for (level, seconds) in LENGTHS.iter().enumerate() {
        let before = nodes.len() - WIDTH.min(nodes.len() - 1)..nodes.len();
        for index in 0..WIDTH {
            let nap = Nap::new(seconds, &format!("j{level}.{index}"))?;
            let mut needs =
                if level == 0 { vec![] } else { random.half_of(before.clone().collect()) };
            if level == LENGTHS.len() - 1 {
                needs.insert(0, 0);
            }
            nodes.push(Node { job: JobName::Sleep(nap), needs });
        }
    }
    Ok(nodes)
}

/// Steele, Lea and Flood's generator (2014): ten lines that will not change, for a seed must always mean the
/// same graph. Not for secrets.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Half of the items, each half as likely as any other, in their old order.
    fn half_of(&mut self, mut items: Vec<usize>) -> Vec<usize> {
        let half = items.len() / 2;
        while items.len() > half {
            let count = items.len() as u64;
            // The bias of a remainder of so small a number is far below what anybody could see.
            #[expect(clippy::cast_possible_truncation, reason = "less than the length of a Vec")]
            items.remove((self.next() % count) as usize);
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, build};

    fn graph(seed: u64) -> Vec<Node> {
        build(seed).unwrap()
    }

    #[test]
    fn a_seed_repeats_its_graph_and_another_does_not() {
        assert_eq!(graph(7), graph(7));
        assert_ne!(graph(7), graph(8));
    }

    #[test]
    fn a_seed_means_the_same_graph_for_ever() {
        assert_eq!(graph(1)[11].needs, [2, 3, 4, 7, 10]);
    }

    #[test]
    fn each_level_needs_half_of_the_one_before_and_the_last_needs_bad() {
        let graph = graph(3);
        assert_eq!(graph.len(), 31);
        assert_eq!(graph[0].job.to_string(), "bad");
        assert_eq!(graph[4].job.to_string(), "sleep.j0.3-0.2");
        assert!(graph[..=10].iter().all(|node| node.needs.is_empty()));
        for node in &graph[11..=20] {
            assert_eq!(node.needs.len(), 5);
            assert!(node.needs.iter().all(|need| (1..=10).contains(need)));
        }
        for node in &graph[21..] {
            assert_eq!((node.needs.len(), node.needs[0]), (6, 0));
            assert!(node.needs[1..].iter().all(|need| (11..=20).contains(need)));
        }
    }
}
