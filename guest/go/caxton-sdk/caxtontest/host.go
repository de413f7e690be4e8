//go:build !wasip1

// Package caxtontest tests agents without the runtime: a mock host that delivers messages and timers to the
// agent of the program, and shows what it sent, stored, set and logged.
//
//	func TestGreeting(t *testing.T) {
//		host := caxtontest.New(t)
//		host.Request(map[string]any{"action": "greet", "name": "Ada"})
//		caxtontest.SameJSON(t, host.LastSent().Content, `{"result": "Hello, Ada!"}`)
//	}
//
// The mock host behaves as the real one: what a turn sends and stores is there at once for the turn itself and
// counts when it has ended, a panic takes it back, refused calls give the host's codes, and the default limits
// hold. It has no memory limit, no grants and no mailboxes, and a turn's time is only what it sleeps. Between a
// restart and what was before, an agent's package variables keep their values, which in a real host they do not.
//
// There is one mock host at a time, so tests with one cannot run in parallel.
package caxtontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/internal/abi"
)

const (
	// AgentName is the name of the agent that is tested.
	AgentName = "agent"
	// SenderName is who sends a message that names no sender.
	SenderName = "tester"
	// Start is the time at which a mock host begins: the first of January 2026, in microseconds since 1970.
	Start = 1_767_225_600_000_000
)

// Host is a mock host with one agent, the one whose functions the program has registered.
type Host struct {
	t testing.TB
	// kept is what a dropped turn takes back.
	kept kept
	// turn is the one that runs now, if one does.
	turn *turn
	// isReady says whether the agent's init has run in this instance.
	isReady      bool
	capabilities string
	now          int64
	logs         []Line
	failing      map[string]caxton.Code
	agents       map[string][]string
	random       *rand.Rand
	nextRandom   []uint32
	bucket       bucket
	// Numbers that have been given out.
	messages, timers, subscriptions, requests int
}

// kept is what an agent's turns change.
type kept struct {
	sent          []*caxton.FipaMessage
	data          map[string]string
	timers        map[caxton.Timer]Timer
	subscriptions map[caxton.Subscription]Subscription
}

func (k kept) clone() kept {
	return kept{slices.Clone(k.sent), maps.Clone(k.data), maps.Clone(k.timers), maps.Clone(k.subscriptions)}
}

// Timer is a timer that has been set and has not come due.
type Timer struct {
	// ID is what handle_timer is called with.
	ID caxton.Timer
	// Micros is the delay that was asked for, in microseconds.
	Micros int64
	// Due is when it comes due, in microseconds since 1970.
	Due    int64
	inInit bool
}

// Subscription is a subscription that the agent has.
type Subscription struct {
	// ID is the host's.
	ID caxton.Subscription
	// Filter is what was subscribed to.
	Filter caxton.Filter
	inInit bool
}

// Line is a line of the agent's log.
type Line struct {
	Level caxton.LogLevel
	Text  string
}

// New makes a mock host for the time of a test. The agent's init runs before the first delivery, unless
// [Host.Init] has run it earlier.
func New(t testing.TB) *Host {
	t.Helper()
	if abi.Current != nil {
		t.Fatal("there is a mock host already; tests with one cannot run in parallel")
	}
	h := &Host{
		t: t,
		kept: kept{
			data:          map[string]string{},
			timers:        map[caxton.Timer]Timer{},
			subscriptions: map[caxton.Subscription]Subscription{},
		},
		now:     Start,
		failing: map[string]caxton.Code{},
		agents:  map[string][]string{},
		random:  rand.New(rand.NewPCG(1, 1)),
		bucket:  bucket{tokens: maxMessagesPerSecond, at: Start},
	}
	abi.Current = calls{h}
	t.Cleanup(func() { abi.Current = nil })
	return h
}

// Sent is the messages that the agent has sent, the earliest first, as their receivers see them: with the
// agent's name as the sender. The receiver of a broadcast is "*". What a turn that runs has sent is among them.
func (h *Host) Sent() []*caxton.FipaMessage { return slices.Clone(h.kept.sent) }

