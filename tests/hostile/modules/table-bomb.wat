;; Makes its table larger until it may not; says by how much.
(module
  ;; prelude
  (memory (export "memory") 1)
  (table $t 10 funcref)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $more
      (if (i32.ge_s (table.grow $t (ref.null func) (i32.const 10)) (i32.const 0))
        (then (local.set $n (i32.add (local.get $n) (i32.const 10))) (br $more))))
    (call $code (local.get $n))
    (call $code (table.grow $t (ref.null func) (i32.const -1)))
    (call $code (table.grow $t (ref.null func) (i32.const 0x7fffffff)))
    (call $answer)))
