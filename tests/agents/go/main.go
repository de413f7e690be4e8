// A worker that transforms text, alone or as one step of a relay, and takes part in FIPA's protocols.
package main

import (
	_ "embed"
	"unsafe"
)

//go:embed capabilities.json
var capabilities string

const language = "go"

// handled lives in the instance's memory, so a restart begins at nought.
var handled uint64

type object map[string]any

// main is never called: the host calls the exports.
func main() {}

//go:wasmexport agent_init
func agentInit() int32 {
	handled = 0
	loadConfig()
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

// handleTimer goes on with what was put off until this timer rings.
//
//go:wasmexport handle_timer
func handleTimer(timer int32) int32 {
	if code, ours := ringLater(timer); ours {
		return code
	}
	code, _ := ringNet(timer)
	return code
}

//go:wasmexport handle_message
func handleMessage(ptr unsafe.Pointer, size uint32) int32 {
	message, err := read(unsafe.Slice((*byte)(ptr), size))
	if err != nil {
		logError("the message cannot be read: " + err.Error())
		return 1
	}
	handled++
	// What this agent asked for itself comes back as one act or another.
	if code, ours := directoryAnswered(message); ours {
		return code
	}
	if code, ours := netAnswered(message); ours {
		return code
	}

	switch *message.Performative {
	case "request":
		return handleRequest(message)
	case "cfp":
		return call(message)
	case "accept-proposal":
		return accepted(message)
	case "propose":
		return offer(message)
	case "query-if":
		return queryIf(message)
	case "query-ref":
		return queryRef(message)
	case "subscribe":
		return subscribe(message)
	case "request-when":
		return requestWhen(message)
	case "cancel":
		return cancel(message)
	case "inform", "failure", "not-understood", "reject-proposal":
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
	readField(message.Content, &content)
	action, isText := textOf(content.Action)
	if !isText {
		return notUnderstood(message, "No action given")
	}
	switch action {
	case "process_data":
		return process(message, content.Data)
	case "relay":
		return relay(message, content.Data)
	case "get_status":
		status := object{"status": "ready", "language": language, "handled": handled}
		return message.reply("inform", object{"result": status})
	case "agree_first":
		message.agree()
		return message.reply("inform", object{"result": "done"})
	case "ask_df":
		return askDirectory(message, content.Data)
	case "start_contract_net":
		return startNet(message, content.Data)
	default:
		return notUnderstood(message, "Unknown action: "+action)
	}
}

func invalid(message *incoming) int32 {
	message.reply("failure", object{"error": "Invalid request format"})
	return 1
}

func notUnderstood(message *incoming, why string) int32 {
	message.reply("not-understood", object{"error": why})
	return 1
}
