;; Writes forty megabytes of ends of lines to standard output whenever its timer rings, and lets it ring again at once.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 640)
  (func (export "agent_init") (result i32)
    (memory.fill (i32.const 65536) (i32.const 10) (i32.const 40000000))
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32) (local $left i32)
    (local.set $left (i32.const 40000000))
    (loop $more
      (i32.store (i32.const 8192) (i32.const 65536))
      (i32.store (i32.const 8196) (local.get $left))
      (if (i32.eqz (call $fd_write (i32.const 1) (i32.const 8192) (i32.const 1) (i32.const 8200)))
        (then
          (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8200))))
          (br_if $more (i32.gt_s (local.get $left) (i32.const 0))))))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
