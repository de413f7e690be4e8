;; Fills all memory behind its inbox, where the host keeps a mark, and leaves the message as it is.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $ptr) (local.get $len)))
    (memory.fill (local.get $end) (i32.const 0xff) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (local.get $end)))
    (call $code (i32.const 1))
    (call $answer)))
