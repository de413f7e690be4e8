;; Subscribes with a filter as often as it may whenever its timer rings, ends it all when it rings again, and lets
;; it ring at once. Its configuration is the filter.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "config")
  (global $size (mut i32) (i32.const 0))
  ;; How many there are; their numbers stand from 4112 on.
  (global $count (mut i32) (i32.const 0))
  (func $at (param $n i32) (result i32)
    (i32.add (i32.const 4112) (i32.mul (local.get $n) (i32.const 4))))
  (func (export "agent_init") (result i32)
    (global.set $size (call $load (i32.const 4096) (i32.const 6) (i32.const 8192) (i32.const 1200000)))
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func $begin (local $id i32)
    (loop $more
      (local.set $id (call $subscribe (i32.const 8192) (global.get $size)))
      (if (i32.gt_s (local.get $id) (i32.const 0))
        (then
          (i32.store (call $at (global.get $count)) (local.get $id))
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (br $more)))))
  (func $end_all
    (loop $more
      (global.set $count (i32.sub (global.get $count) (i32.const 1)))
      ;; What costs too much in this turn is ended in the next.
      (if (call $unsubscribe (i32.load (call $at (global.get $count))))
        (then (global.set $count (i32.add (global.get $count) (i32.const 1))) (return)))
      (br_if $more (global.get $count))))
  (func (export "handle_timer") (param i32) (result i32)
    (if (global.get $count) (then (call $end_all)) (else (call $begin)))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
