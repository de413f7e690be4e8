package caxton

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxDepth is how many objects and arrays may lie within each other: the 64 of a content, and its message. A
// message that is nested deeper cannot be read.
const MaxDepth = 65

// FipaMessage is a message with the parameters of FIPA SC00061, and the two fields that the host adds. All but
// the performative are optional; what is empty is left out of a message that is sent.
type FipaMessage struct {
	// Performative is what the message does, such as "request": one of the Act constants.
	Performative string `json:"performative"`
	// Sender is who sent the message. In one that came the host wrote it, so it is true; in one that is to be
	// sent it is best left out, since the host writes it and refuses a false one.
	Sender string `json:"sender,omitempty"`
	// Receiver is who the message is for: names of agents, ids, or topics ("topic:NAME"). See [To].
	Receiver Receivers `json:"receiver,omitempty"`
	// ReplyTo is who gets the answer, if not the sender.
	ReplyTo string `json:"reply_to,omitempty"`
	// Content is any JSON value. In a message that came it is a json.RawMessage, or nil where there is none or
	// null, and [FipaMessage.Decode] reads it. In one that is to be sent it is whatever encoding/json can write.
	Content any `json:"content,omitempty"`
	// Language is the language of the content.
	Language string `json:"language,omitempty"`
	// Encoding is the encoding of the content.
	Encoding string `json:"encoding,omitempty"`
	// Ontology is the ontology of the content.
	Ontology string `json:"ontology,omitempty"`
	// Protocol is the interaction protocol, such as "fipa-request".
	Protocol string `json:"protocol,omitempty"`
	// ConversationID is the conversation that the message belongs to.
	ConversationID string `json:"conversation_id,omitempty"`
	// ReplyWith is what an answer names in its in_reply_to.
	ReplyWith string `json:"reply_with,omitempty"`
	// InReplyTo is the reply_with of the message that this one answers.
	InReplyTo string `json:"in_reply_to,omitempty"`
	// ReplyBy is when the answer is due, in microseconds since 1970; 0 if it is not. Where a message has a time
	// as RFC 3339 writes it, it is read into this; what is before 1970 is read as 1, and what is beyond an
	// int64 as the last microsecond of one. A text that Go cannot read is left out: the host keeps to it anyway.
	ReplyBy int64 `json:"reply_by,omitempty"`
	// MessageID is the host's id of a message that came.
	MessageID string `json:"message_id,omitempty"`
	// SentAt is when a message that came was sent, in microseconds since 1970.
	SentAt int64 `json:"sent_at,omitempty"`
}

// Receivers are the names that a message is for. A single one is written as a JSON string, several as an array,
// and both are read.
type Receivers []string

// To names the receivers of a message.
func To(names ...string) Receivers { return names }

// String is the names with commas between them.
func (r Receivers) String() string { return strings.Join(r, ", ") }

// MarshalJSON writes a single name as a string, and several as an array.
func (r Receivers) MarshalJSON() ([]byte, error) {
	if len(r) == 1 {
		return encode(r[0])
	}
	return encode([]string(r))
}

// UnmarshalJSON reads a string, an array of strings, or null.
func (r *Receivers) UnmarshalJSON(data []byte) error {
	var one *string
	if json.Unmarshal(data, &one) == nil {
		*r = nil
		if one != nil {
			*r = Receivers{*one}
		}
		return nil
	}
	var many []*string
	if err := json.Unmarshal(data, &many); err != nil {
		return errors.New("expected a name or an array of names")
	}
	names := make(Receivers, len(many))
	for i, name := range many {
		if name == nil {
			return errors.New("expected names, and nothing else")
		}
		names[i] = *name
	}
	*r = names
	return nil
}

// ParseMessage reads a message from the bytes that the host gave to handle_message. Fields that FIPA does not
// name are passed over, and a field that is null counts as missing. It is an error if the bytes are not UTF-8,
// not a JSON object, nested deeper than [MaxDepth], or without a performative, or if a field has a value of the
// wrong type.
func ParseMessage(data []byte) (*FipaMessage, error) {
	m := new(FipaMessage)
	err := checkDepth(data)
	if err == nil {
		err = m.UnmarshalJSON(data)
	}
	if err != nil {
		return nil, fmt.Errorf("the message cannot be read: %w", err)
	}
	return m, nil
}

