// Package caxton is the kit for agents of Caxton that are written in Go.
//
// An agent is a WebAssembly module that handles FIPA messages (SC00061), one at a time. This package exports
// the functions that the host calls, so that an agent only says what is to happen:
//
//	package main
//
//	import caxton "github.com/caxton-dev/caxton/guest/go/caxton-sdk"
//
//	func init() {
//		caxton.Capabilities(caxton.AgentCapabilities{
//			Version:  "0.1.0",
//			Services: []caxton.ServiceDescription{{Name: "greeting"}},
//		})
//		caxton.RegisterHandler("greet", greet)
//	}
//
//	func greet(m *caxton.FipaMessage) error {
//		var content struct{ Name string }
//		if err := m.Decode(&content); err != nil {
//			return err
//		}
//		return caxton.SendInformResponse(m, "Hello, "+content.Name+"!")
//	}
//
//	func main() {}
//
// The functions are given in init, because the host never calls main. An agent is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o agent.wasm .
//
// # Turns
//
// The host calls the agent for one message, one timer, its init or its shutdown; each such call is a turn. What
// a turn sends, stores and sets takes effect when it has ended, all of it, also where the handler returned an
// error. Where the handler panics, nothing of it does: the turn ends in a trap, the panic's text and stack are
// in the agent's log, whoever sent the message gets a failure from the host, and the next message finds a fresh
// instance, whose package variables are as they were at first. What is to outlast that, or a restart, is
// stored: see [Store].
//
// # Time
//
// All times are microseconds, and all points in time are microseconds since 1970, as for the host.
//
// # Tests
//
// Outside WebAssembly the host's functions are those of a mock host: see the package caxtontest.
package caxton
