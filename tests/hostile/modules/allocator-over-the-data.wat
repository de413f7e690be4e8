;; Its allocator gives the address of its answer: the message is written over it.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 439))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (call $code (i32.const 1)) (call $code (call $send (i32.const 439) (i32.const 40))) (call $answer)))
