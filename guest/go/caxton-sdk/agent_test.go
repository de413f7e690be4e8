package caxton_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/caxtontest"
)

// newHost is a mock host for an agent that has nothing registered yet.
func newHost(t *testing.T) *caxtontest.Host {
	t.Helper()
	caxton.Forget()
	t.Cleanup(caxton.Forget)
	return caxtontest.New(t)
}

// handle registers one function for all messages.
func handle(t *testing.T, handler func(m *caxton.FipaMessage) error) *caxtontest.Host {
	t.Helper()
	host := newHost(t)
	caxton.OnMessage(handler)
	return host
}

func expectCode(t *testing.T, got, want int32) {
	t.Helper()
	if got != want {
		t.Errorf("the code is %d, expected %d", got, want)
	}
}

func TestRepliesFollowTheRule(t *testing.T) {
	host := handle(t, func(m *caxton.FipaMessage) error { return caxton.SendInformResponse(m, 1) })
	code := host.Deliver(`{"performative":"request","sender":"ada","reply_to":"eve","reply_with":"r","conversation_id":"c",
		"protocol":"fipa-request","ontology":"o","language":"l","encoding":"e","reply_by":1800000000000000,"content":0}`)
	expectCode(t, code, 0)
	answer := host.LastSent()
	answer.MessageID, answer.SentAt = "", 0
	caxtontest.SameJSON(t, answer, `{"performative":"inform","sender":"agent","receiver":"eve","in_reply_to":"r",
		"conversation_id":"c","protocol":"fipa-request","ontology":"o","language":"l","content":{"result":1}}`)

	host.Deliver(`{"performative":"request","sender":"ada"}`)
	answer = host.LastSent()
	answer.MessageID, answer.SentAt = "", 0
	caxtontest.SameJSON(t, answer, `{"performative":"inform","sender":"agent","receiver":"ada","content":{"result":1}}`)
}

func TestEachKindOfAnswer(t *testing.T) {
	host := handle(t, func(m *caxton.FipaMessage) error {
		return errors.Join(
			caxton.SendReply(m, caxton.ActAgree, nil),
			caxton.SendInformResponse(m, map[string]any{"n": 1}),
			caxton.SendInformResponse(m, nil),
			caxton.SendFailure(m, "too \"late\""),
			caxton.SendNotUnderstood(m),
			caxton.SendNotUnderstood(m, "what?"),
			caxton.SendReply(m, caxton.ActPropose, []int{1}),
		)
	})
	expectCode(t, host.Request(map[string]string{"action": "dance"}), 0)
	want := []string{
		`agree null`, `inform {"result":{"n":1}}`, `inform {"result":null}`, `failure {"error":"too \"late\""}`,
		`not-understood {"error":"Unknown action: dance"}`, `not-understood {"error":"what?"}`, `propose [1]`,
	}
	for i, m := range host.Sent() {
		content := "null"
		if m.Content != nil {
			content = string(m.Content.(json.RawMessage))
		}
		if got := m.Performative + " " + content; got != want[i] {
			t.Errorf("expected %s, got %s", want[i], got)
		}
	}
}

func TestNobodyToAnswer(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error { return errors.New("broken") })
	expectCode(t, host.DeliverRaw(`{"performative":"request"}`), 1)
	unsent := "the answer failure to nobody was not sent: it has neither a reply_to nor a sender"
	if len(host.Sent()) > 0 || !host.HasLog(caxton.LevelError, unsent) {
		t.Errorf("sent %v, log %v", host.Sent(), host.Logs())
	}
}

func TestARefusalOfTheHostIsAFailure(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error { return caxton.Store("k", 1) })
	host.Fail("store_data", caxton.ErrLimitExceeded)
	expectCode(t, host.Request(nil), 1)
	caxtontest.SameJSON(t, host.LastSent().Content, fmt.Sprintf(`{"error":%q}`, caxton.ErrLimitExceeded.Error()))
	if host.LastSent().Performative != caxton.ActFailure || !host.HasLog(caxton.LevelError, `store_data "k": limit`) {
		t.Errorf("got %v, log %v", host.LastSent(), host.Logs())
	}
}

