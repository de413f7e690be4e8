;; Exits in its start function.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $start (call $exit (i32.const 0)))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
