;; Sends a hundred messages, each to ten thousand receivers of whom none is there; says how many it could.
(module
  ;; prelude
  (memory (export "memory") 4)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"content\":0,\"receiver\":[\00")
  (global $at (mut i32) (i32.const 0))
  (func $byte (param $byte i32)
    (i32.store8 (global.get $at) (local.get $byte))
    (global.set $at (i32.add (global.get $at) (i32.const 1))))
  ;; Writes the receivers "aaaa", "baaa", … behind the text at 4096; the length of the message.
  (func $write (result i32) (local $n i32) (local $m i32) (local $k i32)
    (global.set $at (i32.add (i32.const 4096) (i32.const 49)))
    (loop $name
      (local.set $m (local.get $n))
      (local.set $k (i32.const 4))
      (call $byte (i32.const 34))
      (loop $letter
        (call $byte (i32.add (i32.const 97) (i32.rem_u (local.get $m) (i32.const 26))))
        (local.set $m (i32.div_u (local.get $m) (i32.const 26)))
        (local.set $k (i32.sub (local.get $k) (i32.const 1)))
        (br_if $letter (local.get $k)))
      (call $byte (i32.const 34))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (i32.lt_u (local.get $n) (i32.const 10000))
        (then (call $byte (i32.const 44)) (br $name))))
    (call $byte (i32.const 93))
    (call $byte (i32.const 125))
    (i32.sub (global.get $at) (i32.const 4096)))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $sent i32) (local $size i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (local.set $size (call $write))
    (loop $more
      (if (i32.eqz (call $send (i32.const 4096) (local.get $size))) (then (local.set $sent (i32.add (local.get $sent) (i32.const 1)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 100))))
    (call $code (local.get $sent))
    (call $answer)))
