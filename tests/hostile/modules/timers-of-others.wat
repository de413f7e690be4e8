;; Cancels timers that it does not have, and one twice.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_timer") (param i32) (result i32) unreachable)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $id i32)
    (call $code (call $cancel_timer (i32.const 0)))
    (call $code (call $cancel_timer (i32.const -1)))
    (call $code (call $cancel_timer (i32.const 0x7fffffff)))
    (local.set $id (call $set_timer (i64.const 0x7fffffffffffffff)))
    (call $code (call $cancel_timer (local.get $id)))
    (call $code (call $cancel_timer (local.get $id)))
    (call $answer)))
