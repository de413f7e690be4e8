;; Its allocator gives address 0, as one that has nothing left.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param $len i32) (result i32) (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
