//go:build !wasip1

package caxtontest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/internal/abi"
)

// maxFired is how many timers may come due in one Advance before it is taken for endless.
const maxFired = 10_000

// turn is one that runs now.
type turn struct {
	// handled is the message of the turn, if it is for one.
	handled *caxton.FipaMessage
	inInit  bool
	// replied says whether the handled message has been answered: further messages count.
	replied bool
	calls   int
	slept   int64
}

// Init runs the agent's init, and gives its code: 0 is success. What an init with another code did is taken
// back, and such an agent cannot start.
func (h *Host) Init() int32 {
	h.t.Helper()
	before := h.kept.clone()
	h.isReady = false
	code := h.run(&turn{inInit: true}, func() int32 {
		// Those that an earlier init made end when it runs again.
		maps.DeleteFunc(h.kept.timers, func(_ caxton.Timer, it Timer) bool { return it.inInit })
		maps.DeleteFunc(h.kept.subscriptions, func(_ caxton.Subscription, it Subscription) bool { return it.inInit })
		return abi.Agent.Init()
	})
	if code != 0 {
		h.kept = before
		return code
	}
	h.capabilities = string(abi.Agent.GetCapabilities())
	h.isReady = true
	return 0
}

// start runs the agent's init if it has not run.
func (h *Host) start() {
	h.t.Helper()
	if h.isReady || h.turn != nil {
		return
	}
	if code := h.Init(); code != 0 {
		h.t.Fatalf("the agent cannot start: its init ended with %d; its log is: %v", code, h.logs)
	}
}

// Deliver gives a message to the agent, and gives the code of its handler: a *caxton.FipaMessage, or JSON as a
// string or bytes, or anything that encoding/json writes as a message. As in a real host it has a sender, a
// receiver, an id and a time, which are added where they are missing, and the usual spelling of its act.
func (h *Host) Deliver(message any) int32 {
	h.t.Helper()
	h.start()
	handled, data := h.stamp(message)
	return h.run(&turn{handled: handled}, func() int32 { return abi.Agent.HandleMessage(data) })
}

// DeliverRaw gives bytes to the agent as they are, also where they are no message, which no real host would do.
func (h *Host) DeliverRaw(data string) int32 {
	h.t.Helper()
	h.start()
	return h.run(&turn{}, func() int32 { return abi.Agent.HandleMessage([]byte(data)) })
}

// Request delivers a request of [SenderName] with this content, and with a reply_with of its own. The code is
// that of the handler.
func (h *Host) Request(content any) int32 {
	h.t.Helper()
	h.requests++
	return h.Deliver(&caxton.FipaMessage{
		Performative: caxton.ActRequest,
		Sender:       SenderName,
		Content:      content,
		Protocol:     "fipa-request",
		ReplyWith:    fmt.Sprintf("request-%d", h.requests),
	})
}

// Advance moves the time on. Timers that come due on the way fire in their order, each at its own time; their
// handlers' codes are given in that order.
func (h *Host) Advance(d time.Duration) (codes []int32) {
	h.t.Helper()
	h.start()
	until := h.now + d.Microseconds()
	for {
		next, found := h.nextTimer(until)
		if !found {
			h.now = max(h.now, until)
			return codes
		}
		if len(codes) == maxFired {
			h.t.Fatalf("%d timers have come due in %v, and there are more", maxFired, d)
		}
		h.now = max(h.now, next.Due)
		delete(h.kept.timers, next.ID)
		codes = append(codes, h.run(&turn{}, func() int32 { return abi.Agent.HandleTimer(uint32(next.ID)) }))
		h.start()
	}
}

// nextTimer is the one that comes due first, if one does until then.
func (h *Host) nextTimer(until int64) (next Timer, found bool) {
	for _, timer := range h.Timers() {
		if timer.Due <= until && (!found || timer.Due < next.Due) {
			next, found = timer, true
		}
	}
	return next, found
}

