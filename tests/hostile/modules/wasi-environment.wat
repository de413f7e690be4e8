;; Counts its arguments and the variables of its environment, reads standard input, and looks for a socket.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $args_sizes_get (i32.const 8192) (i32.const 8196)))
    (call $code (i32.load (i32.const 8192)))
    (call $code (call $environ_sizes_get (i32.const 8192) (i32.const 8196)))
    (call $code (i32.load (i32.const 8192)))
    ;; One buffer of 64 bytes.
    (i32.store (i32.const 8192) (i32.const 8300))
    (i32.store (i32.const 8196) (i32.const 64))
    (call $code (call $fd_read (i32.const 0) (i32.const 8192) (i32.const 1) (i32.const 8200)))
    (call $code (i32.load (i32.const 8200)))
    (call $code (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 8192)))
    (call $answer)))
