// A worker that transforms text, alone or as one step of a relay.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unsafe"
)

//go:embed capabilities.json
var capabilities string

// handled lives in the instance's memory, so a restart begins at nought.
var handled uint64

type job struct {
	Operation *string `json:"operation"`
	Data      *string `json:"data"`
	Text      *string `json:"text"`
	Then      []step  `json:"then"`
}

// step is a later stop of a relay.
type step struct {
	Agent     *string `json:"agent"`
	Operation *string `json:"operation"`
}

type object map[string]any

// main is never called: the host calls the exports.
func main() {}

//go:wasmexport agent_init
func agentInit() int32 {
	handled = 0
	logLine("go agent ready")
	return 0
}

//go:wasmexport agent_shutdown
func agentShutdown() {
	logLine("go agent stopped")
}

// getCapabilities writes the capabilities where they fit, and says how many bytes they take.
//
//go:wasmexport get_capabilities
func getCapabilities(ptr unsafe.Pointer, size uint32) int32 {
	if int(size) >= len(capabilities) {
		copy(unsafe.Slice((*byte)(ptr), size), capabilities)
	}
	return int32(len(capabilities))
}

//go:wasmexport handle_message
func handleMessage(ptr unsafe.Pointer, size uint32) int32 {
	message, err := read(unsafe.Slice((*byte)(ptr), size))
	if err != nil {
		logError("the message cannot be read: " + err.Error())
		return 1
	}
	handled++

	switch *message.Performative {
	case "request":
		return handleRequest(message)
	case "inform", "failure", "not-understood":
		// Silence here keeps two agents from feeding each other errors for ever.
		return 0
	default:
		return notUnderstood(message, "Unsupported performative: "+*message.Performative)
	}
}

func handleRequest(message *incoming) int32 {
	var content struct {
		Action field `json:"action"`
		Data   field `json:"data"`
	}
	var action string
	if json.Unmarshal(message.Content, &content) != nil || json.Unmarshal(content.Action, &action) != nil {
		return notUnderstood(message, "No action given")
	}
	switch action {
	case "process_data":
		_, text, err := work(content.Data)
		if err != nil {
			return invalid(message)
		}
		return informText(message, text)
	case "relay":
		job, text, err := work(content.Data)
		if err != nil {
			return invalid(message)
		}
		return relay(message, job.Then, text)
	case "get_status":
		status := object{"status": "ready", "language": "go", "handled": handled}
		return message.reply("inform", object{"result": status})
	default:
		return notUnderstood(message, "Unknown action: "+action)
	}
}

// work reads a job and does it.
func work(data field) (job job, text string, err error) {
	if err = json.Unmarshal(data, &job); err != nil {
		return
	}
	given := job.Data
	if given == nil {
		given = job.Text
	}
	incomplete := func(s step) bool { return s.Agent == nil || s.Operation == nil }
	if given == nil || job.Operation == nil || slices.ContainsFunc(job.Then, incomplete) {
		return job, "", errors.New("incomplete")
	}
	return job, apply(*job.Operation, *given), nil
}

func apply(operation, text string) string {
	switch operation {
	case "uppercase":
		return strings.ToUpper(text)
	case "lowercase":
		return strings.ToLower(text)
	case "reverse":
		runes := []rune(text)
		slices.Reverse(runes)
		return string(runes)
	default:
		return "Unknown operation: " + operation
	}
}

// relay hands the text to the next agent, or to the one who asked when there is none.
func relay(message *incoming, steps []step, text string) int32 {
	if len(steps) == 0 {
		return informText(message, text)
	}
	data := object{"data": text, "operation": steps[0].Operation, "then": steps[1:]}
	return message.forward(*steps[0].Agent, object{"action": "relay", "data": data})
}

func informText(message *incoming, text string) int32 {
	result := object{"result": text, "timestamp": currentTimestamp()}
	return message.reply("inform", object{"result": result})
}

func invalid(message *incoming) int32 {
	message.reply("failure", object{"error": "Invalid request format"})
	return 1
}

func notUnderstood(message *incoming, why string) int32 {
	message.reply("not-understood", object{"error": why})
	return 1
}
