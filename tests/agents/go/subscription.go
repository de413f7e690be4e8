package main

const maxSubscriptions = 16

// subscription is how far one has come.
type subscription struct {
	every, times, count int64
	// ends says whether times was given.
	ends bool
}

// subscribe begins to tell something again and again (FIPA subscribe).
func subscribe(message *incoming) int32 {
	var wanted struct {
		Every field `json:"every_micros"`
		Times field `json:"times"`
	}
	readField(message.Content, &wanted)
	every, isEvery := wholeOf(wanted.Every)
	times, ends := wholeOf(wanted.Times)
	if !isEvery || every == 0 || !ends && len(wanted.Times) > 0 {
		return message.refuse("unknown interval")
	}
	if subscriptions() >= maxSubscriptions {
		return message.refuse("too many subscriptions")
	}
	running := subscription{every: every, times: times, ends: ends}
	return agreeTo(later{message: message, job: running.notify, isSubscription: true}, every)
}

// notify tells the next count, and waits for the one after it.
func (s subscription) notify(message *incoming) int32 {
	if s.ends && s.count == s.times {
		return message.fail("the source ran dry")
	}
	s.count++
	code := message.reply("inform", object{"count": s.count})
	if why := putOff(later{message: message, job: s.notify, isSubscription: true}, s.every); why != "" {
		return message.fail(why)
	}
	return code
}

// requestWhen does something once a condition holds (FIPA request-when).
func requestWhen(message *incoming) int32 {
	var content struct {
		Condition field `json:"condition"`
	}
	var condition struct {
		After field `json:"after_micros"`
	}
	readField(message.Content, &content)
	readField(content.Condition, &condition)
	after, is := wholeOf(condition.After)
	if !is {
		return message.refuse("unknown condition")
	}
	return agreeTo(later{message: message, job: finish}, after)
}

func finish(message *incoming) int32 { return message.reply("inform", object{"result": "done"}) }

func cancel(message *incoming) int32 {
	if !dropConversation(message) {
		return message.fail("too late")
	}
	return message.reply("inform", object{"cancelled": true})
}

func agreeTo(it later, micros int64) int32 {
	if why := putOff(it, micros); why != "" {
		return it.message.refuse(why)
	}
	return it.message.agree()
}
