;; Sets timers until it may not; says how many there were.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_timer") (param i32) (result i32) unreachable)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $more
      (if (call $set_timer (i64.const -1))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
    (call $code (local.get $n))
    (call $answer)))
