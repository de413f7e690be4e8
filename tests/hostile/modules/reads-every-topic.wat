;; Has eight subscriptions that each name 9,900 topics, t0 and so on, and a receiver that no message has.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "{\"receiver\":\"nobody\",\"topic\":[")
  ;; Where the next byte is written.
  (global $at (mut i32) (i32.const 4126))
  (func $write (param $byte i32)
    (i32.store8 (global.get $at) (local.get $byte))
    (global.set $at (i32.add (global.get $at) (i32.const 1))))
  (func $write_number (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $write_number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $write (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))
  (func (export "agent_init") (result i32) (local $n i32)
    (loop $more
      (if (local.get $n) (then (call $write (i32.const 44))))
      (call $write (i32.const 34)) (call $write (i32.const 116))
      (call $write_number (local.get $n))
      (call $write (i32.const 34))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 9900))))
    (call $write (i32.const 93)) (call $write (i32.const 125))
    (local.set $n (i32.const 8))
    (loop $again
      (if (call $subscribe (i32.const 4096) (i32.sub (global.get $at) (i32.const 4096))) (then) (else unreachable))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
