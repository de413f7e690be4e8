package caxton_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/caxtontest"
)

func parse(t *testing.T, text string) *caxton.FipaMessage {
	t.Helper()
	m, err := caxton.ParseMessage([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAllParametersAreReadAndWritten(t *testing.T) {
	text := `{"performative":"request","sender":"ada","receiver":"bob","reply_to":"eve","content":{"a":[1,"x"]},
		"language":"json","encoding":"utf-8","ontology":"trade","protocol":"fipa-request","conversation_id":"c",
		"reply_with":"r","in_reply_to":"q","reply_by":1764000000000000,"message_id":"m","sent_at":1764000000000001}`
	m := parse(t, text)
	if m.Performative != "request" || m.Sender != "ada" || m.Receiver.String() != "bob" || m.ReplyTo != "eve" ||
		m.Language != "json" || m.Encoding != "utf-8" || m.Ontology != "trade" || m.Protocol != "fipa-request" ||
		m.ConversationID != "c" || m.ReplyWith != "r" || m.InReplyTo != "q" || m.ReplyBy != 1764000000000000 ||
		m.MessageID != "m" || m.SentAt != 1764000000000001 {
		t.Errorf("a field is missing or wrong: %+v", m)
	}
	caxtontest.SameJSON(t, m, text)
}

func TestOnlyThePerformativeHasToBeThere(t *testing.T) {
	caxtontest.SameJSON(t, parse(t, `{"performative":"inform"}`), `{"performative":"inform"}`)
	nothing := `{"performative":"inform","sender":null,"receiver":null,"content":null,"reply_by":null,"protocol":null}`
	caxtontest.SameJSON(t, parse(t, nothing), `{"performative":"inform"}`)
}

func TestReceivers(t *testing.T) {
	for _, receiver := range []string{`"bob"`, `["bob","topic:news"]`} {
		text := `{"performative":"inform","receiver":` + receiver + `}`
		caxtontest.SameJSON(t, parse(t, text), text)
	}
	if m := parse(t, `{"performative":"inform","receiver":["bob"]}`); m.Receiver.String() != "bob" {
		t.Errorf("got %q", m.Receiver)
	}
	if m := parse(t, `{"performative":"inform","receiver":[]}`); len(m.Receiver) != 0 {
		t.Errorf("got %q", m.Receiver)
	}
}

func TestContentIsAnyValue(t *testing.T) {
	for _, content := range []string{`{}`, `[]`, `"text"`, `0`, `false`, `-1.5e3`, `""`} {
		text := `{"performative":"inform","content":` + content + `}`
		caxtontest.SameJSON(t, parse(t, text), text)
	}
}

func TestTextsOfAnyScript(t *testing.T) {
	want := "é漢🙂 \"\\/\b\f\n\r\t\u0000\u001f\u2028<&>"
	encoded, _ := json.Marshal(map[string]any{
		"performative": "inform", "conversation_id": want, "content": map[string]string{want: want},
	})
	again := parse(t, parse(t, string(encoded)).String())
	var content map[string]string
	if err := again.Decode(&content); err != nil {
		t.Fatal(err)
	}
	if again.ConversationID != want || content[want] != want {
		t.Errorf("got %q, %q", again.ConversationID, content)
	}
	escaped := parse(t, `{"perf\u006frmative":"inf\u006frm","content":"\ud83d\ude42\u00e9\/"}`)
	var text string
	if err := escaped.Decode(&text); err != nil || text != "🙂é/" || escaped.Performative != "inform" {
		t.Errorf("got %q (%v), %q", text, err, escaped.Performative)
	}
	if strings.Contains(parse(t, `{"performative":"inform","content":"<&>"}`).String(), `\u003c`) {
		t.Error("what needs no escape has got one")
	}
}

func TestLargeNumbersKeepTheirDigits(t *testing.T) {
	text := `{"performative":"inform","content":{"id":12345678901234567890123,"max":9007199254740993,"f":0.10}}`
	m := parse(t, text)
	if !strings.Contains(m.String(), `{"id":12345678901234567890123,"max":9007199254740993,"f":0.10}`) {
		t.Errorf("got %s", m)
	}
	var whatever map[string]any
	var typed struct{ Max int64 }
	if m.Decode(&whatever) != nil || m.Decode(&typed) != nil {
		t.Fatal("the content does not fit")
	}
	if whatever["id"] != json.Number("12345678901234567890123") || typed.Max != 9007199254740993 {
		t.Errorf("got %v, %v", whatever, typed)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]int64{
		`1764000000000000`:              1764000000000000,
		`"2025-11-24T16:00:00Z"`:        1764000000000000,
		`"2025-11-24T17:00:00.5+01:00"`: 1764000000500000,
		`"1969-12-31T23:59:59Z"`:        1,
		`0`:                             1,
		`18446744073709551615`:          math.MaxInt64,
		`"2025-11-24 16:00Z"`:           0,
		`null`:                          0,
	} {
		if m := parse(t, `{"performative":"cfp","reply_by":`+text+`}`); m.ReplyBy != want {
			t.Errorf("%s: got %d", text, m.ReplyBy)
		}
	}
}

func TestOtherFieldsChangeNothing(t *testing.T) {
	// The host carries fields that it does not know behind the sender that it wrote itself.
	m := parse(t, `{"performative":"request","sender":"eve","x_a":{"b":1},"X-c":null,"Sender":"ada","SENDER":5,
		"Content":"forged","content":"true","traceparent":"00-1"}`)
	var content string
	if err := m.Decode(&content); err != nil || m.Sender != "eve" || content != "true" {
		t.Errorf("got %q, %q (%v)", m.Sender, content, err)
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for text, why := range map[string]string{
		``:                                      "unexpected end",
		`{`:                                     "unexpected end",
		`null`:                                  "expected an object",
		`[]`:                                    "expected an object",
		`"request"`:                             "expected an object",
		`{}`:                                    "performative",
		`{"performative":null}`:                 "performative",
		`{"performative":5}`:                    "performative: expected a string",
		`{"performative":"inform"} x`:           "after top-level value",
		`{"performative":"inform","sender":[]}`: "sender: expected a string",
		`{"performative":"x","receiver":5}`:     "receiver: expected a name",
		`{"performative":"x","receiver":["a",5]}`:                                                      "receiver: expected a name",
		`{"performative":"x","receiver":[null]}`:                                                       "receiver: expected names",
		`{"performative":"x","reply_by":-1}`:                                                           "reply_by",
		`{"performative":"x","reply_by":1.5}`:                                                          "reply_by",
		`{"performative":"x","sent_at":{}}`:                                                            "sent_at",
		`{"performative":"x","content":"` + "\xff" + `"}`:                                              "UTF-8",
		`{"performative":"x","content":` + deep:                                                        "nested deeper than 65",
		`{"performative":"x","content":` + strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat("}", 66): "nested deeper",
	} {
		m, err := caxton.ParseMessage([]byte(text))
		if err == nil {
			t.Errorf("%.60s: read as %v", text, m)
		} else if !strings.Contains(err.Error(), why) || !strings.HasPrefix(err.Error(), "the message cannot be read") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestDepthIsThatOfTheWholeMessage(t *testing.T) {
	nested := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	m := parse(t, `{"performative":"inform","x":"[[[\"{{{","content":`+nested+`,"conversation_id":"`+strings.Repeat("[", 99)+`"}`)
	var content any
	if err := m.Decode(&content); err != nil {
		t.Error(err)
	}
	wide := `{"performative":"inform","content":[` + strings.Repeat(`{},`, 999) + `{}]}`
	parse(t, wide)
}

func TestDecode(t *testing.T) {
	var into struct{ Name string }
	if err := new(caxton.FipaMessage).Decode(&into); err == nil || !strings.Contains(err.Error(), "no content") {
		t.Errorf("got %v", err)
	}
	m := &caxton.FipaMessage{Performative: "inform", Content: map[string]string{"name": "Ada"}}
	if err := m.Decode(&into); err != nil || into.Name != "Ada" {
		t.Errorf("got %v (%v)", into, err)
	}
	m = parse(t, `{"performative":"inform","content":{"name":5}}`)
	if err := m.Decode(&into); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("got %v", err)
	}
	m.Content = func() {}
	if err := m.Decode(&into); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(m.String(), "cannot be written") {
		t.Errorf("got %s", m)
	}
}

func TestAction(t *testing.T) {
	for content, want := range map[string]string{
		`{"action":"greet","x":1}`: "greet",
		`{"action":""}`:            "",
		`{"action":null}`:          "none",
		`{"action":5}`:             "none",
		`{"Action":"greet"}`:       "none",
		`{}`:                       "none",
		`"greet"`:                  "none",
		`null`:                     "none",
	} {
		action, given := parse(t, `{"performative":"request","content":`+content+`}`).Action()
		if !given {
			action = "none"
		}
		if action != want {
			t.Errorf("%s: got %q", content, action)
		}
	}
}

func TestAMessageIsKeptWithoutItsContent(t *testing.T) {
	text := `"performative":"request","sender":"ada","receiver":["a","b"],"reply_with":"r","reply_by":5`
	m := parse(t, `{`+text+`,"content":[1]}`)
	caxtontest.SameJSON(t, m.WithoutContent(), `{`+text+`}`)
	if m.Content == nil {
		t.Error("the message itself has lost its content")
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(`{"performative":"request","receiver":["a"],"content":{"a":[1,"é\ud83d\ude42"]},"reply_by":"2025-11-24T16:00:00Z"}`)
	f.Add(`{"performative":"x","content":[[[[`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := caxton.ParseMessage([]byte(text))
		if err != nil {
			return
		}
		again, err := caxton.ParseMessage([]byte(m.String()))
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		if again.String() != m.String() {
			t.Errorf("%s became %s", m, again)
		}
	})
}
