;; Its allocator takes all memory, and then has none for the message.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32)
    (loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
    (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
