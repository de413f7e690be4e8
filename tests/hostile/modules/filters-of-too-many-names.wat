;; Subscribes and broadcasts with a filter of 250,000 names.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "{\"receiver\":[\00")
  ;; Writes a filter with 250000 names behind the text at 4096; its length.
  (func $filter (result i32) (local $n i32) (local $at i32)
    (local.set $at (i32.const 4109))
    (loop $more
      (i32.store (local.get $at) (i32.const 0x2c227822))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 250000))))
    ;; The last comma gives way.
    (i32.store16 (i32.sub (local.get $at) (i32.const 1)) (i32.const 0x7d5d))
    (i32.sub (i32.add (local.get $at) (i32.const 1)) (i32.const 4096)))
  (data (i32.const 4032) "{\"performative\":\"inform\",\"receiver\":\"*\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $size i32)
    (local.set $size (call $filter))
    (call $code (call $subscribe (i32.const 4096) (local.get $size)))
    (call $code (call $broadcast (i32.const 4096) (local.get $size) (i32.const 4032) (call $len (i32.const 4032))))
    (call $answer)))
