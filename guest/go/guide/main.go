// main.go
package main

import (
    "encoding/json"
    "strings"
    "unsafe"
)

//export agent_init
func agentInit() int32 {
    println("Go agent initializing...")
    return 0
}

//export agent_shutdown
func agentShutdown() {
    println("Go agent shutting down...")
}

//export handle_message
func handleMessage(msgPtr uintptr, msgLen int32) int32 {
    // Convert WASM memory to Go slice
    msgBytes := (*[1 << 30]byte)(unsafe.Pointer(msgPtr))[:msgLen:msgLen]

    var message FipaMessage
    if err := json.Unmarshal(msgBytes, &message); err != nil {
        println("Failed to parse message:", err.Error())
        return 1
    }

    switch message.Performative {
    case "request":
        return handleRequest(&message)
    case "inform":
        return handleInform(&message)
    default:
        sendNotUnderstood(&message)
        return 1
    }
}

type FipaMessage struct {
    Performative     string                 `json:"performative"`
    Sender          string                 `json:"sender"`
    Receiver        string                 `json:"receiver"`
    Content         map[string]interface{} `json:"content"`
    ConversationID  *string                `json:"conversation_id,omitempty"`
    ReplyWith       *string                `json:"reply_with,omitempty"`
    InReplyTo       *string                `json:"in_reply_to,omitempty"`
}

type ProcessRequest struct {
    Data      string `json:"data"`
    Operation string `json:"operation"`
}

type ProcessResponse struct {
    Result    string `json:"result"`
    Timestamp int64  `json:"timestamp"`
}

func handleRequest(message *FipaMessage) int32 {
    action, ok := message.Content["action"].(string)
    if !ok {
        sendFailure(message, "Missing action field")
        return 1
    }

    switch action {
    case "process_data":
        dataInterface, exists := message.Content["data"]
        if !exists {
            sendFailure(message, "Missing data field")
            return 1
        }

        dataBytes, _ := json.Marshal(dataInterface)
        var request ProcessRequest
        if err := json.Unmarshal(dataBytes, &request); err != nil {
            sendFailure(message, "Invalid data format")
            return 1
        }

        response := processData(&request)
        sendInformResponse(message, response)
        return 0

    case "get_status":
        status := getAgentStatus()
        sendInformResponse(message, status)
        return 0

    default:
        sendNotUnderstood(message)
        return 1
    }
}

func processData(request *ProcessRequest) *ProcessResponse {
    var result string

    switch request.Operation {
    case "uppercase":
        result = strings.ToUpper(request.Data)
    case "lowercase":
        result = strings.ToLower(request.Data)
    case "reverse":
        runes := []rune(request.Data)
        for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
            runes[i], runes[j] = runes[j], runes[i]
        }
        result = string(runes)
    default:
        result = "Unknown operation: " + request.Operation
    }

    return &ProcessResponse{
        Result:    result,
        Timestamp: getCurrentTimestamp(),
    }
}

//go:wasmimport env send_message
func sendMessage(ptr uintptr, len int32)

//go:wasmimport env current_timestamp
func getCurrentTimestamp() int64

func sendInformResponse(originalMessage *FipaMessage, response interface{}) {
    responseMsg := FipaMessage{
        Performative: "inform",
        Sender:       originalMessage.Receiver,
        Receiver:     originalMessage.Sender,
        Content:      map[string]interface{}{"result": response},
        InReplyTo:    originalMessage.ReplyWith,
    }

    responseBytes, _ := json.Marshal(responseMsg)
    sendMessage(uintptr(unsafe.Pointer(&responseBytes[0])), int32(len(responseBytes)))
}

func main() {}
