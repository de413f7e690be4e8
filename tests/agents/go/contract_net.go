package main

import (
	"fmt"
	"slices"
)

const (
	contractNet = "fipa-contract-net"
	maxNets     = 4
	maxParties  = 32
)

// net is a contract net that somebody asked this agent to hold.
type net struct {
	asked        *incoming
	conversation string
	micros       int64
	timer        int32
	parties      []party
	// decided says that answers are late from now on.
	decided bool
	winner  *party
	outcome string
}

type party struct {
	name   string
	answer answer
	// price and proposal are there for who proposed.
	price    number
	proposal *incoming
}

type answer int

const (
	// awaited: it may still come.
	awaited answer = iota
	proposed
	late
	// settled: there is none, or nothing more to do about it.
	settled
)

var nets []*net

func startNet(message *incoming, data field) int32 {
	var wanted struct {
		Participants []*string `json:"participants"`
		Task         field     `json:"task"`
		Deadline     field     `json:"deadline_micros"`
	}
	isRead := readField(data, &wanted)
	micros, is := wholeOf(wanted.Deadline)
	count := len(wanted.Participants)
	if !isRead || !is || micros == 0 || count == 0 || count > maxParties || slices.Contains(wanted.Participants, nil) {
		return invalid(message)
	}
	if !message.canKeep() {
		return message.refuse("too long")
	}
	if len(nets) >= maxNets {
		return message.refuse("too busy")
	}
	timer := setTimer(micros)
	if timer <= 0 {
		return message.refuse("no timer")
	}
	started := &net{
		asked:        message,
		conversation: fmt.Sprintf("cn-%d", randomU32()),
		micros:       micros,
		timer:        timer,
	}
	for _, name := range wanted.Participants {
		started.parties = append(started.parties, party{name: *name})
	}
	content := object{}
	if len(wanted.Task) > 0 {
		content["task"] = wanted.Task
	}
	sent := post(outgoing{
		Performative: "cfp",
		Receiver:     wanted.Participants,
		Content:      content,
		ReplyBy:      currentTimestamp() + micros,
		ReplyWith:    fieldOf("cfp-1"),
		shared:       shared{ConversationID: fieldOf(started.conversation), Protocol: fieldOf(contractNet)},
	})
	if sent != 0 {
		cancelTimer(timer)
		return message.fail("not sent")
	}
	nets = append(nets, started)
	return 0
}

// netAnswered takes in an answer; false if the message belongs to no contract net that goes on.
func netAnswered(message *incoming) (code int32, ours bool) {
	switch *message.Performative {
	case "propose", "refuse", "inform", "failure", "not-understood":
	default:
		return 0, false
	}
	conversation, _ := textOf(message.ConversationID)
	isMeant := func(n *net) bool { return n.conversation == conversation }
	return goOn(isMeant, func(n *net) { n.hear(message) })
}

// ringNet ends the time for answers; false if the timer belongs to no contract net.
func ringNet(timer int32) (code int32, ours bool) {
	return goOn(func(n *net) bool { return n.timer == timer }, (*net).timeIsUp)
}

// goOn lets something happen to one contract net, and forgets it once it is over.
func goOn(isMeant func(*net) bool, happen func(*net)) (code int32, ours bool) {
	at := slices.IndexFunc(nets, isMeant)
	if at < 0 {
		return 0, false
	}
	n := nets[at]
	happen(n)
	if !n.decided && !n.awaits() {
		cancelTimer(n.timer)
		n.decide()
	}
	if !n.decided || n.awaits() || n.winner != nil && n.outcome == "" {
		return 0, true
	}
	nets = slices.Delete(nets, at, at+1)
	cancelTimer(n.timer)
	return n.report(), true
}

func (n *net) awaits() bool {
	return slices.ContainsFunc(n.parties, func(p party) bool { return p.answer == awaited })
}

func (n *net) hear(message *incoming) {
	// What the host says in place of an agent.
	var fault struct {
		Agent field `json:"agent"`
		Kind  field `json:"kind"`
	}
	act := *message.Performative
	name, _ := textOf(message.Sender)
	fromHost := name == "ams"
	if fromHost {
		readField(message.Content, &fault)
		name, _ = textOf(fault.Agent)
	}
	at := slices.IndexFunc(n.parties, func(p party) bool { return p.name == name })
	if at < 0 {
		return
	}
	party := &n.parties[at]
	if party == n.winner && n.outcome == "" && act != "propose" {
		n.outcome = "failure"
		if act == "inform" {
			n.outcome = act
		}
		return
	}
	// Who is silent at the deadline may still answer late.
	kind, _ := textOf(fault.Kind)
	if kind == "deadline" || act == "inform" || party.answer != awaited {
		return
	}
	switch {
	case !fromHost && n.decided:
		party.answer = late
		if act == "propose" {
			message.reject("too late")
		}
	case act == "propose":
		party.propose(message)
	default:
		party.answer = settled
	}
}

func (p *party) propose(message *incoming) {
	var terms terms
	readField(message.Content, &terms)
	price, is := numberOf(terms.Price)
	if !is || !message.canKeep() {
		p.answer = settled
		message.reject("no price")
		return
	}
	p.answer, p.price, p.proposal = proposed, price, message
}

// timeIsUp lets the cheapest win at the deadline. Whoever is late has as long again to say so.
func (n *net) timeIsUp() {
	if !n.decided {
		n.decide()
		if n.timer = setTimer(n.micros); n.timer > 0 {
			return
		}
	}
	for at := range n.parties {
		if n.parties[at].answer == awaited {
			n.parties[at].answer = settled
		}
	}
}

// decide accepts the cheapest proposal, the first of several, and rejects the others.
func (n *net) decide() {
	n.decided = true
	for at := range n.parties {
		party := &n.parties[at]
		if party.answer == proposed && (n.winner == nil || party.price.value < n.winner.price.value) {
			n.winner = party
		}
	}
	for at := range n.parties {
		party := &n.parties[at]
		if party.answer != proposed {
			continue
		}
		party.answer = settled
		if party == n.winner {
			party.proposal.replyWith("accept-proposal", object{"price": party.price}, "award-1")
		} else {
			party.proposal.reject("a better offer")
		}
		party.proposal = nil
	}
}

func (n *net) report() int32 {
	names := []string{}
	for _, party := range n.parties {
		if party.answer == late {
			names = append(names, party.name)
		}
	}
	result := object{"winner": nil, "price": nil, "late": names, "outcome": nil}
	if n.winner != nil {
		result["winner"], result["price"], result["outcome"] = n.winner.name, n.winner.price, n.outcome
	}
	return n.asked.reply("inform", object{"result": result})
}