func TestErrorsBecomeAnswers(t *testing.T) {
	for _, one := range []struct {
		err  error
		act  string
		text string
	}{
		{errors.New("no ink"), caxton.ActFailure, "no ink"},
		{caxton.NotUnderstood("what?"), caxton.ActNotUnderstood, "what?"},
		{caxton.Refuse("too busy"), caxton.ActRefuse, "too busy"},
		{fmt.Errorf("printing: %w", caxton.Refuse("no ink")), caxton.ActRefuse, "printing: no ink"},
	} {
		t.Run(one.text, func(t *testing.T) {
			host := handle(t, func(*caxton.FipaMessage) error { return one.err })
			expectCode(t, host.Request(nil), 1)
			answer := host.LastSent()
			caxtontest.SameJSON(t, answer.Content, fmt.Sprintf(`{"error":%q}`, one.text))
			if answer.Performative != one.act || answer.InReplyTo != "request-1" {
				t.Errorf("got %v", answer)
			}
			// Two agents must not feed each other errors for ever.
			for _, act := range []string{caxton.ActInform, caxton.ActFailure, caxton.ActNotUnderstood} {
				host.ForgetSent()
				expectCode(t, host.Deliver(&caxton.FipaMessage{Performative: act}), 1)
				if len(host.Sent()) > 0 || !host.HasLog(caxton.LevelError, act+": "+one.text) {
					t.Errorf("sent %v, log %v", host.Sent(), host.Logs())
				}
			}
		})
	}
}

func TestWhereMessagesGo(t *testing.T) {
	host := newHost(t)
	var handled []string
	caxton.RegisterHandler("a", func(*caxton.FipaMessage) error { t.Error("it has been replaced"); return nil })
	caxton.RegisterHandler("a", func(m *caxton.FipaMessage) error { handled = append(handled, "a"); return nil })
	caxton.RegisterHandler("b", func(m *caxton.FipaMessage) error { handled = append(handled, "b"); return nil })
	host.Request(map[string]string{"action": "a"})
	host.Request(map[string]string{"action": "b"})
	expectCode(t, host.Request(map[string]string{"action": "c"}), 1)
	caxtontest.SameJSON(t, host.LastSent().Content, `{"error":"Unknown action: c"}`)
	expectCode(t, host.Request("a"), 1)
	caxtontest.SameJSON(t, host.LastSent().Content, `{"error":"No action given"}`)
	expectCode(t, host.Deliver(`{"performative":"QUERY_IF","content":{"action":"a"}}`), 1)
	caxtontest.SameJSON(t, host.LastSent().Content, `{"error":"Unsupported performative: query-if"}`)
	host.ForgetSent()
	for _, act := range []string{"inform", "failure", "not-understood"} {
		expectCode(t, host.Deliver(map[string]any{"performative": act, "content": map[string]string{"action": "a"}}), 0)
	}
	if len(host.Sent()) > 0 || strings.Join(handled, "") != "ab" {
		t.Errorf("sent %v, handled %v", host.Sent(), handled)
	}

	caxton.OnMessage(func(m *caxton.FipaMessage) error {
		handled = append(handled, m.Performative)
		return caxton.HandleOther(m)
	})
	expectCode(t, host.Request(map[string]string{"action": "a"}), 0)
	expectCode(t, host.Request(map[string]string{"action": "c"}), 1)
	expectCode(t, host.Deliver(`{"performative":"inform"}`), 0)
	if strings.Join(handled, " ") != "a b a request inform" || len(host.Sent()) != 1 {
		t.Errorf("sent %v, handled %v", host.Sent(), handled)
	}
}

func TestUnreadableMessage(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error { t.Error("it was read"); return nil })
	expectCode(t, host.DeliverRaw(`{"performative":`), 1)
	if !host.HasLog(caxton.LevelError, "the message cannot be read: ") || len(host.Sent()) > 0 {
		t.Errorf("sent %v, log %v", host.Sent(), host.Logs())
	}
}

