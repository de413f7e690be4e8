package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

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

func process(message *incoming, data field) int32 {
	_, text, err := work(data)
	if err != nil {
		return invalid(message)
	}
	return informText(message, text)
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
func relay(message *incoming, data field) int32 {
	job, text, err := work(data)
	if err != nil {
		return invalid(message)
	}
	steps := job.Then
	if len(steps) == 0 {
		return informText(message, text)
	}
	forwarded := object{"data": text, "operation": steps[0].Operation, "then": steps[1:]}
	return message.forward(*steps[0].Agent, object{"action": "relay", "data": forwarded})
}

func informText(message *incoming, text string) int32 {
	result := object{"result": text, "timestamp": currentTimestamp()}
	return message.reply("inform", object{"result": result})
}
