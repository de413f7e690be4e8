package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// field is a value that is only handed on; null counts as missing.
type field json.RawMessage

func (f *field) UnmarshalJSON(raw []byte) error {
	if !bytes.Equal(raw, []byte("null")) {
		*f = append((*f)[:0], raw...)
	}
	return nil
}

func (f field) MarshalJSON() ([]byte, error) { return f, nil }

// incoming is a message as it came.
type incoming struct {
	Performative *string `json:"performative"`
	Sender       field   `json:"sender"`
	ReplyTo      field   `json:"reply_to"`
	ReplyWith    field   `json:"reply_with"`
	Content      field   `json:"content"`
	shared
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
	message := new(incoming)
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
