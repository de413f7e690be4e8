package caxton

// The 22 communicative acts of FIPA SC00037, as they are written in a message's performative.
const (
	ActAcceptProposal  = "accept-proposal"
	ActAgree           = "agree"
	ActCancel          = "cancel"
	ActCfp             = "cfp"
	ActConfirm         = "confirm"
	ActDisconfirm      = "disconfirm"
	ActFailure         = "failure"
	ActInform          = "inform"
	ActInformIf        = "inform-if"
	ActInformRef       = "inform-ref"
	ActNotUnderstood   = "not-understood"
	ActPropagate       = "propagate"
	ActPropose         = "propose"
	ActProxy           = "proxy"
	ActQueryIf         = "query-if"
	ActQueryRef        = "query-ref"
	ActRefuse          = "refuse"
	ActRejectProposal  = "reject-proposal"
	ActRequest         = "request"
	ActRequestWhen     = "request-when"
	ActRequestWhenever = "request-whenever"
	ActSubscribe       = "subscribe"
)
