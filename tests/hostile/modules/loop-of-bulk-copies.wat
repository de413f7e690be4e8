;; Fills forty megabytes again and again: few instructions, and each is long.
(module
  (memory (export "memory") 640)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (loop $ever
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 41943040))
      (br $ever))
    unreachable))
