package caxton

import "unsafe"

// blocks keeps what the host has been given, which the collector could not know to be in use.
var blocks = map[unsafe.Pointer][]byte{}

// exportAlloc gives the host memory to write messages to. Go would not notice pages that the host added itself.
//
//go:wasmexport caxton_alloc
func exportAlloc(size uint32) unsafe.Pointer {
	block := make([]byte, max(size, 1))
	ptr := unsafe.Pointer(unsafe.SliceData(block))
	blocks[ptr] = block
	return ptr
}

//go:wasmexport caxton_free
func exportFree(ptr unsafe.Pointer, _ uint32) { delete(blocks, ptr) }

//go:wasmexport agent_init
func exportInit() int32 { return initAgent() }

//go:wasmexport agent_shutdown
func exportShutdown() { shutdown() }

//go:wasmexport handle_message
func exportHandleMessage(ptr unsafe.Pointer, size uint32) int32 {
	return handleMessage(unsafe.Slice((*byte)(ptr), size))
}

//go:wasmexport handle_timer
func exportHandleTimer(timer uint32) int32 { return handleTimer(Timer(timer)) }

// exportCapabilities writes the capabilities where they fit, and says how many bytes they take.
//
//go:wasmexport get_capabilities
func exportCapabilities(ptr unsafe.Pointer, size uint32) int32 {
	capabilities := getCapabilities()
	if len(capabilities) <= int(size) {
		copy(unsafe.Slice((*byte)(ptr), size), capabilities)
	}
	return int32(len(capabilities))
}
