//! Who has a lifeline. Where too many take part, those who did the same share one.

use std::collections::HashMap;

use super::layout::Lane;
use super::words::Standing;
use crate::conversation::{Conversation, Note, Participant, Side, Stage};
use crate::message::{Performative, name};

/// The most lifelines beside those of the initiator and the runtime.
const MAX_LANES: usize = 8;

pub(super) struct Lanes<'a> {
    pub lanes: Vec<Lane<'a>>,
    /// Which lifeline is whose, by name.
    pub of_name: HashMap<&'a str, usize>,
    pub agents: u64,
}

/// An agent that takes part.
struct Member<'a> {
    name: &'a str,
    /// What it did: two that did the same have the same number.
    history: u32,
    participant: Option<&'a Participant>,
}

/// One step of what somebody did.
#[derive(PartialEq, Eq, Hash)]
enum Deed {
    Sent(Performative, Option<Note>),
    Received(Performative, Option<Note>),
    Stood(Outcome),
}

/// How somebody stands at the end, so far as pictures tell it apart.
type Outcome = Option<(Stage, Option<Side>, bool, bool)>;

impl Member<'_> {
    fn outcome(&self) -> Outcome {
        let at = self.participant?;
        Some((at.stage, at.due, at.late, at.answered_at.is_some()))
    }
}

impl<'a> Lanes<'a> {
    pub fn of(conversation: &'a Conversation) -> Self {
        let members = members(conversation);
        // The initiator stands first, the runtime last, and neither shares.
        let (mut runtime, others): (Vec<usize>, Vec<usize>) = (0..members.len())
            .filter(|member| members[*member].name != conversation.initiator)
            .partition(|member| members[*member].name == name::AMS);
        let initiator = members.iter().position(|m| m.name == conversation.initiator);
        let mut groups: Vec<Vec<usize>> = initiator.into_iter().map(|one| vec![one]).collect();
        groups.extend(grouped(&members, others));
        groups.extend(runtime.pop().map(|ams| vec![ams]));

        let mut lanes = Vec::with_capacity(groups.len());
        let mut of_name = HashMap::with_capacity(members.len());
        for (lane, group) in groups.iter().enumerate() {
            let first = &members[group[0]];
            of_name.extend(group.iter().map(|member| (members[*member].name, lane)));
            let alike = group.iter().all(|member| members[*member].outcome() == first.outcome());
            let standing = first.participant.filter(|_| alike);
            lanes.push(Lane {
                name: first.name,
                others: group.len() as u64 - 1,
                standing: standing.map(|participant| Standing::of(participant, conversation)),
                is_runtime: first.name == name::AMS,
            });
        }
        let agents = members.iter().filter(|member| member.name != name::AMS).count() as u64;
        Lanes { lanes, of_name, agents }
    }
}

/// Everybody who has been met, and what they did.
#[derive(Default)]
struct Register<'a> {
    members: Vec<Member<'a>>,
    by_name: HashMap<&'a str, usize>,
    /// A history is its last deed and the history before that.
    histories: HashMap<(u32, Deed), u32>,
}

impl<'a> Register<'a> {
    fn member(&mut self, name: &'a str) -> usize {
        *self.by_name.entry(name).or_insert_with(|| {
            self.members.push(Member { name, history: 0, participant: None });
            self.members.len() - 1
        })
    }

    fn does(&mut self, member: usize, deed: Deed) {
        let next = self.histories.len() as u32 + 1;
        let history = &mut self.members[member].history;
        *history = *self.histories.entry((*history, deed)).or_insert(next);
    }
}

/// Everybody who takes part, in the order in which they appear, the initiator first.
fn members(conversation: &Conversation) -> Vec<Member<'_>> {
    let mut all = Register::default();
    all.member(&conversation.initiator);
    for said in &conversation.messages {
        let (act, note) = (said.message.performative(), said.note);
        let from = all.member(said.message.sender());
        all.does(from, Deed::Sent(act, note));
        for receiver in said.message.receivers() {
            let to = all.member(receiver);
            all.does(to, Deed::Received(act, note));
        }
    }
    for participant in &conversation.participants {
        let at = all.member(&participant.name);
        // Of several who asked the same agent, the one who still waits for something counts.
        let kept = &mut all.members[at].participant;
        if kept.is_none_or(|kept| kept.due.is_none()) {
            *kept = Some(participant);
        }
    }
    for member in 0..all.members.len() {
        let stood = Deed::Stood(all.members[member].outcome());
        all.does(member, stood);
    }
    all.members
}

/// Puts together those who did the same until there are few enough: by all that they did, or else by
/// how it ended, or else whoever is left.
fn grouped(members: &[Member<'_>], who: Vec<usize>) -> Vec<Vec<usize>> {
    if who.len() <= MAX_LANES {
        return who.into_iter().map(|member| vec![member]).collect();
    }
    let mut groups = by(&who, |member| members[member].history);
    if groups.len() > MAX_LANES {
        groups = by(&who, |member| members[member].outcome());
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    while groups.len() > MAX_LANES {
        let smallest = groups.pop().unwrap_or_default();
        if let Some(next) = groups.last_mut() {
            next.extend(smallest);
        }
    }
    // Where there is room, the smallest groups stand each for themselves.
    while let Some(smallest) = groups.iter().rposition(|group| group.len() > 1) {
        if groups.len() + groups[smallest].len() - 1 > MAX_LANES {
            break;
        }
        let group = groups.remove(smallest);
        groups.extend(group.into_iter().map(|member| vec![member]));
    }
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.sort_by_key(|group| group[0]);
    groups
}

fn by<K: Eq + std::hash::Hash>(who: &[usize], key: impl Fn(usize) -> K) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_key: HashMap<K, usize> = HashMap::new();
    for member in who {
        let group = *of_key.entry(key(*member)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(*member);
    }
    groups
}
