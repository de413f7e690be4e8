;; Exits with an error in the `_start` of a WASI command.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 3)))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
