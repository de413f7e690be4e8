;; Its allocator gives the last fifteen bytes of its memory.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param $len i32) (result i32) (i32.const 65521))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
