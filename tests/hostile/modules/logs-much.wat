;; Logs a thousand bytes, nine hundred times a turn.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (memory.fill (i32.const 4096) (i32.const 0x61) (i32.const 1000))
    (loop $more
      (call $log (i32.const 4096) (i32.const 1000))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 900))))
    (call $code (local.get $n))
    (call $answer)))
