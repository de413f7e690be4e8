//! What a member has registered, when the store cannot keep a change of it.

use std::sync::Arc;

use super::profile::{Profile, Registration};

fn registration(lease_until: Option<u64>) -> Registration {
    Registration { description: Arc::default(), lease_until, made_in: None }
}

#[test]
fn a_lease_that_never_was_does_not_end_what_is_there() {
    let profile = Profile::default();
    let kept = registration(None);
    profile.set(Some(kept.clone()));
    profile.settled(Some(kept.clone()));
    let (_, version) = profile.set(Some(registration(Some(10))));
    // The lease ends before the store has failed to keep it.
    assert!(profile.expire(20));
    assert_eq!(profile.registered(20), None);
    assert_eq!(profile.take_back(version), Some(kept.clone()));
    assert_eq!(profile.registered(20), Some(kept));
}

#[test]
fn a_later_change_is_not_taken_back_with_an_earlier_one() {
    let profile = Profile::default();
    let (_, earlier) = profile.set(Some(registration(None)));
    let later = registration(Some(100));
    profile.set(Some(later.clone()));
    assert_eq!(profile.take_back(earlier), None);
    assert_eq!(profile.registered(20), Some(later));
}
