;; Subscribes and broadcasts with filters that are as long as a message may be, and longer.
(module
  ;; prelude
  (memory (export "memory") 20)
  (data (i32.const 4096) "{\"topic\":\"\00")
  (data (i32.const 4080) "{}\00")
  (func $filter (param $len i32)
    (memory.fill (i32.const 4106) (i32.const 0x78) (local.get $len))
    (i32.store16 (i32.add (local.get $len) (i32.const 4106)) (i32.const 0x7d22)))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $filter (i32.const 1048564))
    (call $code (call $subscribe (i32.const 4096) (i32.const 1048576)))
    (call $code (call $broadcast (i32.const 4096) (i32.const 1048576) (i32.const 439) (i32.const 0)))
    (call $filter (i32.const 1048565))
    (call $code (call $subscribe (i32.const 4096) (i32.const 1048577)))
    (call $code (call $broadcast (i32.const 4096) (i32.const 1048577) (i32.const 439) (i32.const 0)))
    (call $answer)))
