package main

import (
	"runtime"
	"unsafe"
)

//go:wasmimport env send_message
func sendMessage(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport env console_log
func consoleLog(ptr unsafe.Pointer, size uint32)

//go:wasmimport env console_error
func consoleError(ptr unsafe.Pointer, size uint32)

//go:wasmimport env current_timestamp
func currentTimestamp() int64

//go:wasmimport env data_size
func dataSize(key unsafe.Pointer, keySize uint32) int32

//go:wasmimport env load_data
func loadData(key unsafe.Pointer, keySize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport env random_u32
func randomU32() uint32

// setTimer has handle_timer called after so many microseconds; 0 if there can be no more timers.
//
//go:wasmimport env set_timer
func setTimer(micros int64) int32

//go:wasmimport env cancel_timer
func cancelTimer(timer int32) int32

// blocks keeps what the host has been given, which Go's collector could not know to be in use.
var blocks = map[unsafe.Pointer][]byte{}

// allocate gives the host memory to write messages to. Go would not notice pages that the host added
// itself, and might use them for something else.
//
//go:wasmexport caxton_alloc
func allocate(size uint32) unsafe.Pointer {
	block := make([]byte, max(size, 1))
	ptr := unsafe.Pointer(unsafe.SliceData(block))
	blocks[ptr] = block
	return ptr
}

//go:wasmexport caxton_free
func release(ptr unsafe.Pointer, _ uint32) {
	delete(blocks, ptr)
}

// send queues a message; the host refuses with a negative code.
func send(message []byte) int32 {
	code := sendMessage(unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message)))
	runtime.KeepAlive(message)
	return code
}

func logLine(line string) {
	consoleLog(unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

func logError(line string) {
	consoleError(unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

// load reads a stored value; it is empty if there is none.
func load(key string) []byte {
	ptr := unsafe.Pointer(unsafe.StringData(key))
	value := make([]byte, max(dataSize(ptr, uint32(len(key))), 0))
	size := loadData(ptr, uint32(len(key)), unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)))
	return value[:max(size, 0)]
}
