//! Tables that were large give room back when most of their entries are gone.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Entries for which a table keeps room, however few it has.
const FEW: usize = 64;

/// Shrinks a table that has room for more than eight times its entries to room for twice as many. To be
/// called after an entry was removed. The cost is less than that of having entered the removed entries.
pub(crate) fn shrink<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    if table.capacity() > FEW.max(8 * table.len()) {
        table.shrink_to(2 * table.len());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{FEW, shrink};

    #[test]
    fn a_table_has_room_for_a_few_times_what_is_in_it() {
        let mut table: HashMap<u32, u32> = (0..100_000).map(|key| (key, key)).collect();
        for key in 0..100_000 {
            table.remove(&key);
            shrink(&mut table);
            assert!(table.capacity() <= 2 * FEW.max(8 * table.len()), "{key}");
        }
    }
}
