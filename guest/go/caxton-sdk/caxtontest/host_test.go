package caxtontest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/caxtontest"
)

// begin is a mock host with an agent of one function.
func begin(t *testing.T, handler func(m *caxton.FipaMessage) error) *caxtontest.Host {
	t.Helper()
	caxton.OnInit(nil)
	caxton.OnTimer(func(caxton.Timer) error { return nil })
	caxton.OnMessage(handler)
	return caxtontest.New(t)
}

func TestMessagesAreStamped(t *testing.T) {
	var got *caxton.FipaMessage
	host := begin(t, func(m *caxton.FipaMessage) error { got = m; return nil })
	host.Deliver(map[string]any{"performative": "Query_If", "sender": nil, "content": nil, "sent_at": 5, "message_id": "x"})
	caxtontest.SameJSON(t, got, `{"performative":"query-if","sender":"tester","receiver":"agent","message_id":"message-1",
		"sent_at":1767225600000000}`)
	host.Deliver([]byte(`{"performative":"inform","sender":"ada","receiver":["topic:a","b"],"x":1}`))
	caxtontest.SameJSON(t, got, `{"performative":"inform","sender":"ada","receiver":["topic:a","b"],
		"message_id":"message-2","sent_at":1767225600000000}`)
}

func TestDroppedTurn(t *testing.T) {
	inits := 0
	host := begin(t, func(m *caxton.FipaMessage) error {
		if err := caxton.Store("k", inits); err != nil {
			t.Error(err)
		}
		caxton.ConsoleLog("about to")
		_, timer := caxton.SetTimer(1)
		_, subscription := caxton.SubscribeMessages(caxton.Filter{})
		if err := errors.Join(timer, subscription, caxton.SendInformResponse(m, 1)); err != nil {
			t.Error(err)
		}
		if m.Content != nil {
			var missing []int
			return caxton.SendInformResponse(m, missing[inits])
		}
		return nil
	})
	caxton.OnInit(func() error { inits++; return nil })
	text := host.ExpectTrap(func() { host.Request("panic") })
	if !strings.Contains(text, "index out of range [1]") || !host.HasLog(caxton.LevelError, text) ||
		!host.HasLog(caxton.LevelInfo, "about to") {
		t.Errorf("got %q, log %v", text, host.Logs())
	}
	if len(host.Sent())+len(host.StoredKeys())+len(host.Timers())+len(host.Subscriptions()) > 0 {
		t.Error("something was kept")
	}
	host.Request(nil)
	if inits != 2 || len(host.Sent()) != 1 || len(host.Timers()) != 1 || len(host.Subscriptions()) != 1 {
		t.Errorf("%d inits, sent %v", inits, host.Sent())
	}
}

func TestLimitsOfATurn(t *testing.T) {
	host := begin(t, func(m *caxton.FipaMessage) error {
		if m.Content == nil {
			for {
				caxton.RandomU32()
			}
		}
		for range 3 {
			caxton.SleepMicros(400_000)
		}
		return nil
	})
	if text := host.ExpectTrap(func() { host.Request(nil) }); !strings.Contains(text, "1000 host calls") {
		t.Errorf("got %q", text)
	}
	if text := host.ExpectTrap(func() { host.Request(1) }); !strings.Contains(text, "1000000 microseconds") {
		t.Errorf("got %q", text)
	}
}

func TestRateOfMessages(t *testing.T) {
	sent := 0
	host := begin(t, func(m *caxton.FipaMessage) error {
		if err := caxton.SendInformResponse(m, 1); err != nil {
			return err
		}
		for sent = 0; ; sent++ {
			err := caxton.SendMessage(&caxton.FipaMessage{Performative: "inform", Receiver: caxton.To("a")})
			if err != nil {
				return err
			}
		}
	})
	for _, want := range []int{100, 0, 50} {
		if want == 50 {
			host.Advance(500 * time.Millisecond)
		}
		if host.Request(nil); sent != want {
			t.Errorf("sent %d, expected %d", sent, want)
		}
	}
}

func TestCounts(t *testing.T) {
	host := begin(t, func(m *caxton.FipaMessage) error {
		timers, subscriptions := 0, 0
		for ; timers < 300; timers++ {
			if _, err := caxton.SetTimer(5); err != nil {
				break
			}
		}
		for {
			if _, err := caxton.SubscribeMessages(caxton.Filter{}); err != nil {
				break
			}
			subscriptions++
		}
		return caxton.SendInformResponse(m, []int{timers, subscriptions})
	})
	for _, want := range []string{"[300,64]", "[300,0]", "[300,0]", "[124,0]"} {
		host.Request(nil)
		caxtontest.SameJSON(t, host.LastSent().Content, `{"result":`+want+`}`)
	}
}

func TestRestart(t *testing.T) {
	host := begin(t, func(*caxton.FipaMessage) error { _, err := caxton.SetTimer(7); return err })
	caxton.OnInit(func() error {
		_, timer := caxton.SetTimer(5)
		_, subscription := caxton.SubscribeMessages(caxton.Filter{})
		return errors.Join(timer, subscription)
	})
	caxton.OnShutdown(func() error { return caxton.Store("ended", true) })
	t.Cleanup(func() { caxton.OnShutdown(nil) })
	host.Store("config", map[string]int{"price": 5})
	host.Request(nil)
	if code := host.Restart(); code != 0 {
		t.Errorf("got %d", code)
	}
	timers := host.Timers()
	if len(timers) != 2 || timers[0].ID != 2 || timers[1].ID != 3 || len(host.Subscriptions()) != 1 {
		t.Errorf("got %v, %v", timers, host.Subscriptions())
	}
	if keys := strings.Join(host.StoredKeys(), " "); keys != "config ended" {
		t.Errorf("got %s", keys)
	}
}

func TestTimersThatSetTimers(t *testing.T) {
	var at []int64
	host := begin(t, func(*caxton.FipaMessage) error { _, err := caxton.SetTimer(10); return err })
	caxton.OnTimer(func(caxton.Timer) error {
		at = append(at, caxton.CurrentTimestamp()-caxtontest.Start)
		_, err := caxton.SetTimer(10)
		return err
	})
	host.Request(nil)
	if codes := host.Advance(35 * time.Microsecond); len(codes) != 3 || at[2] != 30 || host.Now() != caxtontest.Start+35 {
		t.Errorf("got %v at %v, now %d", codes, at, host.Now())
	}
}

// failures collects what a test that is to fail says.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, values ...any) { f.said = append(f.said, format) }

func (f *failures) Fatalf(format string, values ...any) { panic(format) }

func TestSameJSON(t *testing.T) {
	caxtontest.SameJSON(t, map[string]any{"a": 1, "b": []any{nil, "x"}}, ` {"b": [null, "x"], "a": 1}`)
	fake := &failures{TB: t}
	caxtontest.SameJSON(fake, 1, "2")
	caxtontest.SameJSON(fake, map[string]int{}, `{"a":null}`)
	if len(fake.said) != 2 {
		t.Errorf("got %v", fake.said)
	}
}
