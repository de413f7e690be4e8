;; Its allocator calls itself without end.
(module
  (memory (export "memory") 1)
  (func $deep (export "caxton_alloc") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