// Shutdown runs the agent's shutdown. The next delivery begins with its init.
func (h *Host) Shutdown() {
	h.t.Helper()
	h.start()
	h.run(&turn{}, func() int32 {
		abi.Agent.Shutdown()
		return 0
	})
	h.isReady = false
}

// Restart is a shutdown and an init: what the agent has stored stays, and its timers and subscriptions but
// those of its init. The code is that of the init.
func (h *Host) Restart() int32 {
	h.t.Helper()
	h.Shutdown()
	return h.Init()
}

// ExpectTrap runs a function in which the agent is to panic, or to break a limit that drops its turn, and gives
// the text. The test fails if nothing of the kind happens. A panic that is not expected ends the test.
func (h *Host) ExpectTrap(deliver func()) (text string) {
	h.t.Helper()
	if value, trapped := trap(deliver); trapped {
		text = fmt.Sprint(value)
		h.log(caxton.LevelError, "panic: %s", text)
		return text
	}
	h.t.Fatal("expected the turn to be dropped, and it has ended")
	return ""
}

func trap(deliver func()) (value any, trapped bool) {
	defer func() {
		if value = recover(); value != nil {
			trapped = true
		}
	}()
	deliver()
	return nil, false
}

// run runs one turn. Where it panics, what it did is taken back, and the agent's init runs before the next.
func (h *Host) run(turn *turn, work func() int32) int32 {
	h.t.Helper()
	if h.turn != nil {
		h.t.Fatal("the agent is in a turn; a handler cannot deliver to its own agent")
	}
	before := h.kept.clone()
	h.turn = turn
	hasEnded := false
	defer func() {
		h.turn = nil
		if !hasEnded {
			h.kept = before
			h.isReady = false
		}
	}()
	code := work()
	hasEnded = true
	return code
}

// stamp is a message as the host shows it to the agent.
func (h *Host) stamp(message any) (*caxton.FipaMessage, []byte) {
	h.t.Helper()
	var text []byte
	switch given := message.(type) {
	case string:
		text = []byte(given)
	case []byte:
		text = given
	default:
		var err error
		if text, err = json.Marshal(given); err != nil {
			h.t.Fatalf("the message cannot be written: %v", err)
		}
	}
	var fields map[string]json.RawMessage
	handled := new(caxton.FipaMessage)
	if err := json.Unmarshal(text, handled); err != nil {
		h.t.Fatalf("this is not a message: %s (%v)", text, err)
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		h.t.Fatalf("this is not a message: %s (%v)", text, err)
	}
	act, known := actOf(handled.Performative)
	if !known {
		h.t.Fatalf("%q is not one of FIPA's 22 communicative acts", handled.Performative)
	}
	h.messages++
	set := func(name string, value any) {
		fields[name], _ = json.Marshal(value)
	}
	set("performative", act)
	set("message_id", fmt.Sprintf("message-%d", h.messages))
	set("sent_at", h.now)
	if handled.Sender == "" {
		set("sender", SenderName)
	}
	if len(handled.Receiver) == 0 {
		set("receiver", AgentName)
	}
	data, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(data, handled)
	}
	if err != nil {
		h.t.Fatalf("the message cannot be delivered: %v", err)
	}
	return handled, data
}

// actOf is the usual spelling of an act, if it is one.
func actOf(performative string) (act string, known bool) {
	act = strings.ReplaceAll(strings.ToLower(performative), "_", "-")
	return act, slices.Contains(acts, act)
}

var acts = []string{
	caxton.ActAcceptProposal, caxton.ActAgree, caxton.ActCancel, caxton.ActCfp, caxton.ActConfirm,
	caxton.ActDisconfirm, caxton.ActFailure, caxton.ActInform, caxton.ActInformIf, caxton.ActInformRef,
	caxton.ActNotUnderstood, caxton.ActPropagate, caxton.ActPropose, caxton.ActProxy, caxton.ActQueryIf,
	caxton.ActQueryRef, caxton.ActRefuse, caxton.ActRejectProposal, caxton.ActRequest, caxton.ActRequestWhen,
	caxton.ActRequestWhenever, caxton.ActSubscribe,
}
