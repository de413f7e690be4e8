package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/caxtontest"
)

// object is a JSON object.
type object map[string]any

// expect fails the test unless the agent has ended with this code, and its only answer since the last has this
// act and this content.
func expect(t *testing.T, host *caxtontest.Host, code, wantedCode int32, act string, content any) {
	t.Helper()
	if code != wantedCode {
		t.Errorf("expected the code %d, got %d", wantedCode, code)
	}
	sent := host.Sent()
	host.ForgetSent()
	if len(sent) != 1 || sent[0].Performative != act || sent[0].Receiver.String() != caxtontest.SenderName ||
		!strings.HasPrefix(sent[0].InReplyTo, "request-") {
		t.Fatalf("expected one %s in answer, got %v", act, sent)
	}
	wanted, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	caxtontest.SameJSON(t, sent[0].Content, string(wanted))
}

func expectError(t *testing.T, host *caxtontest.Host, code int32, act, text string) {
	t.Helper()
	expect(t, host, code, 1, act, object{"error": text})
}

func TestItSaysThatItIsReadyAndWhatItCanDo(t *testing.T) {
	host := caxtontest.New(t)
	said := host.Capabilities()
	if lines := host.Logs(); len(lines) != 1 || !host.HasLog(caxton.LevelInfo, "my-agent is ready") {
		t.Errorf("its log is: %v", lines)
	}
	if said != `{"version":"0.1.0","performatives":["request"],"services":[{"name":"greeting"}]}` {
		t.Errorf("it can do %s", said)
	}
}

func TestItGreetsAndCounts(t *testing.T) {
	host := caxtontest.New(t)
	for i, name := range []string{"Ada", `Zoë "🙂"`} {
		code := host.Request(object{"action": "greet", "name": name})
		result := object{"greeting": "Hello, " + name + "!", "greeted": i + 1}
		expect(t, host, code, 0, "inform", object{"result": result})
		host.Restart()
	}
	if greeted, _ := host.Stored("greeted"); greeted != "2" {
		t.Errorf("stored is %q", greeted)
	}
}

func TestItNeedsAName(t *testing.T) {
	host := caxtontest.New(t)
	for _, content := range []object{{}, {"name": ""}, {"name": 5}, {"name": nil}, {"Name": "Ada"}} {
		content["action"] = "greet"
		code := host.Request(content)
		expectError(t, host, code, "failure", `Expected a name, as in {"action": "greet", "name": "Ada"}`)
	}
	if keys := host.StoredKeys(); len(keys) > 0 {
		t.Errorf("its data are %v", keys)
	}
}

func TestItFailsWhereItCannotCount(t *testing.T) {
	host := caxtontest.New(t)
	host.Fail("store_data", caxton.ErrLimitExceeded)
	code := host.Request(object{"action": "greet", "name": "Ada"})
	expectError(t, host, code, "failure", caxton.ErrLimitExceeded.Error())
}

func TestItReminds(t *testing.T) {
	host := caxtontest.New(t)
	code := host.Request(object{"action": "remind", "after_micros": 1000, "text": "tea"})
	expect(t, host, code, 0, "agree", nil)
	timers := host.Timers()
	if len(timers) != 1 || timers[0].Micros != 1000 {
		t.Fatalf("its timers are %v", timers)
	}
	if keys := host.StoredKeys(); !slices.Equal(keys, []string{reminderKey(timers[0].ID)}) {
		t.Errorf("its data are %v", keys)
	}
	// What waits is stored, so a fresh instance goes on.
	host.Restart()
	if codes := host.Advance(999 * time.Microsecond); len(codes) > 0 {
		t.Errorf("it rang too early: %v", codes)
	}
	codes := host.Advance(time.Microsecond)
	if len(codes) != 1 {
		t.Fatalf("it rang %d times", len(codes))
	}
	expect(t, host, codes[0], 0, "inform", object{"result": object{"reminder": "tea"}})
	if keys := host.StoredKeys(); len(keys) > 0 {
		t.Errorf("its data are %v", keys)
	}
}

func TestItNeedsMicrosecondsAndAText(t *testing.T) {
	host := caxtontest.New(t)
	for _, content := range []object{
		{"text": "tea"},
		{"after_micros": -1, "text": "tea"},
		{"after_micros": 1.5, "text": "tea"},
		{"after_micros": "1000", "text": "tea"},
		{"after_micros": 1 << 53, "text": "tea"},
		{"after_micros": 1000},
		{"after_micros": 1000, "text": 5},
	} {
		content["action"] = "remind"
		code := host.Request(content)
		expectError(t, host, code, "failure", `Expected microseconds and a text, `+
			`as in {"action": "remind", "after_micros": 1000, "text": "tea"}`)
	}
	if timers := host.Timers(); len(timers) > 0 {
		t.Errorf("its timers are %v", timers)
	}
}

func TestItFailsWhereItCannotRemind(t *testing.T) {
	for _, call := range []string{"set_timer", "store_data"} {
		t.Run(call, func(t *testing.T) {
			host := caxtontest.New(t)
			host.Fail(call, caxton.ErrLimitExceeded)
			code := host.Request(object{"action": "remind", "after_micros": 1000, "text": "tea"})
			expectError(t, host, code, "failure", caxton.ErrLimitExceeded.Error())
			if timers, keys := host.Timers(), host.StoredKeys(); len(timers)+len(keys) > 0 {
				t.Errorf("its timers are %v, its data %v", timers, keys)
			}
		})
	}
}

func TestItUnderstandsNoOtherActionsAndActs(t *testing.T) {
	host := caxtontest.New(t)
	code := host.Request(object{"action": "dance"})
	expectError(t, host, code, "not-understood", "Unknown action: dance")
	for _, content := range []any{object{}, object{"action": 5}, "greet", nil} {
		code := host.Request(content)
		expectError(t, host, code, "not-understood", "No action given")
	}
	for _, act := range []string{caxton.ActQueryIf, caxton.ActAgree, caxton.ActRefuse} {
		content := object{"action": "greet", "name": "Ada"}
		code := host.Deliver(&caxton.FipaMessage{Performative: act, ReplyWith: "request-" + act, Content: content})
		expectError(t, host, code, "not-understood", fmt.Sprintf("Unsupported performative: %s", act))
	}
}

func TestItDoesNotAnswerWhatEndsAnExchange(t *testing.T) {
	host := caxtontest.New(t)
	for _, act := range []string{caxton.ActInform, caxton.ActFailure, caxton.ActNotUnderstood} {
		message := &caxton.FipaMessage{Performative: act, Content: object{"action": "greet"}}
		if code := host.Deliver(message); code != 0 || len(host.Sent()) > 0 {
			t.Errorf("%s: got %d and %v", act, code, host.Sent())
		}
	}
}

func TestItLogsWhatItCannotRead(t *testing.T) {
	host := caxtontest.New(t)
	code := host.DeliverRaw(`{`)
	if code != 1 || len(host.Sent()) > 0 || !host.HasLog(caxton.LevelError, "the message cannot be read: ") {
		t.Errorf("got %d, sent %v, and its log is: %v", code, host.Sent(), host.Logs())
	}
}
