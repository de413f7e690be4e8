;; Sends JSON that is ten thousand arrays deep, to itself, and as a filter.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"deep-json\",\"content\":\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $at i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (local.set $at (i32.add (i32.const 4096) (call $len (i32.const 4096))))
    (memory.fill (local.get $at) (i32.const 0x5b) (i32.const 10000))
    (memory.fill (i32.add (local.get $at) (i32.const 10000)) (i32.const 0x5d) (i32.const 10000))
    (i32.store8 (i32.add (local.get $at) (i32.const 20000)) (i32.const 0x7d))
    (call $code (call $send (i32.const 4096) (i32.sub (i32.add (local.get $at) (i32.const 20001)) (i32.const 4096))))
    (call $code (call $subscribe (local.get $at) (i32.const 20000)))
    (call $code (call $broadcast (local.get $at) (i32.const 20000) (i32.const 4096) (i32.const 20000)))
    (call $answer)))
