//! What a readable descriptor means: the numbers that epoll hands back. Knows nothing else.

use nix::sys::epoll::{EpollEvent, EpollFlags};

use crate::event::Stream;

/// Whom a readable descriptor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Bell,
    Signals,
    Tokens,
    /// A stream of the job at this place has something to read.
    Pipe(Place, Stream),
    /// The process of the job at this place has ended.
    Exit(Place),
    /// So has another process of its group.
    Member(Place),
}

/// A place in the table of running jobs, and which one of its successive tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) index: u32,
    pub(super) tenant: u32,
}

const KIND_BITS: u32 = 3;

impl Source {
    /// An event that tells of it whenever its descriptor is readable.
    pub(super) fn event(self) -> EpollEvent {
        self.event_with(EpollFlags::EPOLLIN)
    }

    pub(super) fn event_with(self, flags: EpollFlags) -> EpollEvent {
        EpollEvent::new(flags, self.encode())
    }

    fn encode(self) -> u64 {
        let (kind, place) = match self {
            Self::Bell => (0, Place { index: 0, tenant: 0 }),
            Self::Signals => (1, Place { index: 0, tenant: 0 }),
            Self::Tokens => (2, Place { index: 0, tenant: 0 }),
            Self::Pipe(place, Stream::Stdout) => (3, place),
            Self::Pipe(place, Stream::Stderr) => (4, place),
            Self::Exit(place) => (5, place),
            Self::Member(place) => (6, place),
        };
        (u64::from(place.tenant) << 32) | (u64::from(place.index) << KIND_BITS) | kind
    }

    pub(super) fn decode(data: u64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "the upper half is the tenant")]
        let place = Place { index: data as u32 >> KIND_BITS, tenant: (data >> 32) as u32 };
        Some(match data & ((1 << KIND_BITS) - 1) {
            0 => Self::Bell,
            1 => Self::Signals,
            2 => Self::Tokens,
            3 => Self::Pipe(place, Stream::Stdout),
            4 => Self::Pipe(place, Stream::Stderr),
            5 => Self::Exit(place),
            6 => Self::Member(place),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_survives_the_trip_through_the_kernel() {
        let place = Place { index: (1 << 29) - 1, tenant: u32::MAX };
        let sources = [
            Source::Bell,
            Source::Signals,
            Source::Tokens,
            Source::Pipe(place, Stream::Stdout),
            Source::Pipe(place, Stream::Stderr),
            Source::Exit(place),
            Source::Member(Place { index: 0, tenant: 7 }),
        ];
        for source in sources {
            assert_eq!(Source::decode(source.event().data()), Some(source));
        }
        assert_eq!(Source::decode(7), None);
    }
}
