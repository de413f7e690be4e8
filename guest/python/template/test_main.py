"""Tests of the agent without the runtime: the host is a mock."""

import unittest

from caxton_sdk import HostError, LogLevel
from caxton_sdk.testing import MockHost
from main import agent

LIMIT_EXCEEDED = {"error": HostError("", "limit_exceeded").text}


class AgentTest(unittest.TestCase):
    def setUp(self):
        self.host = MockHost(agent)

    def deliver(self, performative, content):
        """Delivers a message; the agent's code, and the act and the content of its only answer."""
        message = {"performative": performative, "reply_with": "1", "content": content}
        return self.host.deliver(message), *self.answer()

    def answer(self):
        [message] = self.host.sent
        self.host.sent.clear()
        self.assertEqual((message.receiver, message.in_reply_to), ("tester", "1"))
        return message.performative, message.content

    def test_it_says_that_it_is_ready_and_what_it_can_do(self):
        self.assertEqual(self.host.logs, [(LogLevel.INFO, "my-agent is ready")])
        self.assertEqual(
            self.host.capabilities(),
            {"version": "0.1.0", "performatives": ["request"], "services": [{"name": "greeting"}]},
        )

    def test_it_greets_and_counts(self):
        for greeted, name in ((1, "Ada"), (2, 'Zoë "🙂"')):
            result = {"greeting": f"Hello, {name}!", "greeted": greeted}
            answer = self.deliver("request", {"action": "greet", "name": name})
            self.assertEqual(answer, (0, "inform", {"result": result}))
            self.host.restart()
        self.assertEqual(self.host.value("greeted"), 2)

    def test_it_needs_a_name(self):
        error = 'Expected a name, as in {"action": "greet", "name": "Ada"}'
        for content in ({}, {"name": ""}, {"name": 5}, {"name": None}):
            answer = self.deliver("request", {"action": "greet", **content})
            self.assertEqual(answer, (1, "failure", {"error": error}))
        self.assertEqual(self.host.stored, {})

    def test_it_fails_where_it_cannot_count(self):
        self.host.fail("store_data", "limit_exceeded")
        answer = self.deliver("request", {"action": "greet", "name": "Ada"})
        self.assertEqual(answer, (1, "failure", LIMIT_EXCEEDED))

    def test_it_reminds(self):
        order = {"action": "remind", "after_micros": 1000, "text": "tea"}
        self.assertEqual(self.deliver("request", order), (0, "agree", None))
        [(timer, micros)] = self.host.timers.items()
        self.assertEqual(micros, 1000)
        self.assertEqual(list(self.host.stored), [f"reminder:{timer}"])
        # What waits is stored, so a fresh instance goes on.
        self.host.restart()
        self.host.advance(999)
        self.assertEqual(self.host.sent, [])
        self.host.advance(1)
        self.assertEqual(self.host.code, 0)
        self.assertEqual(self.answer(), ("inform", {"result": {"reminder": "tea"}}))
        self.assertEqual(self.host.stored, {})

    def test_it_needs_microseconds_and_a_text(self):
        error = (
            "Expected microseconds and a text, "
            'as in {"action": "remind", "after_micros": 1000, "text": "tea"}'
        )
        wrong = (
            {"text": "tea"},
            {"after_micros": -1, "text": "tea"},
            {"after_micros": 1.5, "text": "tea"},
            {"after_micros": "1000", "text": "tea"},
            {"after_micros": 2**53, "text": "tea"},
            {"after_micros": True, "text": "tea"},
            {"after_micros": 1000},
            {"after_micros": 1000, "text": 5},
        )
        for content in wrong:
            answer = self.deliver("request", {"action": "remind", **content})
            self.assertEqual(answer, (1, "failure", {"error": error}))
        self.assertEqual(self.host.timers, {})

    def test_it_fails_where_it_cannot_remind(self):
        for call in ("set_timer", "store_data"):
            self.host.fail(call, "limit_exceeded")
            order = {"action": "remind", "after_micros": 1000, "text": "tea"}
            self.assertEqual(self.deliver("request", order), (1, "failure", LIMIT_EXCEEDED))
            self.assertEqual((self.host.timers, self.host.stored), ({}, {}))
            self.host.fail(call, None)

    def test_it_understands_no_other_actions_and_acts(self):
        answer = self.deliver("request", {"action": "dance"})
        self.assertEqual(answer, (1, "not-understood", {"error": "Unknown action: dance"}))
        for content in ({}, {"action": 5}, "greet", None):
            answer = self.deliver("request", content)
            self.assertEqual(answer, (1, "not-understood", {"error": "No action given"}))
        for act in ("query-if", "agree", "refuse"):
            error = {"error": f"Unsupported performative: {act}"}
            answer = self.deliver(act, {"action": "greet", "name": "Ada"})
            self.assertEqual(answer, (1, "not-understood", error))

    def test_it_does_not_answer_what_ends_an_exchange(self):
        for performative in ("inform", "failure", "not-understood"):
            message = {"performative": performative, "content": {"action": "greet"}}
            self.assertEqual(self.host.deliver(message), 0)
        self.assertEqual(self.host.sent, [])

    def test_it_logs_what_it_cannot_read(self):
        self.assertEqual(self.host.deliver("{"), 1)
        level, line = self.host.logs[-1]
        self.assertEqual(level, LogLevel.ERROR)
        self.assertRegex(line, "^the message cannot be read: ")
        self.assertEqual(self.host.sent, [])


if __name__ == "__main__":
    unittest.main()
