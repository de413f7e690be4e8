package main

// queryIf answers whether something about the agent is so.
func queryIf(message *incoming) int32 {
	var question struct {
		Proposition field `json:"proposition"`
	}
	var proposition struct {
		HandledMoreThan field `json:"handled_more_than"`
	}
	readField(message.Content, &question)
	if len(question.Proposition) == 0 {
		return notUnderstood(message, "No proposition given")
	}
	readField(question.Proposition, &proposition)
	number, is := numberOf(proposition.HandledMoreThan)
	if !is {
		return message.refuse("unknown proposition")
	}
	return message.reply("inform", object{"result": float64(handled) > number.value})
}

// queryRef answers what something about the agent is.
func queryRef(message *incoming) int32 {
	var question struct {
		Reference field `json:"reference"`
	}
	readField(message.Content, &question)
	if len(question.Reference) == 0 {
		return notUnderstood(message, "No reference given")
	}
	if reference, _ := textOf(question.Reference); reference != "language" {
		return message.fail("unknown reference")
	}
	return message.reply("inform", object{"result": language})
}
