package caxton_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/caxtontest"
)

// in runs a piece of code in a turn of an agent.
func in(t *testing.T, host *caxtontest.Host, work func()) {
	t.Helper()
	caxton.OnMessage(func(*caxton.FipaMessage) error { work(); return nil })
	host.Deliver(`{"performative":"inform"}`)
}

func expectError(t *testing.T, err error, want caxton.Code, says ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("expected %v, got %v", want, err)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}

func inform(receivers ...string) *caxton.FipaMessage {
	return &caxton.FipaMessage{Performative: caxton.ActInform, Receiver: caxton.To(receivers...)}
}

func TestSending(t *testing.T) {
	host := newHost(t)
	host.AddAgent("bob", "paint")
	host.AddAgent("eve", "paint", "print")
	in(t, host, func() {
		m := inform("bob", "topic:news")
		m.Content = map[string]any{"a": 1}
		if err := caxton.SendMessage(m); err != nil {
			t.Error(err)
		}
		if err := caxton.SendLocalMessage("bob", inform()); err != nil {
			t.Error(err)
		}
		expectError(t, caxton.SendLocalMessage("zoe", inform()), caxton.ErrNotFound, "send_local_message", `"zoe"`)
		for want, filter := range map[int]caxton.Filter{
			2: {},
			1: {Capabilities: []string{"paint", "print"}},
			0: {Services: []string{"dance"}},
		} {
			count, err := caxton.BroadcastMessage(filter, inform())
			if err != nil || count != want {
				t.Errorf("expected %d, got %d (%v)", want, count, err)
			}
		}
	})
	sent := host.Sent()
	if len(sent) != 5 || sent[0].Receiver.String() != "bob, topic:news" || sent[1].Receiver.String() != "bob" ||
		sent[4].Receiver.String() != "*" || sent[0].Sender != "agent" {
		t.Errorf("sent %v", sent)
	}
}

func TestRefusedMessages(t *testing.T) {
	host := newHost(t)
	in(t, host, func() {
		expectError(t, caxton.SendMessage(&caxton.FipaMessage{Performative: "inform"}), caxton.ErrInvalidArgument,
			"send_message: invalid argument", "log says more")
		expectError(t, caxton.SendMessage(&caxton.FipaMessage{Receiver: caxton.To("a")}), caxton.ErrInvalidArgument)
		m := inform("a")
		m.Performative = "shout"
		expectError(t, caxton.SendMessage(m), caxton.ErrInvalidArgument)
		m = inform("a")
		m.ReplyBy = -1
		expectError(t, caxton.SendMessage(m), caxton.ErrInvalidArgument)
		m = inform("a")
		m.Sender = "ada"
		expectError(t, caxton.SendMessage(m), caxton.ErrPermissionDenied)
		m.Sender = "agent"
		if err := caxton.SendMessage(m); err != nil {
			t.Error(err)
		}
		m.Content = strings.Repeat("x", 1<<20)
		expectError(t, caxton.SendMessage(m), caxton.ErrLimitExceeded)
		m.Content = math.NaN()
		if err := caxton.SendMessage(m); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("got %v", err)
		}
		_, err := caxton.BroadcastMessage(caxton.Filter{Performative: []string{"shout"}}, inform())
		expectError(t, err, caxton.ErrInvalidArgument)
	})
	if len(host.Sent()) != 1 || !host.HasLog(caxton.LevelWarn, `in the name of "ada"`) {
		t.Errorf("sent %v, log %v", host.Sent(), host.Logs())
	}
}

func TestEveryCodeIsSurfaced(t *testing.T) {
	host := newHost(t)
	caxton.OnTimer(func(caxton.Timer) error { return nil })
	for call, function := range map[string]func() error{
		"send_message":         func() error { return caxton.SendMessage(inform("a")) },
		"send_local_message":   func() error { return caxton.SendLocalMessage("a", inform()) },
		"broadcast_message":    func() error { _, err := caxton.BroadcastMessage(caxton.Filter{}, inform()); return err },
		"subscribe_messages":   func() error { _, err := caxton.SubscribeMessages(caxton.Filter{}); return err },
		"unsubscribe_messages": func() error { return caxton.UnsubscribeMessages(1) },
		"cancel_timer":         func() error { return caxton.CancelTimer(1) },
		"store_data":           func() error { return caxton.StoreData("k", nil) },
		"load_data":            func() error { _, err := caxton.LoadData("there"); return err },
		"delete_data":          func() error { return caxton.DeleteData("k") },
		"data_size":            func() error { _, err := caxton.DataSize("k"); return err },
	} {
		host.Store("there", 1)
		for code := caxton.ErrMailboxFull - 1; code <= caxton.ErrNotFound; code++ {
			host.Fail(call, code)
			err := function()
			expectError(t, err, code, call, code.Error())
			var refused *caxton.HostError
			if !errors.As(err, &refused) || refused.Call != call || refused.Code != code {
				t.Errorf("got %#v", err)
			}
		}
		host.Fail(call, 0)
	}
	host.Fail("set_timer", caxton.ErrLimitExceeded)
	_, err := caxton.SetTimer(1)
	expectError(t, err, caxton.ErrLimitExceeded, "set_timer")
	_, err = caxton.SetTimer(-1)
	expectError(t, err, caxton.ErrInvalidArgument, "-1 microseconds")
}

