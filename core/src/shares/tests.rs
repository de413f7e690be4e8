#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

fn owner() -> Owner {
    Owner::of(&Account::new(1))
}

#[test]
fn whoever_has_most_makes_room_and_among_equals_the_oldest() {
    let (one, other) = (owner(), owner());
    let mut shares = Shares::default();
    for place in 0..3 {
        shares.insert(&one, place, "one");
    }
    for place in 3..8 {
        shares.insert(&other, place, "other");
    }
    let mut gone = Vec::new();
    while let Some((owner, place, _)) = shares.oldest_of_greatest(None) {
        shares.remove(&owner, place).unwrap();
        gone.push(place);
    }
    assert_eq!(gone, [3, 4, 0, 5, 1, 6, 2, 7]);
    assert_eq!((shares.len(), shares.order.len(), shares.owners.len()), (0, 0, 0));
}

#[test]
fn one_place_may_be_left_out() {
    let (one, other) = (owner(), owner());
    let mut shares = Shares::default();
    shares.insert(&one, 0, ());
    shares.insert(&other, 1, ());
    assert_eq!(shares.oldest_of_greatest(Some(0)).unwrap().1, 1);
    assert_eq!(shares.oldest_of(&one).unwrap().0, 0);
    assert_eq!(shares.remove(&one, 1), None);
}

#[test]
fn weights_know_the_greatest() {
    let (one, other) = (owner(), owner());
    let mut weights = Weights::default();
    weights.change(&one, 0, 100);
    weights.change(&other, 0, 60);
    assert!(weights.greatest().unwrap() == one);
    weights.change(&one, 100, 30);
    assert!(weights.greatest().unwrap() == other);
    weights.change(&one, 30, 60);
    assert!(weights.greatest().unwrap() == other, "it has had as much for longer");
    weights.change(&other, 60, 50);
    weights.change(&other, 50, 60);
    assert!(weights.greatest().unwrap() == one);
    weights.change(&one, 60, 30);
    weights.change(&other, 60, 0);
    weights.change(&one, 30, 0);
    assert_eq!(weights.total(), 0);
    assert!(weights.greatest().is_none());
}
