;; Declares 3,000 services, in 48 KB, and traps when its timer rings for the second time: who has done a turn is
;; given a new instance at once.
(module
  ;; prelude
  (memory (export "memory") 2)
  (data (i32.const 4096) "{\"name\":\"x\",\"version\":\"1\",\"services\":[\00")
  (data (i32.const 4160) "{\"name\":\"0000\"},")
  ;; Writes them at 8192; their length.
  (func $write (result i32) (local $at i32) (local $n i32) (local $digit i32) (local $rest i32)
    (local.set $at (i32.const 8192))
    (memory.copy (local.get $at) (i32.const 4096) (call $len (i32.const 4096)))
    (local.set $at (i32.add (local.get $at) (call $len (i32.const 4096))))
    (loop $more
      (memory.copy (local.get $at) (i32.const 4160) (i32.const 16))
      (local.set $rest (local.get $n))
      (local.set $digit (i32.const 13))
      (loop $next
        (i32.store8 (i32.add (local.get $at) (local.tee $digit (i32.sub (local.get $digit) (i32.const 1))))
          (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
        (br_if $next (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000))))
    ;; The last comma gives way.
    (i32.store16 (i32.sub (local.get $at) (i32.const 1)) (i32.const 0x7d5d))
    (i32.sub (i32.add (local.get $at) (i32.const 1)) (i32.const 8192)))
  (func (export "get_capabilities") (param $ptr i32) (param $room i32) (result i32) (local $size i32)
    (local.set $size (call $write))
    (if (i32.ge_u (local.get $room) (local.get $size))
      (then (memory.copy (local.get $ptr) (i32.const 8192) (local.get $size))))
    (local.get $size))
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (global $is_second (mut i32) (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (if (global.get $is_second) (then unreachable))
    (global.set $is_second (i32.const 1))
    ;; The one that traps, and the first of the next instance.
    (drop (call $set_timer (i64.const 0)))
    (drop (call $set_timer (i64.const 2000)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
