;; Stores nothing under nine hundred keys a turn.
(module
  ;; prelude
  (memory (export "memory") 1)
  (global $key (mut i32) (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32)
    (loop $more
      (i32.store (i32.const 4096) (global.get $key))
      (global.set $key (i32.add (global.get $key) (i32.const 1)))
      (local.set $code (call $store (i32.const 4096) (i32.const 4096) (i32.const 0) (i32.const 0)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 900))))
    (call $code (local.get $code))
    (call $answer)))
