;; Goes round as often as its configuration says whenever its timer rings, and lets it ring again at once.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "config")
  (global $rounds (mut i64) (i64.const 0))
  (func $read_config (local $at i32) (local $end i32)
    (local.set $at (i32.const 8192))
    (local.set $end (i32.add (local.get $at)
      (call $load (i32.const 4096) (i32.const 6) (i32.const 8192) (i32.const 64))))
    (loop $digit
      (global.set $rounds (i64.add (i64.mul (global.get $rounds) (i64.const 10))
        (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (i32.lt_u (local.get $at) (local.get $end)))))
  (func $work (local $n i64)
    (loop $more
      (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (br_if $more (i64.lt_u (local.get $n) (global.get $rounds)))))
  (func (export "agent_init") (result i32)
    (call $read_config)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (call $work)
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
