package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Messages that are longer are not kept for a later answer.
const maxKeptBytes = 64 << 10

// Above this, a number of microseconds or of times is taken for a mistake.
const maxWhole = 1_000_000_000_000_000

// field is a value that is only handed on; null counts as missing.
type field json.RawMessage

func (f *field) UnmarshalJSON(raw []byte) error {
	if !bytes.Equal(raw, []byte("null")) {
		*f = append((*f)[:0], raw...)
	}
	return nil
}

func (f field) MarshalJSON() ([]byte, error) { return f, nil }

// orNull is the value where null has to be said.
func (f field) orNull() field {
	if len(f) == 0 {
		return field("null")
	}
	return f
}

// incoming is a message as it came.
type incoming struct {
	Performative *string `json:"performative"`
	Sender       field   `json:"sender"`
	ReplyTo      field   `json:"reply_to"`
	ReplyWith    field   `json:"reply_with"`
	InReplyTo    field   `json:"in_reply_to"`
	Content      field   `json:"content"`
	shared
	size int
}

// shared is what stays the same throughout a conversation.
type shared struct {
	ConversationID field `json:"conversation_id,omitempty"`
	Protocol       field `json:"protocol,omitempty"`
	Ontology       field `json:"ontology,omitempty"`
	Language       field `json:"language,omitempty"`
}

// outgoing is a message to send; the host fills in the sender.
type outgoing struct {
	Performative string `json:"performative"`
	Receiver     any    `json:"receiver"`
	Content      any    `json:"content"`
	ReplyBy      int64  `json:"reply_by,omitempty"`
	ReplyTo      field  `json:"reply_to,omitempty"`
	ReplyWith    field  `json:"reply_with,omitempty"`
	InReplyTo    field  `json:"in_reply_to,omitempty"`
	shared
}

func read(raw []byte) (*incoming, error) {
	// encoding/json would replace what is not UTF-8, except in the fields that are handed on as they came.
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	message := &incoming{size: len(raw)}
	if err := json.Unmarshal(raw, message); err != nil {
		return nil, err
	}
	if message.Performative == nil {
		return nil, errors.New("no performative")
	}
	return message, nil
}

// reply answers whoever asked: 0, or 1 if the answer could not be sent.
func (m *incoming) reply(performative string, content any) int32 {
	return m.post(outgoing{
		Performative: performative,
		Receiver:     m.asker(),
		Content:      content,
		InReplyTo:    m.ReplyWith,
	})
}

// replyWith answers with a message that is to be answered itself.
func (m *incoming) replyWith(performative string, content any, with string) int32 {
	return m.post(outgoing{
		Performative: performative,
		Receiver:     m.asker(),
		Content:      content,
		InReplyTo:    m.ReplyWith,
		ReplyWith:    fieldOf(with),
	})
}

func (m *incoming) agree() int32 { return m.reply("agree", object{}) }

func (m *incoming) accept() int32 { return m.reply("accept-proposal", object{}) }

func (m *incoming) reject(reason string) int32 {
	return m.reply("reject-proposal", object{"reason": reason})
}

func (m *incoming) refuse(reason string) int32 { return m.reply("refuse", object{"reason": reason}) }

func (m *incoming) fail(why string) int32 { return m.reply("failure", object{"error": why}) }

// canKeep says whether the message is short enough to be kept for a later answer.
func (m *incoming) canKeep() bool { return m.size <= maxKeptBytes }

// protocol is the protocol's name; empty if there is none.
func (m *incoming) protocol() string {
	name, _ := textOf(m.Protocol)
	return name
}

// forward sends a request in the asker's name, so that the answer goes straight to the asker.
func (m *incoming) forward(receiver string, content any) int32 {
	return m.post(outgoing{
		Performative: "request",
		Receiver:     receiver,
		Content:      content,
		ReplyTo:      m.asker(),
		ReplyWith:    m.ReplyWith,
	})
}

// asker is who gets the answer.
func (m *incoming) asker() field {
	if len(m.ReplyTo) > 0 {
		return m.ReplyTo
	}
	return m.Sender
}

func (m *incoming) post(message outgoing) int32 {
	if len(m.asker()) == 0 {
		logError("the message names nobody to answer")
		return 1
	}
	message.shared = m.shared
	return post(message)
}

// post sends a message: 0, or 1 if it could not be sent.
func post(message outgoing) int32 {
	raw, err := json.Marshal(message)
	if err != nil {
		logError("the message cannot be written: " + err.Error())
		return 1
	}
	if code := send(raw); code < 0 {
		logError(fmt.Sprintf("the host refused the message: %d", code))
		return 1
	}
	return 0
}

// readField reads a value into target; what is missing or of the wrong type changes nothing.
func readField(raw field, target any) bool {
	return len(raw) > 0 && json.Unmarshal(raw, target) == nil
}

func textOf(raw field) (text string, is bool) {
	is = readField(raw, &text)
	return
}

func numberOf(raw field) (number number, is bool) {
	is = readField(raw, &number.value)
	number.raw = raw
	return
}

// wholeOf reads a number of microseconds or of times.
func wholeOf(raw field) (whole int64, is bool) {
	is = readField(raw, &whole) && whole >= 0 && whole <= maxWhole
	return
}

func isTrue(raw field) bool {
	var is bool
	return readField(raw, &is) && is
}

func fieldOf(text string) field {
	raw, _ := json.Marshal(text)
	return raw
}

// number is written as it was read.
type number struct {
	value float64
	raw   field
}

func (n number) MarshalJSON() ([]byte, error) { return n.raw, nil }
