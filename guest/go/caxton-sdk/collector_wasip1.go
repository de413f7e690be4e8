//go:build !tinygo

package caxton

import "runtime/debug"

// The collector runs when the heap has grown by half, not only when it has doubled: with messages of 1 MiB, the
// longest by default, 16 MiB of memory are enough then.
func init() { debug.SetGCPercent(50) }
