//go:build !wasip1

package caxtontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
)

// The host's limits, as they are by default.
const (
	maxHostCalls         = 1000
	maxExecutionMicros   = 1_000_000
	maxMessagesPerSecond = 100
	maxMessageBytes      = 1 << 20
	maxStorageBytes      = 64 << 20
	maxTimers            = 1024
	maxSubscriptions     = 64
	maxKeyBytes          = 4096
	maxNames             = 10_000
)

// refusable are the functions of the host that can refuse.
var refusable = []string{
	"send_message", "send_local_message", "broadcast_message", "subscribe_messages", "unsubscribe_messages",
	"set_timer", "cancel_timer", "store_data", "load_data", "delete_data", "data_size",
}

// calls is the host's functions, as the agent calls them.
type calls struct{ h *Host }

// bucket holds the messages that may be sent: one second's worth.
type bucket struct {
	tokens float64
	at     int64
}

func (b *bucket) take(now int64) bool {
	b.tokens = min(b.tokens+float64(now-b.at)*maxMessagesPerSecond/1e6, maxMessagesPerSecond)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// count counts a call; one too many drops the turn.
func (c calls) count() {
	turn := c.h.turn
	if turn == nil {
		return
	}
	if turn.calls++; turn.calls > maxHostCalls {
		panic(fmt.Sprintf("the turn made more than its limit of %d host calls", maxHostCalls))
	}
}

// begin counts a call, and says with which code it is to be refused, or 0.
func (c calls) begin(call string) int32 {
	c.count()
	return int32(c.h.failing[call])
}

// refuse writes to the agent's log why the host refuses; the code.
func (c calls) refuse(code caxton.Code, format string, values ...any) int32 {
	c.h.log(caxton.LevelWarn, format, values...)
	return int32(code)
}

func (c calls) SendMessage(message []byte) int32 {
	if code := c.begin("send_message"); code < 0 {
		return code
	}
	m, code := c.write(message, nil)
	if code == 0 {
		c.send(m)
	}
	return code
}

func (c calls) SendLocalMessage(agent string, message []byte) int32 {
	if code := c.begin("send_local_message"); code < 0 {
		return code
	}
	m, code := c.write(message, caxton.To(agent))
	if code < 0 {
		return code
	}
	if _, known := c.h.agents[agent]; !known && len(c.h.agents) > 0 && agent != AgentName {
		return int32(caxton.ErrNotFound)
	}
	c.send(m)
	return 0
}

func (c calls) BroadcastMessage(filter, message []byte) int32 {
	if code := c.begin("broadcast_message"); code < 0 {
		return code
	}
	wanted, code := c.filter(filter)
	if code < 0 {
		return code
	}
	m, code := c.write(message, caxton.To("*"))
	if code < 0 {
		return code
	}
	c.send(m)
	if !matches(wanted, m) {
		return 0
	}
	receivers := int32(0)
	for name, capabilities := range c.h.agents {
		has := func(capability string) bool { return slices.Contains(capabilities, capability) }
		if (wanted.Receiver == nil || slices.Contains(wanted.Receiver, name)) &&
			!slices.ContainsFunc(wanted.Capabilities, func(one string) bool { return !has(one) }) &&
			!slices.ContainsFunc(wanted.Services, func(one string) bool { return !has(one) }) {
			receivers++
		}
	}
	return receivers
}

// matches says whether a broadcast matches a filter, leaving aside what that says of its receivers.
func matches(filter caxton.Filter, m *caxton.FipaMessage) bool {
	is := func(wanted []string, value string) bool {
		return wanted == nil || value != "" && slices.Contains(wanted, value)
	}
	isAct := func(wanted string) bool {
		act, _ := actOf(wanted)
		return act == m.Performative
	}
	return (filter.Performative == nil || slices.ContainsFunc(filter.Performative, isAct)) &&
		is(filter.Sender, m.Sender) && is(filter.Protocol, m.Protocol) && is(filter.Ontology, m.Ontology) &&
		is(filter.Language, m.Language) && is(filter.ConversationID, m.ConversationID) && filter.Topic == nil
}

// write is a message as the host sends it, or a code.
func (c calls) write(message []byte, receiver caxton.Receivers) (*caxton.FipaMessage, int32) {
	h := c.h
	if len(message) > maxMessageBytes {
		return nil, c.refuse(caxton.ErrLimitExceeded,
			"a message of %d bytes is above the limit of %d", len(message), maxMessageBytes)
	}
	m := new(caxton.FipaMessage)
	if err := json.Unmarshal(message, m); err != nil {
		return nil, c.refuse(caxton.ErrInvalidArgument, "a message was not sent: %v", err)
	}
	act, known := actOf(m.Performative)
	if !known {
		return nil, c.refuse(caxton.ErrInvalidArgument,
			"a message was not sent: %q is not one of FIPA's 22 communicative acts", m.Performative)
	}
	var handled *caxton.FipaMessage
	if h.turn != nil {
		handled = h.turn.handled
	}
	isOwn := m.Sender == "" || m.Sender == AgentName ||
		handled != nil && slices.Equal(handled.Receiver, caxton.To(m.Sender))
	if !isOwn {
		return nil, c.refuse(caxton.ErrPermissionDenied, "a message in the name of %q was not sent", m.Sender)
	}
	if receiver != nil {
		m.Receiver = receiver
	}
	if len(m.Receiver) == 0 || len(m.Receiver) > maxNames {
		return nil, c.refuse(caxton.ErrInvalidArgument,
			"a message was not sent: it has %d receivers, expected 1 to %d", len(m.Receiver), maxNames)
	}
	m.Performative, m.Sender, m.SentAt = act, AgentName, h.now
	if handled != nil && !h.turn.replied && answers(m, handled) {
		h.turn.replied = true
	} else if !h.bucket.take(h.now) {
		return nil, c.refuse(caxton.ErrLimitExceeded,
			"a message was not sent: more than %d in a second", maxMessagesPerSecond)
	}
	h.messages++
	m.MessageID = fmt.Sprintf("message-%d", h.messages)
	return m, 0
}

// answers says whether a message is an answer to another: by what it names, or by the conversation where it
// names nothing.
func answers(m, handled *caxton.FipaMessage) bool {
	receiver := handled.ReplyTo
	if receiver == "" {
		receiver = handled.Sender
	}
	if m.Receiver[0] != receiver {
		return false
	}
	if m.InReplyTo != "" {
		return m.InReplyTo == handled.ReplyWith
	}
	return handled.ReplyWith == "" || m.ConversationID != "" && m.ConversationID == handled.ConversationID
}

func (c calls) send(m *caxton.FipaMessage) { c.h.kept.sent = append(c.h.kept.sent, m) }

// filter reads a filter, or gives a code.
func (c calls) filter(text []byte) (filter caxton.Filter, code int32) {
	if len(text) > maxMessageBytes {
		return filter, int32(caxton.ErrLimitExceeded)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&filter); err != nil {
		return filter, c.refuse(caxton.ErrInvalidArgument, "this is not a filter: %v", err)
	}
	names := 0
	for _, field := range [][]string{
		filter.Performative, filter.Sender, filter.Receiver, filter.Protocol, filter.Ontology, filter.Language,
		filter.ConversationID, filter.Topic, filter.Capabilities, filter.Services,
	} {
		names += len(field)
	}
	if names > maxNames {
		return filter, c.refuse(caxton.ErrInvalidArgument,
			"this is not a filter: it lists %d names, and %d is the most", names, maxNames)
	}
	for _, performative := range filter.Performative {
		if _, known := actOf(performative); !known {
			return filter, c.refuse(caxton.ErrInvalidArgument,
				"this is not a filter: %q is not one of FIPA's 22 communicative acts", performative)
		}
	}
	return filter, 0
}

func (c calls) SubscribeMessages(filter []byte) int32 {
	if code := c.begin("subscribe_messages"); code < 0 {
		return code
	}
	wanted, code := c.filter(filter)
	if code < 0 {
		return code
	}
	if len(c.h.kept.subscriptions) >= maxSubscriptions {
		return int32(caxton.ErrLimitExceeded)
	}
	c.h.subscriptions++
	id := caxton.Subscription(c.h.subscriptions)
	c.h.kept.subscriptions[id] = Subscription{ID: id, Filter: wanted, inInit: c.inInit()}
	return int32(id)
}

func (c calls) UnsubscribeMessages(id int32) int32 {
	if code := c.begin("unsubscribe_messages"); code < 0 {
		return code
	}
	if _, found := c.h.kept.subscriptions[caxton.Subscription(id)]; !found {
		return int32(caxton.ErrNotFound)
	}
	delete(c.h.kept.subscriptions, caxton.Subscription(id))
	return 0
}

func (c calls) inInit() bool { return c.h.turn != nil && c.h.turn.inInit }

func (c calls) CurrentTimestamp() int64 {
	c.count()
	return c.h.now
}

func (c calls) RandomU32() uint32 {
	c.count()
	if len(c.h.nextRandom) > 0 {
		number := c.h.nextRandom[0]
		c.h.nextRandom = c.h.nextRandom[1:]
		return number
	}
	return c.h.random.Uint32()
}

func (c calls) SleepMicros(micros int64) {
	c.count()
	if turn := c.h.turn; turn != nil {
		if micros > maxExecutionMicros-turn.slept {
			panic(fmt.Sprintf("the turn took longer than its limit of %d microseconds", maxExecutionMicros))
		}
		turn.slept += micros
	}
	c.h.now = after(c.h.now, micros)
}

func (c calls) Log(level int32, line string) {
	c.count()
	level = min(max(level, int32(caxton.LevelError)), int32(caxton.LevelTrace))
	c.h.log(caxton.LogLevel(level), "%s", line)
}

func (c calls) SetTimer(micros int64) uint32 {
	if c.begin("set_timer") < 0 {
		return 0
	}
	if len(c.h.kept.timers) >= maxTimers {
		c.refuse(0, "a timer was not set: %d timers are the most", maxTimers)
		return 0
	}
	c.h.timers++
	id := caxton.Timer(c.h.timers)
	c.h.kept.timers[id] = Timer{ID: id, Micros: micros, Due: after(c.h.now, micros), inInit: c.inInit()}
	return uint32(id)
}

// after is a time so many microseconds later, or the end of time.
func after(now, micros int64) int64 {
	if micros > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + micros
}

func (c calls) CancelTimer(timer uint32) int32 {
	if code := c.begin("cancel_timer"); code < 0 {
		return code
	}
	if _, found := c.h.kept.timers[caxton.Timer(timer)]; !found {
		return int32(caxton.ErrNotFound)
	}
	delete(c.h.kept.timers, caxton.Timer(timer))
	return 0
}

func (c calls) StoreData(key string, value []byte) int32 {
	if code := c.beginKey("store_data", key); code < 0 {
		return code
	}
	total := len(key) + len(value)
	for other, held := range c.h.kept.data {
		if other != key {
			total += len(other) + len(held)
		}
	}
	if total > maxStorageBytes {
		return c.refuse(caxton.ErrLimitExceeded,
			"a value was not stored: with it %d bytes are stored, and %d is the most", total, maxStorageBytes)
	}
	c.h.kept.data[key] = string(value)
	return 0
}

func (c calls) LoadData(key string, buffer []byte) int32 {
	if code := c.beginKey("load_data", key); code < 0 {
		return code
	}
	value, found := c.h.kept.data[key]
	if !found {
		return int32(caxton.ErrNotFound)
	}
	if len(value) > len(buffer) {
		return int32(caxton.ErrBufferTooSmall)
	}
	return int32(copy(buffer, value))
}

func (c calls) DeleteData(key string) int32 {
	if code := c.beginKey("delete_data", key); code < 0 {
		return code
	}
	if _, found := c.h.kept.data[key]; !found {
		return int32(caxton.ErrNotFound)
	}
	delete(c.h.kept.data, key)
	return 0
}

func (c calls) DataSize(key string) int32 {
	if code := c.beginKey("data_size", key); code < 0 {
		return code
	}
	value, found := c.h.kept.data[key]
	if !found {
		return int32(caxton.ErrNotFound)
	}
	return int32(len(value))
}

func (c calls) beginKey(call, key string) int32 {
	if code := c.begin(call); code < 0 {
		return code
	}
	if len(key) > maxKeyBytes {
		return c.refuse(caxton.ErrInvalidArgument, "a key of %d bytes; %d is the most", len(key), maxKeyBytes)
	}
	return 0
}
