//! What always has to be so in the table.

use std::collections::BTreeMap;

use super::*;

impl Table {
    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        let mut waits = BTreeMap::new();
        let (mut bytes, mut keys) = (0, 0);
        for (number, record) in &self.records {
            record.check();
            bytes += record.bytes;
            keys += record.keys.len();
            for pair in record.waits() {
                *waits.entry(pair).or_insert(0) += 1;
            }
            let is_open = record.state == ConversationState::Open;
            let (inside, outside) =
                if is_open { (&self.open, &self.ended) } else { (&self.ended, &self.open) };
            // Each stands where it goes from one day.
            assert!(inside.iter().any(|at| at == (record.touched, number)), "{:?}", record.view(0));
            assert!(!outside.iter().any(|at| at == (record.touched, number)));
            if record.state != ConversationState::Open {
                let abandoned = record.state == ConversationState::Abandoned;
                assert!(!abandoned || record.waits().next().is_none());
            }
            assert!(self.ids.has(record, *number));
        }
        assert_eq!(self.open.len() + self.ended.len(), self.records.len());
        assert_eq!(self.key_places.len(), keys);
        assert!(self.keys.len() <= keys);
        assert_eq!(self.weights.total(), bytes);
        assert_eq!(self.waits.counts(), waits);
        assert!(self.open.len() <= self.room.open && self.ended.len() <= self.room.ended);
        assert!(self.key_places.len() <= self.room.keys);
        self.ids.check(&self.records);
    }
}
