//go:build !tinygo

package main

import (
	"fmt"
	"unsafe"
)

// What standard Go needs beside the guide's text, which is for TinyGo. To standard Go, //export is a comment:
// these functions are exported, and call the guide's.

//go:wasmexport agent_init
func exportInit() int32 { return agentInit() }

//go:wasmexport agent_shutdown
func exportShutdown() { agentShutdown() }

//go:wasmexport handle_message
func exportHandleMessage(msgPtr unsafe.Pointer, msgLen int32) int32 {
	return handleMessage(uintptr(msgPtr), msgLen)
}

// println writes to standard output, as TinyGo's does, so that lines are in the log at the level info. Standard
// Go's own writes to standard error, whose lines count as errors.
func println(values ...any) { fmt.Println(values...) }

// blocks keeps what the host has been given, which the collector could not know to be in use.
var blocks = map[unsafe.Pointer][]byte{}

// exportAlloc gives the host memory to write messages to. TinyGo exports malloc and free by itself.
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
