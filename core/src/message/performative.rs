//! The communicative acts of FIPA SC00037.

use std::fmt;

macro_rules! performatives {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// What a message does: one of FIPA's 22 communicative acts (FIPA SC00037).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Performative { $($(#[$doc])* $variant),* }

        impl Performative {
            /// Every act, in alphabetical order.
            pub const ALL: &'static [Performative] = &[$(Performative::$variant),*];

            /// Reads the usual spelling.
            fn parse_usual(text: &str) -> Option<Self> {
                match text { $($text => Some(Performative::$variant),)* _ => None }
            }

            /// The act as it is written in a message: lower case, with hyphens.
            pub const fn as_str(self) -> &'static str {
                match self { $(Performative::$variant => $text),* }
            }
        }
    };
}

performatives! {
    /// A proposal is accepted.
    AcceptProposal = "accept-proposal",
    /// A request is agreed to; its result follows.
    Agree = "agree",
    /// The initiator withdraws what it asked for.
    Cancel = "cancel",
    /// A call for proposals.
    Cfp = "cfp",
    /// Something uncertain is true.
    Confirm = "confirm",
    /// Something believed is false.
    Disconfirm = "disconfirm",
    /// An action was tried and failed.
    Failure = "failure",
    /// Something is true; also the result of a request.
    Inform = "inform",
    /// Asks to be told whether something is true.
    InformIf = "inform-if",
    /// Asks to be told which object something refers to.
    InformRef = "inform-ref",
    /// The message could not be understood.
    NotUnderstood = "not-understood",
    /// To be passed on to further agents.
    Propagate = "propagate",
    /// An offer to do something under conditions.
    Propose = "propose",
    /// To be brokered to agents that match.
    Proxy = "proxy",
    /// Asks whether something is true.
    QueryIf = "query-if",
    /// Asks for the object that something refers to.
    QueryRef = "query-ref",
    /// A request is refused.
    Refuse = "refuse",
    /// A proposal is rejected.
    RejectProposal = "reject-proposal",
    /// Asks for an action.
    Request = "request",
    /// Asks for an action once a condition holds.
    RequestWhen = "request-when",
    /// Asks for an action each time a condition holds.
    RequestWhenever = "request-whenever",
    /// Asks to be told of each change.
    Subscribe = "subscribe",
}

impl Performative {
    /// Reads an act; upper case and underscores are understood too (`QUERY_IF`).
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_usual(text).or_else(|| Self::parse_unusual(text))
    }

    #[cold]
    fn parse_unusual(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| {
            act.as_str().len() == text.len()
                && act.as_str().bytes().zip(text.bytes()).all(|(want, have)| {
                    want == have.to_ascii_lowercase() || (want == b'-' && have == b'_')
                })
        })
    }

    /// The same with an error that says which acts there are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if it is none.
    pub fn read(text: &str) -> Result<Self, crate::Error> {
        Self::parse(text).ok_or_else(|| {
            let acts: Vec<&str> = Self::ALL.iter().map(|act| act.as_str()).collect();
            crate::choice::unknown("the performative", text, &acts)
        })
    }

    /// Whether this act is answered in its protocol.
    pub(crate) fn asks(self) -> bool {
        matches!(
            self,
            Performative::Request
                | Performative::RequestWhen
                | Performative::RequestWhenever
                | Performative::QueryIf
                | Performative::QueryRef
                | Performative::Cfp
                | Performative::Propose
                | Performative::Subscribe
                | Performative::Proxy
        )
    }

    /// The act that says yes to this one.
    pub(crate) fn yes(self) -> Self {
        match self {
            Performative::Cfp => Performative::Propose,
            Performative::Propose => Performative::AcceptProposal,
            _ => Performative::Inform,
        }
    }

    /// The act by which a protocol says no to this one.
    pub(crate) fn no(self) -> Self {
        match self {
            Performative::Cfp | Performative::RequestWhen | Performative::Proxy => {
                Performative::Refuse
            }
            Performative::Propose => Performative::RejectProposal,
            _ => Performative::Failure,
        }
    }

    /// The act by which a protocol refuses this one; what was agreed to before can only fail.
    pub(crate) fn refusal(self) -> Self {
        match self {
            Performative::Propose => Performative::RejectProposal,
            Performative::AcceptProposal | Performative::Cancel => Performative::Failure,
            _ => Performative::Refuse,
        }
    }

    /// Whether the host keeps from answering this act with a failure of its own, so that
    /// two agents cannot feed each other errors for ever.
    pub(crate) fn ends_talk(self) -> bool {
        matches!(self, Performative::Failure | Performative::NotUnderstood)
    }
}

impl fmt::Display for Performative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
