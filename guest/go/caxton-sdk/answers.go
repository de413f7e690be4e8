package caxton

import "errors"

// SendReply answers a message by any act, with the content as it is given; nil for none.
//
// The answer is as FIPA SC00061 has it: it goes to reply_to where the message has one, and else to its sender;
// its in_reply_to is the message's reply_with; and it keeps conversation_id, protocol, ontology and language.
// It is an error if the message names nobody to answer.
func SendReply(to *FipaMessage, performative string, content any) error {
	receiver := to.answerTo()
	if receiver == "" {
		return errors.New("it has neither a reply_to nor a sender")
	}
	return SendMessage(&FipaMessage{
		Performative:   performative,
		Receiver:       To(receiver),
		Content:        content,
		InReplyTo:      to.ReplyWith,
		ConversationID: to.ConversationID,
		Protocol:       to.Protocol,
		Ontology:       to.Ontology,
		Language:       to.Language,
	})
}

// SendInformResponse answers a message by an inform with the content {"result": result}.
func SendInformResponse(to *FipaMessage, result any) error {
	return SendReply(to, ActInform, struct {
		Result any `json:"result"`
	}{result})
}

// SendFailure answers a message by a failure with the content {"error": text}.
func SendFailure(to *FipaMessage, text string) error {
	return sendError(to, ActFailure, text)
}

// SendNotUnderstood answers a message by a not-understood with the content {"error": text}. Without a text it
// says which action or which performative it was.
func SendNotUnderstood(to *FipaMessage, text ...string) error {
	if len(text) == 0 {
		return sendError(to, ActNotUnderstood, notUnderstood(to))
	}
	return sendError(to, ActNotUnderstood, text[0])
}

func sendError(to *FipaMessage, act, text string) error {
	return SendReply(to, act, struct {
		Error string `json:"error"`
	}{text})
}

// notUnderstood is what to say of a message that nobody handles: its action, or its act.
func notUnderstood(m *FipaMessage) string {
	if m.Performative != ActRequest {
		return "Unsupported performative: " + m.Performative
	}
	if action, given := m.Action(); given {
		return "Unknown action: " + action
	}
	return "No action given"
}
