;; Broadcasts to everybody, two hundred times; says how many got the first one and the last one.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"*\"}\00")
  (data (i32.const 4224) "{}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $reached i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (call $code (call $broadcast (i32.const 4224) (i32.const 2) (i32.const 4096) (call $len (i32.const 4096))))
    (loop $more
      (local.set $reached (call $broadcast (i32.const 4224) (i32.const 2) (i32.const 4096) (call $len (i32.const 4096))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 200))))
    (call $code (local.get $reached))
    (call $answer)))