func TestSubscriptions(t *testing.T) {
	host := newHost(t)
	in(t, host, func() {
		id, err := caxton.SubscribeMessages(caxton.Filter{Topic: []string{"news"}})
		if err != nil || id <= 0 {
			t.Errorf("got %d (%v)", id, err)
		}
		if _, err := caxton.SubscribeMessages(caxton.Filter{}); err != nil {
			t.Error(err)
		}
		if err := caxton.UnsubscribeMessages(id); err != nil {
			t.Error(err)
		}
		expectError(t, caxton.UnsubscribeMessages(id), caxton.ErrNotFound)
	})
	if subscriptions := host.Subscriptions(); len(subscriptions) != 1 || subscriptions[0].ID != 2 {
		t.Errorf("got %v", subscriptions)
	}
}

func TestStoredData(t *testing.T) {
	host := newHost(t)
	in(t, host, func() {
		_, err := caxton.LoadData("k")
		expectError(t, err, caxton.ErrNotFound, `"k"`, "not found")
		expectError(t, caxton.DeleteData("k"), caxton.ErrNotFound)
		for _, value := range []string{"a\x00\xff", ""} {
			if err := caxton.StoreData("k", []byte(value)); err != nil {
				t.Error(err)
			}
			got, err := caxton.LoadData("k")
			if err != nil || string(got) != value {
				t.Errorf("got %q (%v)", got, err)
			}
			if size, err := caxton.DataSize("k"); err != nil || size != len(value) {
				t.Errorf("got %d (%v)", size, err)
			}
		}
		if err := caxton.DeleteData("k"); err != nil {
			t.Error(err)
		}
		err = caxton.StoreData(strings.Repeat("é", 2049), nil)
		expectError(t, err, caxton.ErrInvalidArgument, strings.Repeat("é", 40)+`…"`)
		expectError(t, caxton.StoreData("k", make([]byte, 64<<20)), caxton.ErrLimitExceeded)
	})
	if keys := host.StoredKeys(); len(keys) > 0 {
		t.Errorf("got %v", keys)
	}
}

func TestStoredValues(t *testing.T) {
	host := newHost(t)
	in(t, host, func() {
		type pair struct {
			Message *caxton.FipaMessage `json:"message"`
			Big     any                 `json:"big"`
		}
		m := parse(t, `{"performative":"request","sender":"ada","receiver":["a","b"],"content":{"é":9007199254740993}}`)
		if err := caxton.Store("k", pair{m, uint64(9007199254740993)}); err != nil {
			t.Error(err)
		}
		var got pair
		if err := caxton.Load("k", &got); err != nil {
			t.Error(err)
		}
		caxtontest.SameJSON(t, got, `{"message":`+m.String()+`,"big":9007199254740993}`)

		count := 7
		expectError(t, caxton.Load("missing", &count), caxton.ErrNotFound)
		if err := caxton.Load("k", &count); err == nil || !strings.Contains(err.Error(), `"k" cannot be read`) {
			t.Errorf("got %v", err)
		}
		if err := caxton.Store("k", math.Inf(1)); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("got %v", err)
		}
		if err := caxton.StoreData("two", []byte("1 2")); err != nil {
			t.Error(err)
		}
		if err := caxton.Load("two", &count); err == nil {
			t.Error("two values were read as one")
		}
	})
	if value, _ := host.Stored("k"); !strings.HasPrefix(value, `{"message":{"performative":"request"`) {
		t.Errorf("got %s", value)
	}
}

func TestTimers(t *testing.T) {
	host := newHost(t)
	var fired []caxton.Timer
	caxton.OnTimer(func(timer caxton.Timer) error { fired = append(fired, timer); return nil })
	in(t, host, func() {
		for _, micros := range []int64{2000, 1000, 1000, math.MaxInt64, 0, 1500} {
			if timer, err := caxton.SetTimer(micros); err != nil || timer == 0 {
				t.Errorf("got %d (%v)", timer, err)
			}
		}
		if err := caxton.CancelTimer(6); err != nil {
			t.Error(err)
		}
		expectError(t, caxton.CancelTimer(6), caxton.ErrNotFound)
	})
	if timers := host.Timers(); len(timers) != 5 || timers[0].Micros != 2000 || timers[0].Due != caxtontest.Start+2000 {
		t.Errorf("got %v", timers)
	}
	host.Advance(999 * time.Microsecond)
	host.Advance(time.Hour)
	if len(fired) != 4 || fired[0] != 5 || fired[1] != 2 || fired[2] != 3 || fired[3] != 1 {
		t.Errorf("got %v", fired)
	}
}

func TestTimeAndChance(t *testing.T) {
	host := newHost(t)
	host.NextRandom(4_294_967_295, 0)
	in(t, host, func() {
		if first, second := caxton.RandomU32(), caxton.RandomU32(); first != 4_294_967_295 || second != 0 {
			t.Errorf("got %d, %d", first, second)
		}
		caxton.SleepMicros(-5)
		caxton.SleepMicros(500)
		if now := caxton.CurrentTimestamp(); now != caxtontest.Start+500 {
			t.Errorf("got %d", now)
		}
	})
}

func TestLogLevels(t *testing.T) {
	host := newHost(t)
	in(t, host, func() {
		caxton.ConsoleLog("a %d é🙂")
		caxton.ConsoleError("b")
		for level := caxton.LevelError - 1; level <= caxton.LevelTrace+1; level++ {
			caxton.Log(level, level.String())
		}
		caxton.Log(caxton.LevelInfo, "c\xff")
	})
	var lines []string
	for _, line := range host.Logs() {
		lines = append(lines, line.Level.String()+" "+line.Text)
	}
	want := "info a %d é🙂,error b,error error,error error,warn warn,info info,debug debug,trace trace,trace trace,info c\uFFFD"
	if got := strings.Join(lines, ","); got != want {
		t.Errorf("got %s", got)
	}
}
