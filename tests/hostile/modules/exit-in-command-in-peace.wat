;; Exits without an error in the `_start` of a WASI command, as commands do.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 0)))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
