;; Traps when a block is given back, as large ones are after their turn.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32)
    (drop (memory.grow (i32.const 2)))
    (i32.const 65536))
  (func (export "caxton_free") (param i32 i32) unreachable)
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
