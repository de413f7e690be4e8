;; Asks the honest agents in a name that is not its own for answers to itself.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"request\",\"receiver\":[\"honest-0\",\"honest-1\",\"honest-2\"],\"reply_to\":\"host\",\"reply_with\":\"honest\",\"conversation_id\":\"honest\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $more
      (drop (call $send_text (i32.const 4096)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 50))))
    (call $code (local.get $n))
    (call $answer)))
