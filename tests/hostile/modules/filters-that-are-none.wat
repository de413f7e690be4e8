;; Subscribes with what is no filter.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "\00")
  (data (i32.const 4160) "[]\00")
  (data (i32.const 4224) "null\00")
  (data (i32.const 4288) "{\"secret\":1}\00")
  (data (i32.const 4352) "{\"topic\":7}\00")
  (data (i32.const 4416) "{\"performative\":\"shout\"}\00")
  (data (i32.const 4480) "{\"topic\":\"a\",\"topic\":\"b\"}\00")
  (data (i32.const 4544) "{\"topic\":[\"a\",7]}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.const 4096))
    (loop $next
      (call $code (call $subscribe (local.get $at) (call $len (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 4608))))
    (call $answer)))