// LastSent is the message that the agent sent last. The test fails if it has sent none.
func (h *Host) LastSent() *caxton.FipaMessage {
	h.t.Helper()
	if len(h.kept.sent) == 0 {
		h.t.Fatalf("the agent has sent nothing; its log is: %v", h.logs)
	}
	return h.kept.sent[len(h.kept.sent)-1]
}

// ForgetSent begins the list of what the agent has sent anew.
func (h *Host) ForgetSent() { h.kept.sent = nil }

// Stored is the value under a key of the agent's data, and whether there is one.
func (h *Host) Stored(key string) (value string, found bool) {
	value, found = h.kept.data[key]
	return value, found
}

// StoredKeys is the keys of the agent's data, in alphabetical order.
func (h *Host) StoredKeys() []string { return slices.Sorted(maps.Keys(h.kept.data)) }

// Store puts a value under a key of the agent's data, as JSON. A deployer's configuration is under "config".
func (h *Host) Store(key string, value any) {
	h.t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		h.t.Fatalf("the value for %q cannot be written: %v", key, err)
	}
	h.kept.data[key] = string(data)
}

// Timers is the timers that have not come due, the earliest set first.
func (h *Host) Timers() []Timer {
	ids := slices.Sorted(maps.Keys(h.kept.timers))
	timers := make([]Timer, len(ids))
	for i, id := range ids {
		timers[i] = h.kept.timers[id]
	}
	return timers
}

// Subscriptions is the subscriptions that the agent has, the earliest first.
func (h *Host) Subscriptions() []Subscription {
	ids := slices.Sorted(maps.Keys(h.kept.subscriptions))
	subscriptions := make([]Subscription, len(ids))
	for i, id := range ids {
		subscriptions[i] = h.kept.subscriptions[id]
	}
	return subscriptions
}

// Logs is the agent's log. A dropped turn's lines are in it, as in a real host's.
func (h *Host) Logs() []Line { return slices.Clone(h.logs) }

// HasLog says whether a line of this level has the text in it.
func (h *Host) HasLog(level caxton.LogLevel, text string) bool {
	return slices.ContainsFunc(h.logs, func(line Line) bool {
		return line.Level == level && strings.Contains(line.Text, text)
	})
}

// Capabilities is what the agent said of itself after its init, as JSON; empty if it said nothing.
func (h *Host) Capabilities() string {
	h.t.Helper()
	h.start()
	return h.capabilities
}

// Now is the mock host's time, in microseconds since 1970. Only [Host.Advance] and an agent's sleep move it.
func (h *Host) Now() int64 { return h.now }

// AddAgent makes another agent known, with its capabilities: for SendLocalMessage, which finds any until then,
// and BroadcastMessage. Its capabilities are its services too.
func (h *Host) AddAgent(name string, capabilities ...string) { h.agents[name] = capabilities }

// NextRandom says which numbers RandomU32 gives next. After them they are random, but the same in every run.
func (h *Host) NextRandom(numbers ...uint32) { h.nextRandom = append(h.nextRandom, numbers...) }

// Fail has a function of the host refuse with a code from now on, such as "store_data" with
// [caxton.ErrLimitExceeded]; with 0 it works again. A set_timer that is refused gives 0, whatever the code.
func (h *Host) Fail(call string, code caxton.Code) {
	h.t.Helper()
	if !slices.Contains(refusable, call) {
		h.t.Fatalf("%q is no function of the host that refuses; these do: %s", call, strings.Join(refusable, ", "))
	}
	if code > 0 {
		h.t.Fatalf("the host's codes are below 0, and %d is not", int32(code))
	}
	h.failing[call] = code
}

func (h *Host) log(level caxton.LogLevel, format string, values ...any) {
	text := strings.ToValidUTF8(fmt.Sprintf(format, values...), "\uFFFD")
	h.logs = append(h.logs, Line{level, text})
}

// SameJSON fails the test unless a value, written as JSON, is the same as the JSON that is wanted, whatever the
// order of keys.
func SameJSON(t testing.TB, got any, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatalf("what came cannot be written as JSON: %v", err)
	}
	if !reflect.DeepEqual(read(t, text), read(t, []byte(want))) {
		t.Errorf("expected %s, got %s", want, text)
	}
}

func read(t testing.TB, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("this is no JSON: %s (%v)", text, err)
	}
	return value
}
