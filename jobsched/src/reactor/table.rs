//! The table of running jobs: each at a place that is used again, and told from the tenants before
//! it. Knows nothing of what is in it.

use super::source::Place;

/// A table of things with places.
#[derive(Debug)]
pub(super) struct Table<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry<T> {
    tenant: u32,
    value: Option<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The place that the next thing will get.
    pub(super) fn next_place(&self) -> Place {
        match self.free.last() {
            Some(&index) => Place { index, tenant: self.entries[index as usize].tenant },
            // As many jobs as there are descriptors, and of those there are fewer than 2^29.
            #[expect(clippy::cast_possible_truncation)]
            None => Place { index: self.entries.len() as u32, tenant: 0 },
        }
    }

    /// Puts something in at the next place.
    pub(super) fn insert(&mut self, value: T) -> &mut T {
        let index = self.free.pop().map_or(self.entries.len(), |index| index as usize);
        if index == self.entries.len() {
            self.entries.push(Entry { tenant: 0, value: None });
        }
        self.entries[index].value.insert(value)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let entry = self.entries.get_mut(place.index as usize)?;
        if entry.tenant == place.tenant { entry.value.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let entry = self.entries.get_mut(place.index as usize)?;
        if entry.tenant != place.tenant {
            return None;
        }
        let value = entry.value.take()?;
        entry.tenant = entry.tenant.wrapping_add(1);
        self.free.push(place.index);
        Some(value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().filter_map(|entry| entry.value.as_ref())
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_and_its_tenants_are_told_apart() {
        let mut table = Table::default();
        let first = table.next_place();
        table.insert("first");
        assert_eq!(table.remove(first), Some("first"));
        let second = table.next_place();
        table.insert("second");
        assert_eq!(second.index, first.index);
        assert_eq!(table.get_mut(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get_mut(second), Some(&mut "second"));
        assert_eq!(table.len(), 1);
    }
}
