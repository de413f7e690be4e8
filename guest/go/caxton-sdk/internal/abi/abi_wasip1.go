// Package abi is the border between an agent and its host: the host's functions, with Go's types.
//
// Results are as the host gives them: a negative one is an error.
package abi

import (
	"runtime"
	"unsafe"
)

//go:wasmimport caxton send_message
func sendMessage(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport caxton send_local_message
func sendLocalMessage(agent unsafe.Pointer, agentSize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport caxton broadcast_message
func broadcastMessage(filter unsafe.Pointer, filterSize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport caxton subscribe_messages
func subscribeMessages(filter unsafe.Pointer, size uint32) int32

//go:wasmimport caxton unsubscribe_messages
func unsubscribeMessages(id int32) int32

//go:wasmimport caxton current_timestamp
func currentTimestamp() int64

//go:wasmimport caxton random_u32
func randomU32() uint32

//go:wasmimport caxton sleep_micros
func sleepMicros(micros int64)

//go:wasmimport caxton set_timer
func setTimer(micros int64) uint32

//go:wasmimport caxton cancel_timer
func cancelTimer(timer uint32) int32

//go:wasmimport caxton store_data
func storeData(key unsafe.Pointer, keySize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport caxton load_data
func loadData(key unsafe.Pointer, keySize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport caxton delete_data
func deleteData(key unsafe.Pointer, keySize uint32) int32

//go:wasmimport caxton data_size
func dataSize(key unsafe.Pointer, keySize uint32) int32

//go:wasmimport caxton console_log
func consoleLog(ptr unsafe.Pointer, size uint32)

//go:wasmimport caxton console_error
func consoleError(ptr unsafe.Pointer, size uint32)

//go:wasmimport caxton log
func log(level int32, ptr unsafe.Pointer, size uint32)

// text is where a text lies, and its length.
func text(value string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(value)), uint32(len(value))
}

// block is where bytes lie, and their length.
func block(value []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value))
}

// SendMessage queues a message, as JSON.
func SendMessage(message []byte) int32 {
	result := sendMessage(block(message))
	runtime.KeepAlive(message)
	return result
}

// SendLocalMessage queues a message for one agent.
func SendLocalMessage(agent string, message []byte) int32 {
	name, nameSize := text(agent)
	ptr, size := block(message)
	result := sendLocalMessage(name, nameSize, ptr, size)
	runtime.KeepAlive(agent)
	runtime.KeepAlive(message)
	return result
}

// BroadcastMessage queues a message for all that a filter matches; how many.
func BroadcastMessage(filter, message []byte) int32 {
	what, whatSize := block(filter)
	ptr, size := block(message)
	result := broadcastMessage(what, whatSize, ptr, size)
	runtime.KeepAlive(filter)
	runtime.KeepAlive(message)
	return result
}

// SubscribeMessages begins a subscription; its id.
func SubscribeMessages(filter []byte) int32 {
	result := subscribeMessages(block(filter))
	runtime.KeepAlive(filter)
	return result
}

// UnsubscribeMessages ends a subscription.
func UnsubscribeMessages(id int32) int32 { return unsubscribeMessages(id) }

// CurrentTimestamp is microseconds since 1970.
func CurrentTimestamp() int64 { return currentTimestamp() }

// RandomU32 is a random number.
func RandomU32() uint32 { return randomU32() }

// SleepMicros waits.
func SleepMicros(micros int64) { sleepMicros(micros) }

// SetTimer sets a timer; its id, or 0 if it was refused.
func SetTimer(micros int64) uint32 { return setTimer(micros) }

// CancelTimer ends a timer.
func CancelTimer(timer uint32) int32 { return cancelTimer(timer) }

// StoreData keeps a value.
func StoreData(key string, value []byte) int32 {
	name, nameSize := text(key)
	ptr, size := block(value)
	result := storeData(name, nameSize, ptr, size)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return result
}

// LoadData writes a value into a buffer; its length.
func LoadData(key string, buffer []byte) int32 {
	name, nameSize := text(key)
	ptr, size := block(buffer)
	result := loadData(name, nameSize, ptr, size)
	runtime.KeepAlive(key)
	runtime.KeepAlive(buffer)
	return result
}

// DeleteData deletes a value.
func DeleteData(key string) int32 {
	result := deleteData(text(key))
	runtime.KeepAlive(key)
	return result
}

// DataSize is the length of a value.
func DataSize(key string) int32 {
	result := dataSize(text(key))
	runtime.KeepAlive(key)
	return result
}

// ConsoleLog writes a line to the log, at info.
func ConsoleLog(line string) {
	consoleLog(text(line))
	runtime.KeepAlive(line)
}

// ConsoleError writes a line to the log, at error.
func ConsoleError(line string) {
	consoleError(text(line))
	runtime.KeepAlive(line)
}

// Log writes a line to the log.
func Log(level int32, line string) {
	ptr, size := text(line)
	log(level, ptr, size)
	runtime.KeepAlive(line)
}