func TestInit(t *testing.T) {
	host := newHost(t)
	expectCode(t, host.Init(), 1)
	if !host.HasLog(caxton.LevelError, "do so in func init()") {
		t.Errorf("log: %v", host.Logs())
	}
	broken := true
	caxton.OnInit(func() error {
		caxton.ConsoleLog("starting")
		if err := caxton.Store("begun", true); err != nil || !broken {
			return err
		}
		return errors.New("no configuration")
	})
	expectCode(t, host.Init(), 1)
	if _, found := host.Stored("begun"); found || !host.HasLog(caxton.LevelError, "no configuration") {
		t.Errorf("stored: %v, log: %v", found, host.Logs())
	}
	broken = false
	expectCode(t, host.Init(), 0)
	if value, found := host.Stored("begun"); !found || value != "true" {
		t.Errorf("stored: %q", value)
	}
}

func TestCapabilities(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error { return nil })
	if said := host.Capabilities(); said != "" {
		t.Errorf("got %s", said)
	}
	caxton.Capabilities(caxton.AgentCapabilities{Version: "1", Services: []caxton.ServiceDescription{{Name: "a"}}})
	expectCode(t, host.Init(), 0)
	if said := host.Capabilities(); said != `{"version":"1","services":[{"name":"a"}]}` {
		t.Errorf("got %s", said)
	}
	full := `{"version":"1","performatives":["request"],"protocols":["fipa-request"],"ontologies":["o"],
		"resource_requirements":{"min_memory_mb":16,"preferred_memory_mb":32,"cpu_intensive":true,
			"network_access":true,"persistence_needed":true},
		"services":[{"name":"a","description":"d","input_schema":{"type":"object"},"output_schema":{},
			"estimated_latency_ms":1}]}`
	var all caxton.AgentCapabilities
	if err := json.Unmarshal([]byte(full), &all); err != nil {
		t.Fatal(err)
	}
	caxtontest.SameJSON(t, all, full)
	all.Services[0].InputSchema = json.RawMessage(`{"type"`)
	caxton.Capabilities(all)
	expectCode(t, host.Init(), 1)
	if !host.HasLog(caxton.LevelError, "the capabilities cannot be written") {
		t.Errorf("log: %v", host.Logs())
	}
}

func TestTimersAndShutdown(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error {
		_, err := caxton.SetTimer(1000)
		return err
	})
	expectCode(t, host.Request(nil), 1)
	caxtontest.SameJSON(t, host.LastSent().Content,
		`{"error":"set_timer: nothing would be called; give a function to OnTimer first"}`)
	caxton.OnTimer(func(timer caxton.Timer) error {
		caxton.Log(caxton.LevelDebug, fmt.Sprintf("timer %d at %d", timer, caxton.CurrentTimestamp()-caxtontest.Start))
		return errors.New("out of time")
	})
	expectCode(t, host.Request(nil), 0)
	if codes := host.Advance(time.Second); len(codes) != 1 || codes[0] != 1 {
		t.Errorf("got %v", codes)
	}
	if !host.HasLog(caxton.LevelDebug, "timer 1 at 1000") || !host.HasLog(caxton.LevelError, "out of time") {
		t.Errorf("log: %v", host.Logs())
	}
	host.Shutdown()
	caxton.OnShutdown(func() error { return errors.New("not now") })
	host.Shutdown()
	if !host.HasLog(caxton.LevelError, "agent_shutdown: not now") {
		t.Errorf("log: %v", host.Logs())
	}
}

func TestTimerOfEarlierCode(t *testing.T) {
	host := handle(t, func(*caxton.FipaMessage) error { _, err := caxton.SetTimer(0); return err })
	caxton.OnTimer(func(caxton.Timer) error { return nil })
	host.Request(nil)
	caxton.OnTimer(nil)
	if codes := host.Advance(0); len(codes) != 1 || codes[0] != 1 || !host.HasLog(caxton.LevelWarn, "OnTimer") {
		t.Errorf("got %v, log %v", codes, host.Logs())
	}
}
