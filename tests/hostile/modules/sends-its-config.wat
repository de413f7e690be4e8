;; Sends a message so often whenever its timer rings, and lets it ring again at once. Its configuration is both:
;; [times, message]. 1000000000000000 in the message becomes the beginning of the second after the next.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "config")
  (data (i32.const 4112) "1000000000000000")
  (global $times (mut i32) (i32.const 0))
  (global $message (mut i32) (i32.const 8193))
  (global $len (mut i32) (i32.const 0))
  ;; Where a time is to be written, or 0.
  (global $due (mut i32) (i32.const 0))
  (func $read_config (local $at i32) (local $end i32)
    (local.set $end (i32.add (i32.const 8192)
      (call $load (i32.const 4096) (i32.const 6) (i32.const 8192) (i32.const 1200000))))
    (loop $digit
      (global.set $times (i32.add (i32.mul (global.get $times) (i32.const 10))
        (i32.sub (i32.load8_u (global.get $message)) (i32.const 48))))
      (global.set $message (i32.add (global.get $message) (i32.const 1)))
      (br_if $digit (i32.ge_u (i32.load8_u (global.get $message)) (i32.const 48))))
    (global.set $message (i32.add (global.get $message) (i32.const 1)))
    ;; Up to the bracket.
    (global.set $len (i32.sub (i32.sub (local.get $end) (i32.const 1)) (global.get $message)))
    (local.set $at (global.get $message))
    (loop $look
      (if (i64.eq (i64.load (local.get $at)) (i64.load (i32.const 4112)))
        (then (if (i64.eq (i64.load (i32.add (local.get $at) (i32.const 8))) (i64.load (i32.const 4120)))
          (then (global.set $due (local.get $at)) (return)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $look (i32.lt_u (local.get $at) (local.get $end)))))
  (func $write_time (local $n i32) (local $time i64)
    (local.set $time (i64.mul
      (i64.add (i64.div_u (call $now) (i64.const 1000000)) (i64.const 2)) (i64.const 1000000)))
    (local.set $n (i32.const 16))
    (loop $digit
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (i32.store8 (i32.add (global.get $due) (local.get $n))
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $time) (i64.const 10)))))
      (local.set $time (i64.div_u (local.get $time) (i64.const 10)))
      (br_if $digit (local.get $n))))
  (func (export "agent_init") (result i32)
    (call $read_config)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32) (local $n i32)
    (if (global.get $due) (then (call $write_time)))
    (local.set $n (global.get $times))
    (loop $more
      (drop (call $send (global.get $message) (global.get $len)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
