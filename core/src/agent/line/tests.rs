//! Lines of many letters, out of whose middle some are taken.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::{FEW, Line};
use crate::agent::Letter;
use crate::agent::due::Due;
use crate::message::{Draft, Envelope, Message, Stamp};
use crate::source::monotonic;

fn letter(number: usize, sender: &str) -> Letter {
    let draft = Draft::json(r#"{"performative":"inform","receiver":"a"}"#);
    let id = format!("id-{number}");
    let stamp =
        Stamp { sender: Some(sender), message_id: Some(&id), sent_at: 1, ..Stamp::default() };
    let envelope = Envelope::read(draft.as_bytes()).unwrap();
    Letter::direct(Message::write(&envelope, &stamp).unwrap(), None)
}

fn line_of(count: usize) -> Line {
    let mut line = Line::default();
    for number in 0..count {
        line.push(letter(number, if number % 3 == 0 { "a" } else { "b" }));
    }
    line
}

fn ids(line: &mut Line) -> Vec<String> {
    line.drain().into_iter().map(|letter| letter.message.message_id().to_owned()).collect()
}

#[test]
fn what_is_withdrawn_leaves_the_others_in_their_order() {
    for count in [3, FEW, FEW + 1, 1000] {
        let mut line = line_of(count);
        let bytes = line.bytes();
        let one = letter(0, "a").message.charge();
        for number in (0..count).filter(|number| number % 4 == 1) {
            assert_eq!(line.withdraw(&format!("id-{number}")).unwrap().place, number as u64 + 1);
            assert!(line.withdraw(&format!("id-{number}")).is_none());
        }
        assert!(line.withdraw("id-none").is_none());
        let left: Vec<String> =
            (0..count).filter(|number| number % 4 != 1).map(|n| format!("id-{n}")).collect();
        assert_eq!(line.len(), left.len());
        assert!(line.bytes() < bytes && line.bytes() >= left.len() * (one - 8));
        let of_a = (0..count).filter(|number| number % 4 != 1 && number % 3 == 0).count();
        assert_eq!(line.count_of("a"), of_a);
        assert_eq!(line.count_of("b"), left.len() - of_a);
        assert_eq!(line.count_of("c"), 0);
        assert_eq!(ids(&mut line), left);
        assert_eq!((line.len(), line.bytes()), (0, 0));
    }
}

#[test]
fn what_is_put_back_stands_where_it_stood() {
    let mut line = line_of(200);
    // An index is there, and has to follow.
    assert_eq!(line.count_of("a"), 67);
    let taken: Vec<Letter> = (0..5).map(|_| line.pop().unwrap()).collect();
    let from_the_middle = line.withdraw("id-100").unwrap();
    line.push(letter(200, "a"));
    line.put_back(from_the_middle);
    for letter in taken.into_iter().rev() {
        line.put_back(letter);
    }
    assert_eq!(line.count_of("a"), 68);
    assert!(line.withdraw("id-3").is_some());
    let expected: Vec<String> = (0..=200).filter(|n| *n != 3).map(|n| format!("id-{n}")).collect();
    assert_eq!(ids(&mut line), expected);
}

#[test]
fn gaps_do_not_pile_up_before_a_letter_that_stays() {
    let mut line = Line::default();
    line.push(letter(usize::MAX, "a"));
    for number in 0..10_000 {
        line.push(letter(number, "a"));
        assert!(line.withdraw(&format!("id-{number}")).is_some());
    }
    assert_eq!(line.len(), 1);
    assert!(line.slots.len() <= 2 + FEW, "{} slots", line.slots.len());
}

#[test]
fn a_long_line_is_not_walked() {
    // Walked, these are 200 million steps each.
    let count = 20_000;
    let begun = monotonic();
    let mut line = line_of(count);
    for number in (0..count).rev() {
        assert!(line.count_of("a") <= count);
        assert!(line.withdraw(&format!("id-{number}")).is_some());
    }
    let mut due = Due::default();
    (0..count as u32).for_each(|id| due.push(id));
    for id in (0..count as u32).rev() {
        due.forget(id);
    }
    assert!(due.is_empty());
    assert!(due.pop().is_none());
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn timers_that_are_taken_back_do_not_pile_up() {
    let mut due = Due::default();
    due.push(1);
    for id in 2..10_000 {
        due.push(id);
        due.forget(id);
    }
    assert!(due.order.len() <= 70, "{} entries", due.order.len());
    // One that rings again after it was taken back comes once.
    due.push(2);
    due.forget(2);
    due.push(2);
    due.push(2);
    assert_eq!([due.pop(), due.pop(), due.pop()], [Some(1), Some(2), None]);
}

#[test]
fn a_line_that_was_long_keeps_no_room() {
    let mut line = line_of(1000);
    while line.pop().is_some() {}
    assert!(line.slots.capacity() <= FEW);
    let mut line = line_of(3);
    assert_eq!(line.drain().len(), 3);
    assert_eq!(line.slots.capacity(), 0);
}
