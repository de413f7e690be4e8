//go:build !wasip1

package caxton

import "github.com/caxton-dev/caxton/guest/go/caxton-sdk/internal/abi"

// Outside WebAssembly a test's mock host calls what the host would.
func init() {
	abi.Agent = abi.Exports{
		Init:            initAgent,
		HandleMessage:   handleMessage,
		HandleTimer:     func(timer uint32) int32 { return handleTimer(Timer(timer)) },
		GetCapabilities: getCapabilities,
		Shutdown:        shutdown,
	}
}
