package main

const (
	maxQuestions      = 16
	questionReplyWith = "df-1"
)

// askers are who waits, in the order in which the directory answers.
var askers []*incoming

// askDirectory asks the directory what somebody wants to know of it.
func askDirectory(message *incoming, data field) int32 {
	var question struct {
		Content field `json:"content"`
	}
	readField(data, &question)
	if !message.canKeep() {
		return message.refuse("too long")
	}
	if len(askers) >= maxQuestions {
		return message.refuse("too busy")
	}
	sent := post(outgoing{
		Performative: "request",
		Receiver:     "df",
		Content:      question.Content.orNull(),
		ReplyWith:    fieldOf(questionReplyWith),
		shared:       shared{Protocol: fieldOf("fipa-request")},
	})
	if sent != 0 {
		return message.fail("not sent")
	}
	askers = append(askers, message)
	return 0
}

// directoryAnswered hands on what the directory answered; false if the message is no such answer.
func directoryAnswered(message *incoming) (code int32, ours bool) {
	if to, _ := textOf(message.InReplyTo); to != questionReplyWith || len(askers) == 0 {
		return 0, false
	}
	// Where there is no directory, the host answers in its place.
	if sender, _ := textOf(message.Sender); sender != "df" && sender != "ams" {
		return 0, false
	}
	asked := askers[0]
	askers = askers[1:]
	result := object{"performative": message.Performative, "content": message.Content.orNull()}
	return asked.reply("inform", object{"result": result}), true
}
