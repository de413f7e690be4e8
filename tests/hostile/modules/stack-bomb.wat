;; Calls itself without end.
(module
  (memory (export "memory") 1)
  (func $deep (param $n i32) (result i32)
    (i32.add (i32.const 1) (call $deep (local.get $n))))
  (func (export "handle_message") (param i32 i32) (result i32) (call $deep (i32.const 1))))
