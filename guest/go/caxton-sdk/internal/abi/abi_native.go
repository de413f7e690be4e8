//go:build !wasip1

// Package abi is the border between an agent and its host: the host's functions, with Go's types.
//
// Outside WebAssembly they are those of a mock host, which also calls what an agent exports.
package abi

// Host is the host's functions. Results are as the host gives them: a negative one is an error.
type Host interface {
	SendMessage(message []byte) int32
	SendLocalMessage(agent string, message []byte) int32
	BroadcastMessage(filter, message []byte) int32
	SubscribeMessages(filter []byte) int32
	UnsubscribeMessages(id int32) int32
	CurrentTimestamp() int64
	RandomU32() uint32
	SleepMicros(micros int64)
	SetTimer(micros int64) uint32
	CancelTimer(timer uint32) int32
	StoreData(key string, value []byte) int32
	LoadData(key string, buffer []byte) int32
	DeleteData(key string) int32
	DataSize(key string) int32
	Log(level int32, line string)
}

// Exports is what an agent's module exports.
type Exports struct {
	Init            func() int32
	HandleMessage   func(data []byte) int32
	HandleTimer     func(timer uint32) int32
	GetCapabilities func() []byte
	Shutdown        func()
}

// Agent is the agent of this program. The package caxton fills it in.
var Agent Exports

// Current is the mock host of the test that runs; nil if there is none.
var Current Host

func host() Host {
	if Current == nil {
		panic("caxton: there is no host outside WebAssembly; in a test, call caxtontest.New first")
	}
	return Current
}

func SendMessage(message []byte) int32 { return host().SendMessage(message) }

func SendLocalMessage(agent string, message []byte) int32 {
	return host().SendLocalMessage(agent, message)
}

func BroadcastMessage(filter, message []byte) int32 { return host().BroadcastMessage(filter, message) }
func SubscribeMessages(filter []byte) int32         { return host().SubscribeMessages(filter) }
func UnsubscribeMessages(id int32) int32            { return host().UnsubscribeMessages(id) }
func CurrentTimestamp() int64                       { return host().CurrentTimestamp() }
func RandomU32() uint32                             { return host().RandomU32() }
func SleepMicros(micros int64)                      { host().SleepMicros(micros) }
func SetTimer(micros int64) uint32                  { return host().SetTimer(micros) }
func CancelTimer(timer uint32) int32                { return host().CancelTimer(timer) }
func StoreData(key string, value []byte) int32      { return host().StoreData(key, value) }
func LoadData(key string, buffer []byte) int32      { return host().LoadData(key, buffer) }
func DeleteData(key string) int32                   { return host().DeleteData(key) }
func DataSize(key string) int32                     { return host().DataSize(key) }
func Log(level int32, line string)                  { host().Log(level, line) }

// ConsoleLog is the host's own level for it, as is ConsoleError's.
func ConsoleLog(line string)   { host().Log(3, line) }
func ConsoleError(line string) { host().Log(1, line) }
