package main

import (
	"bytes"
	"slices"
)

// maxLater is how many things may be put off at a time.
const maxLater = 64

// later is what is put off until a timer rings. All of it lives in memory: a timer that rings after a restart
// finds nothing to do.
type later struct {
	timer   int32
	message *incoming
	// job is what is to be done with the message then.
	job func(*incoming) int32
	// isSubscription tells those that are counted.
	isSubscription bool
}

var waiting []later

// putOff puts off the rest of what a message asks for; the text says why that cannot be.
func putOff(it later, micros int64) string {
	if !it.message.canKeep() {
		return "too long"
	}
	if len(waiting) >= maxLater {
		return "too busy"
	}
	it.timer = setTimer(micros)
	if it.timer <= 0 {
		return "no timer"
	}
	waiting = append(waiting, it)
	return ""
}

// subscriptions says how many there are.
func subscriptions() int {
	count := 0
	for _, it := range waiting {
		if it.isSubscription {
			count++
		}
	}
	return count
}

// ringLater does what was put off until this timer; false if it is not one of those here.
func ringLater(timer int32) (code int32, ours bool) {
	at := slices.IndexFunc(waiting, func(it later) bool { return it.timer == timer })
	if at < 0 {
		return 0, false
	}
	it := waiting[at]
	waiting = slices.Delete(waiting, at, at+1)
	return it.job(it.message), true
}

// dropConversation drops what the sender of a message asked for in the same conversation, and says whether
// there was something.
func dropConversation(cancel *incoming) bool {
	if len(cancel.ConversationID) == 0 {
		return false
	}
	before := len(waiting)
	waiting = slices.DeleteFunc(waiting, func(it later) bool {
		isMeant := bytes.Equal(it.message.ConversationID, cancel.ConversationID) &&
			bytes.Equal(it.message.Sender, cancel.Sender)
		if isMeant {
			cancelTimer(it.timer)
		}
		return isMeant
	})
	return len(waiting) < before
}
