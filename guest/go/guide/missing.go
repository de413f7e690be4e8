package main

import (
	"encoding/json"
	"unsafe"
)

// What the guide's agent calls, and the guide does not show.

func handleInform(message *FipaMessage) int32 {
	return 0
}

func getAgentStatus() map[string]interface{} {
	return map[string]interface{}{"status": "ready", "timestamp": getCurrentTimestamp()}
}

func sendFailure(originalMessage *FipaMessage, reason string) {
	sendError(originalMessage, "failure", reason)
}

func sendNotUnderstood(originalMessage *FipaMessage) {
	sendError(originalMessage, "not-understood", "The message was not understood")
}

func sendError(originalMessage *FipaMessage, performative string, reason string) {
	responseMsg := FipaMessage{
		Performative:   performative,
		Sender:         originalMessage.Receiver,
		Receiver:       originalMessage.Sender,
		Content:        map[string]interface{}{"error": reason},
		ConversationID: originalMessage.ConversationID,
		InReplyTo:      originalMessage.ReplyWith,
	}

	responseBytes, _ := json.Marshal(responseMsg)
	sendMessage(uintptr(unsafe.Pointer(&responseBytes[0])), int32(len(responseBytes)))
}
