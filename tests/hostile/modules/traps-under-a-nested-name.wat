;; Traps in every other turn of its timers, in a function whose name says, in 300 letters, gigabytes in C++.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func $_Z1f1AIiiES_IS0_S0_S0_S0_S0_S0_S0_S0_S0_ES_IS1_S1_S1_S1_S1_S1_S1_S1_S1_ES_IS2_S2_S2_S2_S2_S2_S2_S2_S2_ES_IS3_S3_S3_S3_S3_S3_S3_S3_S3_ES_IS4_S4_S4_S4_S4_S4_S4_S4_S4_ES_IS5_S5_S5_S5_S5_S5_S5_S5_S5_ES_IS6_S6_S6_S6_S6_S6_S6_S6_S6_ES_IS7_S7_S7_S7_S7_S7_S7_S7_S7_ES_IS8_S8_S8_S8_S8_S8_S8_S8_S8_E unreachable)
  ;; Some timers, so that one is left when it has trapped: its next instance begins with the next of them.
  (func (export "agent_init") (result i32) (local $n i32)
    (local.set $n (i32.const 20))
    (loop $more
      (drop (call $set_timer (i64.const 0)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (drop (call $set_timer (i64.const 0)))
    (if (i32.and (call $random) (i32.const 1)) (then (call $_Z1f1AIiiES_IS0_S0_S0_S0_S0_S0_S0_S0_S0_ES_IS1_S1_S1_S1_S1_S1_S1_S1_S1_ES_IS2_S2_S2_S2_S2_S2_S2_S2_S2_ES_IS3_S3_S3_S3_S3_S3_S3_S3_S3_ES_IS4_S4_S4_S4_S4_S4_S4_S4_S4_ES_IS5_S5_S5_S5_S5_S5_S5_S5_S5_ES_IS6_S6_S6_S6_S6_S6_S6_S6_S6_ES_IS7_S7_S7_S7_S7_S7_S7_S7_S7_ES_IS8_S8_S8_S8_S8_S8_S8_S8_S8_E)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
