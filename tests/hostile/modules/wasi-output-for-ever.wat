;; Writes to standard output, for ever.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.store (i32.const 8192) (i32.const 0))
    (i32.store (i32.const 8196) (i32.const 65536))
    (loop $ever
      (drop (call $fd_write (i32.const 1) (i32.const 8192) (i32.const 1) (i32.const 8200)))
      (br $ever))
    unreachable))
