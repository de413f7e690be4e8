// An agent that greets by name, counts its greetings, and reminds when the time has come.
package main

import (
	"encoding/json"
	"errors"
	"fmt"

	caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
)

// What the host calls is registered here: it never calls main.
func init() {
	caxton.Capabilities(caxton.AgentCapabilities{
		Version:       "0.1.0",
		Performatives: []string{caxton.ActRequest},
		Services:      []caxton.ServiceDescription{{Name: "greeting"}},
	})
	caxton.OnInit(start)
	caxton.RegisterHandler("greet", greet)
	caxton.RegisterHandler("remind", remind)
	caxton.OnTimer(ring)
}

func main() {}

func start() error {
	caxton.Log(caxton.LevelInfo, "my-agent is ready")
	return nil
}

type greeting struct {
	Greeting string `json:"greeting"`
	Greeted  int    `json:"greeted"`
}

func greet(m *caxton.FipaMessage) error {
	// A map, since the keys of a struct would be taken in any case.
	var content map[string]any
	if err := m.Decode(&content); err != nil {
		return err
	}
	name, _ := content["name"].(string)
	if name == "" {
		return errors.New(`Expected a name, as in {"action": "greet", "name": "Ada"}`)
	}
	// Stored data outlives a restart, and variables do not.
	greeted := 0
	if err := caxton.Load("greeted", &greeted); err != nil && !errors.Is(err, caxton.ErrNotFound) {
		return err
	}
	greeted++
	if err := caxton.Store("greeted", greeted); err != nil {
		return err
	}
	return caxton.SendInformResponse(m, greeting{"Hello, " + name + "!", greeted})
}

// reminder is what is stored until its timer is due.
type reminder struct {
	Message *caxton.FipaMessage `json:"message"`
	Text    string              `json:"text"`
}

// From tooLate on, not every language reads whole numbers in JSON exactly.
const tooLate = 1 << 53

func remind(m *caxton.FipaMessage) error {
	var content map[string]any
	if err := m.Decode(&content); err != nil {
		return err
	}
	number, _ := content["after_micros"].(json.Number)
	micros, err := number.Int64()
	text, isText := content["text"].(string)
	if err != nil || micros < 0 || micros >= tooLate || !isText {
		return errors.New(`Expected microseconds and a text, ` +
			`as in {"action": "remind", "after_micros": 1000, "text": "tea"}`)
	}
	timer, err := caxton.SetTimer(micros)
	if err != nil {
		return err
	}
	if err := caxton.Store(reminderKey(timer), reminder{m.WithoutContent(), text}); err != nil {
		_ = caxton.CancelTimer(timer)
		return err
	}
	return caxton.SendReply(m, caxton.ActAgree, nil)
}

// ring is called for each timer that is due.
func ring(timer caxton.Timer) error {
	var due reminder
	err := caxton.Load(reminderKey(timer), &due)
	if errors.Is(err, caxton.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := caxton.DeleteData(reminderKey(timer)); err != nil {
		return err
	}
	return caxton.SendInformResponse(due.Message, map[string]string{"reminder": due.Text})
}

func reminderKey(timer caxton.Timer) string { return fmt.Sprintf("reminder:%d", timer) }
