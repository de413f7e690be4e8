//! Tables that had much in them once give the room back when most of it has gone.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Room for so many is kept, however few there are.
const FEW: usize = 64;

/// Keeps room for twice as many as there are, where a table has room for eight times as many. To be called when
/// something was taken out: what that costs is below what entering all of it has cost.
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
