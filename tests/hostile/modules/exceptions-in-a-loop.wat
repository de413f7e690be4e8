;; Throws exceptions and catches them, for ever.
(module
  (memory (export "memory") 1)
  (tag $thrown (param i32))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (loop $ever
      (block $caught (result i32)
        (try_table (catch $thrown $caught) (throw $thrown (i32.const 1)))
        unreachable)
      drop
      (br $ever))
    unreachable))
