package caxton

import (
	"errors"
	"fmt"

	"github.com/caxton-dev/caxton/guest/go/caxton-sdk/internal/abi"
)

// SendMessage sends a message once the turn has ended. A receiver that is not there then has the host answer
// with a failure from "ams".
//
// It is a [HostError] if the host refuses: [ErrInvalidArgument] for a message that is none,
// [ErrPermissionDenied] for a false sender or a receiver that the agent's grants leave out, and
// [ErrLimitExceeded] for one that is too large, or one too many in a second. The first answer to the message
// that is being handled is never one too many.
func SendMessage(m *FipaMessage) error {
	data, err := encodeMessage(m)
	if err != nil {
		return err
	}
	return refused("send_message", "", abi.SendMessage(data))
}

// SendLocalMessage sends a message to one agent of this runtime, by its name or id, whatever receiver the
// message names. It is as [SendMessage], but says at once if there is no such agent ([ErrNotFound]), or if it
// has no room ([ErrMailboxFull]).
func SendLocalMessage(agent string, m *FipaMessage) error {
	data, err := encodeMessage(m)
	if err != nil {
		return err
	}
	return refused("send_local_message", agent, abi.SendLocalMessage(agent, data))
}

// BroadcastMessage sends a message to every other agent that the filter matches, whatever receiver the message
// names; how many they are. Agents without room are left out. It counts as one message, and the errors are
// those of [SendMessage].
func BroadcastMessage(filter Filter, m *FipaMessage) (receivers int, err error) {
	what, err := encode(filter)
	if err != nil {
		return 0, err
	}
	data, err := encodeMessage(m)
	if err != nil {
		return 0, err
	}
	count := abi.BroadcastMessage(what, data)
	if err := refused("broadcast_message", "", count); err != nil {
		return 0, err
	}
	return int(count), nil
}

func encodeMessage(m *FipaMessage) ([]byte, error) {
	data, err := encode(m)
	if err != nil {
		return nil, fmt.Errorf("the message cannot be written: %w", err)
	}
	return data, nil
}

// Filter says which messages somebody means, and of which agents. All of its fields have to match; of the texts
// of one field any may, but for Capabilities and Services, of which an agent needs all. An empty filter matches
// everything. At most 10,000 texts are allowed in one.
type Filter struct {
	Performative   []string `json:"performative,omitempty"`
	Sender         []string `json:"sender,omitempty"`
	Receiver       []string `json:"receiver,omitempty"`
	Protocol       []string `json:"protocol,omitempty"`
	Ontology       []string `json:"ontology,omitempty"`
	Language       []string `json:"language,omitempty"`
	ConversationID []string `json:"conversation_id,omitempty"`
	// Topic is the name of a topic, without "topic:".
	Topic        []string `json:"topic,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	Services     []string `json:"services,omitempty"`
}

// Subscription names a subscription of this agent. It is above 0.
type Subscription int32

// SubscribeMessages has the agent get copies of messages that match, from the end of this turn on: messages to
// topics, broadcasts, and with the grant "observe" all others. [ErrLimitExceeded] if it has too many
// subscriptions.
func SubscribeMessages(filter Filter) (Subscription, error) {
	what, err := encode(filter)
	if err != nil {
		return 0, err
	}
	id := abi.SubscribeMessages(what)
	if err := refused("subscribe_messages", "", id); err != nil {
		return 0, err
	}
	return Subscription(id), nil
}

// UnsubscribeMessages ends a subscription; [ErrNotFound] if there is no such one.
func UnsubscribeMessages(id Subscription) error {
	return refused("unsubscribe_messages", "", abi.UnsubscribeMessages(int32(id)))
}

// CurrentTimestamp is the time, in microseconds since 1970.
func CurrentTimestamp() int64 { return abi.CurrentTimestamp() }

// RandomU32 is a random number.
func RandomU32() uint32 { return abi.RandomU32() }

// SleepMicros waits for so many microseconds; none if that is negative. The wait counts towards the turn's time,
// which is one second by default: what is to happen later is better done by a timer.
func SleepMicros(micros int64) {
	if micros > 0 {
		abi.SleepMicros(micros)
	}
}

// Timer names a timer of this agent. It is above 0.
type Timer uint32

// SetTimer has the function that was given to [OnTimer] called after so many microseconds, or soon for 0. For a
// time.Duration that is d.Microseconds(). [ErrLimitExceeded] if the host refuses, as a rule because the agent
// has too many timers, and [ErrInvalidArgument] for a negative time.
func SetTimer(micros int64) (Timer, error) {
	if agent.timer == nil {
		return 0, errors.New("set_timer: nothing would be called; give a function to OnTimer first")
	}
	if micros < 0 {
		return 0, fmt.Errorf("set_timer: %d microseconds, expected 0 or more: %w", micros, ErrInvalidArgument)
	}
	id := abi.SetTimer(micros)
	if id == 0 {
		return 0, &HostError{Call: "set_timer", Code: ErrLimitExceeded}
	}
	return Timer(id), nil
}

// CancelTimer ends a timer that has not come due; [ErrNotFound] if there is no such one.
func CancelTimer(timer Timer) error {
	return refused("cancel_timer", "", abi.CancelTimer(uint32(timer)))
}

// LogLevel says how much a line of the log matters.
type LogLevel int32

// The levels of the log.
const (
	LevelError LogLevel = 1
	LevelWarn  LogLevel = 2
	LevelInfo  LogLevel = 3
	LevelDebug LogLevel = 4
	LevelTrace LogLevel = 5
)

// String is the level as the host writes it.
func (l LogLevel) String() string {
	switch {
	case l <= LevelError:
		return "error"
	case l == LevelWarn:
		return "warn"
	case l == LevelInfo:
		return "info"
	case l == LevelDebug:
		return "debug"
	default:
		return "trace"
	}
}

// ConsoleLog writes a line to the agent's log, at the level info.
func ConsoleLog(line string) { abi.ConsoleLog(line) }

// ConsoleError writes a line to the agent's log, at the level error.
func ConsoleError(line string) { abi.ConsoleError(line) }

// Log writes a line to the agent's log. What is printed goes there too: standard output at the level info, and
// standard error, which the package log and println write to, at the level error.
func Log(level LogLevel, line string) { abi.Log(int32(level), line) }
