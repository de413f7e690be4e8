//! Room in mailboxes that turns keep for what they send.

use std::sync::Arc;

use super::ask::Ask;
use super::core::{Core, Party};
use super::posting::Post;
use crate::agent::{Letter, Refusal, Reserved};
use crate::directory::Member;
use crate::grants::Grants;
use crate::message::{Filter, Message};
use crate::sandbox::{NoPlace, Place};

impl Core {
    /// Keeps room for a message of the agent `holder`.
    pub fn reserve(&self, to: &str, message: &Message, holder: u64) -> Result<Place, NoPlace> {
        let member = self.directory.find(to).ok_or(NoPlace::Unknown)?;
        if let Member::Agent(agent) = &member {
            agent.check_content(message).map_err(NoPlace::Content)?;
        }
        reserve_with(member, message, holder)
    }

    /// Everybody whom `filter` means and `grants` allow, except the sender, for a message that it matches.
    pub fn matching(
        &self,
        filter: Filter,
        message: &Message,
        sender: u64,
        grants: &Grants,
    ) -> Vec<Member> {
        let (filter, names) = filter.split_receivers();
        if !filter.matches(message) {
            return Vec::new();
        }
        let mut members = self.directory.matching(&filter, names.as_ref());
        members.retain(|member| member.serial() != sender && grants.may_send_to(member.name()));
        members
    }

    /// Keeps room with these members; who has none, or has content limits that are broken, is counted.
    pub fn reserve_all(
        &self,
        members: impl Iterator<Item = Member>,
        message: &Message,
        holder: u64,
    ) -> (Vec<Place>, u64) {
        let mut places = Vec::new();
        let mut skipped = 0;
        for member in members {
            let takes = !matches!(&member, Member::Agent(agent) if !agent.takes_content(message));
            match takes.then(|| reserve_with(member, message, holder)) {
                Some(Ok(place)) => places.push(place),
                Some(Err(_)) | None => skipped += 1,
            }
        }
        (places, skipped)
    }
}

/// Puts a letter into the place that its sender has reserved.
pub(super) fn fill(
    core: &Core,
    from: Party,
    place: Place,
    letter: Letter,
    ask: Option<&Arc<Ask>>,
    post: Post<'_>,
) {
    let Ok(reserved) = place.0.downcast::<LocalPlace>() else { return };
    let member = reserved.member();
    let ask = core.passed_on(from, &member, &letter.message, ask);
    let letter = Letter { ask, ..letter };
    let refused = match (*reserved, &member) {
        (LocalPlace::Agent(reserved), Member::Agent(agent)) => {
            let letter = core.hold_letter(&member, letter, post);
            match reserved.fill(letter) {
                Ok(true) => return agent.schedule(post.lane),
                Ok(false) => return,
                Err((refusal, letter)) => (refusal, letter.unhold(post)),
            }
        }
        _ => match core.deliver(&member, letter, post) {
            Ok(()) => return,
            Err(refused) => refused,
        },
    };
    core.report_refusal(&refused.1, member.name(), refused.0, post);
}

/// A place that a turn holds.
enum LocalPlace {
    Agent(Reserved),
    /// Host agents take what they can when the turn commits.
    Host(Member),
}

impl LocalPlace {
    fn member(&self) -> Member {
        match self {
            LocalPlace::Agent(reserved) => Member::Agent(reserved.agent().clone()),
            LocalPlace::Host(member) => member.clone(),
        }
    }
}

/// The name of who has kept a place.
pub(super) fn name_of(place: &Place) -> Option<Arc<str>> {
    let place = place.0.downcast_ref::<LocalPlace>()?;
    Some(place.member().name().clone())
}

/// The serial of who has kept a place.
pub(super) fn holder_of(place: &Place) -> Option<u64> {
    let place = place.0.downcast_ref::<LocalPlace>()?;
    Some(place.member().serial())
}

fn reserve_with(member: Member, message: &Message, holder: u64) -> Result<Place, NoPlace> {
    let place = match member {
        Member::Agent(agent) => match Reserved::take(agent, message, holder) {
            Ok(reserved) => LocalPlace::Agent(reserved),
            Err(Refusal::Full) => return Err(NoPlace::Full),
            Err(Refusal::Failed | Refusal::Removed) => return Err(NoPlace::Unknown),
        },
        Member::Host(_) => LocalPlace::Host(member),
    };
    Ok(Place(Box::new(place)))
}
