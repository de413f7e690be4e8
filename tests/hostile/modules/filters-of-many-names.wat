;; Subscribes with sixty-four filters of ten thousand names each, none of which any message has.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "{\"sender\":[\00")
  ;; Writes a filter with 10000 names behind the text at 4096; its length.
  (func $filter (result i32) (local $n i32) (local $at i32)
    (local.set $at (i32.const 4107))
    (loop $more
      (i32.store (local.get $at) (i32.const 0x2c227822))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 10000))))
    ;; The last comma gives way.
    (i32.store16 (i32.sub (local.get $at) (i32.const 1)) (i32.const 0x7d5d))
    (i32.sub (i32.add (local.get $at) (i32.const 1)) (i32.const 4096)))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32) (local $size i32)
    (local.set $size (call $filter))
    (loop $more
      (local.set $code (call $subscribe (i32.const 4096) (local.get $size)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 64))))
    (call $code (local.get $code))
    (call $answer)))
