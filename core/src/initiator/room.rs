//! Room for what is kept of an exchange until its outcome is told.

use std::collections::HashMap;

use crate::message::Message;

/// The most messages, and the most bytes of them, that are kept of all.
const MAX_MESSAGES: usize = 32_768;
const MAX_BYTES: usize = 64 << 20;
/// One sender takes an eighth at most, so that it does not keep the others out.
const SHARE: usize = 8;

/// Messages that are kept of one exchange, by who sent them.
#[derive(Debug, Default)]
pub(super) struct Room {
    all: Taken,
    of: HashMap<Box<str>, Taken>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Taken {
    messages: usize,
    bytes: usize,
}

impl Room {
    /// Takes room for one more message. Returns false if there is none.
    pub fn take(&mut self, message: &Message) -> bool {
        self.take_bytes(message.sender(), message.charge())
    }

    fn take_bytes(&mut self, sender: &str, bytes: usize) -> bool {
        let of_sender = self.of.get(sender).copied().unwrap_or_default().and(bytes);
        let all = self.all.and(bytes);
        if !of_sender.is_within(SHARE) || !all.is_within(1) {
            return false;
        }
        self.all = all;
        self.of.insert(sender.into(), of_sender);
        true
    }
}

impl Taken {
    fn and(self, bytes: usize) -> Self {
        Taken { messages: self.messages + 1, bytes: self.bytes.saturating_add(bytes) }
    }

    /// True if it is within a part of the whole room.
    fn is_within(self, part: usize) -> bool {
        self.messages <= MAX_MESSAGES / part && self.bytes <= MAX_BYTES / part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_leaves_room_for_others() {
        let mut room = Room::default();
        let taken = (0..1000).filter(|_| room.take_bytes("loud", 1 << 20)).count();
        assert_eq!(taken, 8);
        assert!(room.take_bytes("quiet", 1 << 20));
    }

    #[test]
    fn all_together_have_a_bound() {
        let mut room = Room::default();
        let taken = |bytes: usize, room: &mut Room| {
            let senders = (0..100).map(|it| it.to_string());
            let each = senders.flat_map(|sender| vec![sender; 5000]);
            each.filter(|sender| room.take_bytes(sender, bytes)).count()
        };
        assert_eq!(taken(1 << 20, &mut room), 64);
        assert_eq!(taken(1, &mut Room::default()), MAX_MESSAGES);
    }
}
