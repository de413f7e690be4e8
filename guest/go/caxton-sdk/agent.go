package caxton

import (
	"cmp"
	"errors"
	"fmt"
)

// registered is what an agent has said of itself.
type registered struct {
	init         func() error
	message      func(*FipaMessage) error
	timer        func(Timer) error
	shutdown     func() error
	actions      map[string]func(*FipaMessage) error
	capabilities *AgentCapabilities
	// encoded is the capabilities as JSON, from the agent's init on.
	encoded []byte
}

var agent registered

// OnInit has a function called first of all: when the agent is deployed, restarted or recovered, and again
// after a turn was dropped. Where it returns an error, that is in the log, and the agent cannot start.
func OnInit(handler func() error) { agent.init = handler }

// OnMessage has a function called for each message that no function of [RegisterHandler] takes. What it returns
// is treated as there. Without it, [HandleOther] is called.
func OnMessage(handler func(m *FipaMessage) error) { agent.message = handler }

// OnTimer has a function called for each timer that is due: see [SetTimer]. An error that it returns is in the
// log.
func OnTimer(handler func(timer Timer) error) { agent.timer = handler }

// OnShutdown has a function called last: when the agent is stopped, removed or restarted. An error that it
// returns is in the log.
func OnShutdown(handler func() error) { agent.shutdown = handler }

// Capabilities says what the agent can do. The host asks once, after its init.
func Capabilities(capabilities AgentCapabilities) { agent.capabilities = &capabilities }

// RegisterHandler has a function called for requests whose content has this action, as in
// {"action": "greet"}: see [FipaMessage.Action]. Of two for one action the later counts.
//
// The function answers by one of the Send functions, at once or later. Where it returns an error, the message
// is answered by a failure with the content {"error": text}, or as [NotUnderstood] and [Refuse] say. Of a
// [HostError] the answer says why, and the log which call it was. An inform, a failure and a not-understood are
// never answered so; the error is in the log instead.
func RegisterHandler(action string, handler func(m *FipaMessage) error) {
	if agent.actions == nil {
		agent.actions = make(map[string]func(*FipaMessage) error)
	}
	agent.actions[action] = handler
}

// HandleOther is what becomes of a message that no function takes, for a function of [OnMessage] to return:
// nothing for an inform, a failure and a not-understood, and [NotUnderstood] for everything else.
func HandleOther(m *FipaMessage) error {
	if m.EndsExchange() {
		return nil
	}
	return NotUnderstood(notUnderstood(m))
}

// initAgent is agent_init.
func initAgent() int32 {
	if agent.init == nil && agent.message == nil && agent.timer == nil && agent.actions == nil {
		ConsoleError("agent_init: no function was given to OnInit, OnMessage, OnTimer or RegisterHandler; " +
			"do so in func init(), since main is never called")
		return 1
	}
	if agent.init != nil {
		if err := agent.init(); err != nil {
			ConsoleError("agent_init: " + err.Error())
			return 1
		}
	}
	agent.encoded = nil
	if agent.capabilities != nil {
		encoded, err := encode(agent.capabilities)
		if err != nil {
			ConsoleError("agent_init: the capabilities cannot be written: " + err.Error())
			return 1
		}
		agent.encoded = encoded
	}
	return 0
}

// handleMessage is handle_message.
func handleMessage(data []byte) int32 {
	m, err := ParseMessage(data)
	if err != nil {
		ConsoleError(err.Error())
		return 1
	}
	if err := dispatch(m); err != nil {
		return answerError(m, err)
	}
	return 0
}

func dispatch(m *FipaMessage) error {
	if m.Performative == ActRequest && len(agent.actions) > 0 {
		if action, given := m.Action(); given {
			if handler := agent.actions[action]; handler != nil {
				return handler(m)
			}
		}
	}
	if agent.message != nil {
		return agent.message(m)
	}
	return HandleOther(m)
}

// answerError tells whoever sent the message what went wrong with it, or the log where that cannot be.
func answerError(m *FipaMessage, err error) int32 {
	if m.EndsExchange() {
		ConsoleError(fmt.Sprintf("handle_message: %s: %v", m.Performative, err))
		return 1
	}
	act, text := ActFailure, err.Error()
	var said *answer
	if errors.As(err, &said) {
		act = said.act
	}
	// Which call it was, and of which key, is for the log alone.
	if refusal, is := err.(*HostError); is {
		ConsoleError(text)
		text = refusal.Code.Error()
	}
	if unsent := sendError(m, act, text); unsent != nil {
		ConsoleError(fmt.Sprintf("the answer %s to %s was not sent: %v", act, cmp.Or(m.answerTo(), "nobody"), unsent))
	}
	return 1
}

// handleTimer is handle_timer.
func handleTimer(timer Timer) int32 {
	if agent.timer == nil {
		// It was set by code that has been replaced since.
		Log(LevelWarn, "handle_timer: no function was given to OnTimer")
		return 1
	}
	if err := agent.timer(timer); err != nil {
		ConsoleError("handle_timer: " + err.Error())
		return 1
	}
	return 0
}

// getCapabilities is get_capabilities: JSON, or nothing.
func getCapabilities() []byte { return agent.encoded }

// shutdown is agent_shutdown.
func shutdown() {
	if agent.shutdown == nil {
		return
	}
	if err := agent.shutdown(); err != nil {
		ConsoleError("agent_shutdown: " + err.Error())
	}
}
