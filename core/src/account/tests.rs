#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

#[test]
fn charges_are_bounded_and_given_back() {
    let account = Account::new(100);
    let first = account.try_charge(60).unwrap();
    assert!(account.try_charge(41).is_none());
    assert!(account.try_charge(usize::MAX).is_none());
    let second = account.try_charge(40).unwrap();
    assert_eq!(account.bytes(), 100);
    drop(first);
    assert_eq!(account.bytes(), 40);
    drop(second);
    assert_eq!(account.bytes(), 0);
}

#[test]
fn a_charge_that_has_to_be_kept_goes_above_the_limit() {
    let account = Account::new(10);
    let kept = account.charge(50);
    assert_eq!(account.bytes(), 50);
    assert!(account.try_charge(0).is_none());
    drop(kept);
    assert_eq!(account.bytes(), 0);
}

#[test]
fn a_charge_grows_shrinks_and_moves() {
    let (account, runtime) = (Account::new(100), Account::new(10));
    let mut charge = account.try_charge(10).unwrap();
    assert!(charge.try_resize(100));
    assert!(!charge.try_resize(101));
    assert_eq!((charge.bytes(), account.bytes()), (100, 100));
    assert!(charge.try_resize(30));
    charge.resize(20);
    assert_eq!((charge.bytes(), account.bytes()), (20, 20));
    charge.move_to(&runtime);
    assert_eq!((account.bytes(), runtime.bytes()), (0, 20));
    drop(charge);
    assert_eq!(runtime.bytes(), 0);
}