// UnmarshalJSON reads a message of any depth.
//
// Its keys are taken as they are. The rule of encoding/json, for which "Sender" is as good as "sender", would
// let anybody speak in another's name: the host writes the true sender, and carries fields that it does not
// know as they came.
func (m *FipaMessage) UnmarshalJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("it is not UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("expected an object, not a JSON %s", wrong.Value)
		}
		return err
	}
	if fields == nil {
		return errors.New("expected an object, not null")
	}
	*m = FipaMessage{}
	for _, field := range []struct {
		name string
		text *string
	}{
		{"performative", &m.Performative},
		{"sender", &m.Sender},
		{"reply_to", &m.ReplyTo},
		{"language", &m.Language},
		{"encoding", &m.Encoding},
		{"ontology", &m.Ontology},
		{"protocol", &m.Protocol},
		{"conversation_id", &m.ConversationID},
		{"reply_with", &m.ReplyWith},
		{"in_reply_to", &m.InReplyTo},
		{"message_id", &m.MessageID},
	} {
		// Null changes nothing.
		if raw, given := fields[field.name]; given && json.Unmarshal(raw, field.text) != nil {
			return fmt.Errorf("%s: expected a string", field.name)
		}
	}
	if m.Performative == "" {
		return errors.New("it has no performative")
	}
	if raw, given := fields["receiver"]; given {
		if err := m.Receiver.UnmarshalJSON(raw); err != nil {
			return fmt.Errorf("receiver: %w", err)
		}
	}
	if raw, given := fields["content"]; given && !isNull(raw) {
		m.Content = raw
	}
	var err error
	if m.ReplyBy, err = readTime(fields["reply_by"]); err != nil {
		return fmt.Errorf("reply_by: %w", err)
	}
	if m.SentAt, err = readTime(fields["sent_at"]); err != nil {
		return fmt.Errorf("sent_at: %w", err)
	}
	return nil
}

// String is the message as JSON.
func (m *FipaMessage) String() string {
	text, err := encode(m)
	if err != nil {
		return fmt.Sprintf("a message that cannot be written: %v", err)
	}
	return string(text)
}

// Decode reads the content into what the pointer points to, by the rules of encoding/json: in a struct, keys of
// any case are taken, and in a map as they are. A number that is read into an any becomes a json.Number, so that
// a large one keeps all its digits. It is an error if there is no content, or if it does not fit.
func (m *FipaMessage) Decode(into any) error {
	if m.Content == nil {
		return errors.New("the message has no content")
	}
	raw, err := m.rawContent()
	if err != nil {
		return err
	}
	if err := decode(raw, into); err != nil {
		return fmt.Errorf("the content does not fit: %w", err)
	}
	return nil
}

// rawContent is the content as JSON.
func (m *FipaMessage) rawContent() (json.RawMessage, error) {
	if raw, isRaw := m.Content.(json.RawMessage); isRaw {
		return raw, nil
	}
	raw, err := encode(m.Content)
	if err != nil {
		return nil, fmt.Errorf("the content cannot be written: %w", err)
	}
	return raw, nil
}

// Action is the text under "action" in the content, by which requests say what is asked for. It is not given
// where the content is no object, or has no such text.
func (m *FipaMessage) Action() (action string, given bool) {
	raw, err := m.rawContent()
	if err != nil {
		return "", false
	}
	var content map[string]json.RawMessage
	if json.Unmarshal(raw, &content) != nil {
		return "", false
	}
	var text *string
	if raw, is := content["action"]; !is || json.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// EndsExchange says whether it is an act that nobody answers, so that two agents do not feed each other errors
// for ever.
func (m *FipaMessage) EndsExchange() bool {
	return m.Performative == ActInform || m.Performative == ActFailure || m.Performative == ActNotUnderstood
}

// WithoutContent is all of the message but its content: what is needed to answer it later.
func (m *FipaMessage) WithoutContent() *FipaMessage {
	kept := *m
	kept.Content = nil
	return &kept
}

// answerTo is who gets the answer to the message; empty if it names nobody.
func (m *FipaMessage) answerTo() string {
	if m.ReplyTo != "" {
		return m.ReplyTo
	}
	return m.Sender
}

// readTime reads microseconds since 1970, or a time as RFC 3339 writes it; 0 where there is none.
func readTime(raw json.RawMessage) (int64, error) {
	if len(raw) == 0 || isNull(raw) {
		return 0, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return max(at.UnixMicro(), 1), nil
		}
		return 0, nil
	}
	micros, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return 0, errors.New("expected a time as RFC 3339 writes it, or whole microseconds since 1970")
	}
	return int64(min(max(micros, 1), math.MaxInt64)), nil
}

// checkDepth looks for more than MaxDepth objects and arrays within each other. What is no JSON is found later.
func checkDepth(data []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("it is nested deeper than %d levels", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(raw, []byte("null")) }

// encode writes JSON without escapes for HTML.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// decode reads one JSON value, without losing digits of numbers.
func decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("there is more than one JSON value")
	}
	return nil
}
