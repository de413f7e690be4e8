package caxton

import (
	"fmt"
	"strings"
)

// maxShownBytes is how much of a key or a name an error shows.
const maxShownBytes = 80

// Code is why the host refused a call. It is an error to compare with: errors.Is(err, caxton.ErrNotFound).
type Code int32

// The host's codes.
const (
	// ErrNotFound: there is no such key, agent, timer or subscription.
	ErrNotFound Code = -1
	// ErrInvalidArgument: a message, a filter, a key or a time is not what the host expects.
	ErrInvalidArgument Code = -2
	// ErrPermissionDenied: the agent's grants do not allow it, or a message names another sender.
	ErrPermissionDenied Code = -3
	// ErrLimitExceeded: a rate, a size or a count is above the agent's limit.
	ErrLimitExceeded Code = -4
	// ErrBufferTooSmall: a stored value is longer than the buffer for it.
	ErrBufferTooSmall Code = -5
	// ErrMailboxFull: the receiver has no room now.
	ErrMailboxFull Code = -6
)

// Error says what happened, and what to do.
func (c Code) Error() string {
	switch c {
	case ErrNotFound:
		return "not found: there is no such key, agent, timer or subscription"
	case ErrInvalidArgument:
		return "invalid argument: the host could not read what it was given; the agent's log says more"
	case ErrPermissionDenied:
		return "permission denied: the agent's grants do not allow it, or the message names another sender; " +
			"the agent's log says more"
	case ErrLimitExceeded:
		return "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more"
	case ErrBufferTooSmall:
		return "buffer too small: the value is longer than the buffer; ask for its size first"
	case ErrMailboxFull:
		return "mailbox full: the receiver has no room now; try again later"
	default:
		return fmt.Sprintf("the host gave the code %d; the agent's log says more", int32(c))
	}
}

// HostError is a call of the host that it refused.
type HostError struct {
	// Call is the host's function, such as "send_message".
	Call string
	// Subject is what the call was about: a key or an agent's name; empty where it has none.
	Subject string
	// Code is why.
	Code Code
}

// Error says which call was refused, and why.
func (e *HostError) Error() string {
	if e.Subject == "" {
		return fmt.Sprintf("%s: %v", e.Call, e.Code)
	}
	subject := e.Subject
	if len(subject) > maxShownBytes {
		// The cut may go through a character.
		subject = strings.ToValidUTF8(subject[:maxShownBytes], "") + "…"
	}
	return fmt.Sprintf("%s %q: %v", e.Call, subject, e.Code)
}

// Unwrap is the code.
func (e *HostError) Unwrap() error { return e.Code }

// refused is the error that a result of the host stands for: nil unless it is negative.
func refused(call, subject string, result int32) error {
	if result >= 0 {
		return nil
	}
	return &HostError{Call: call, Subject: subject, Code: Code(result)}
}

// answer is an error that says by which act a message is answered.
type answer struct{ act, text string }

func (a *answer) Error() string { return a.text }

// NotUnderstood is an error for a handler to return: the message is answered by a not-understood with the
// content {"error": text}.
func NotUnderstood(text string) error { return &answer{ActNotUnderstood, text} }

// Refuse is an error for a handler to return: the message is answered by a refuse with the content
// {"error": text}.
func Refuse(text string) error { return &answer{ActRefuse, text} }
