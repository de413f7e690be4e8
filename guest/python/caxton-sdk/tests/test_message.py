import json
import unittest

from caxton_sdk import FipaMessage, MessageError, parse_message

WHOLE = {
    "performative": "request",
    "sender": "asker",
    "receiver": ["worker", "topic:news"],
    "content": {"action": "work", "deep": [1, None, "ü"]},
    "reply_to": "boss",
    "language": "json",
    "encoding": "utf-8",
    "ontology": "tasks",
    "protocol": "fipa-request",
    "conversation_id": "c-1",
    "reply_with": "r-1",
    "in_reply_to": "r-0",
    "reply_by": "2026-01-01T00:00:00Z",
    "message_id": "m-1",
    "sent_at": 1767225600000000,
    "X-traceparent": {"any": ["thing"]},
}


class MessageTest(unittest.TestCase):
    def test_all_fields_are_read_and_written_as_they_were(self):
        message = parse_message(json.dumps(WHOLE))
        self.assertEqual(message.reply_with, "r-1")
        self.assertEqual(message.receivers, ["worker", "topic:news"])
        self.assertEqual(message.extra, {"X-traceparent": {"any": ["thing"]}})
        self.assertEqual(message.to_dict(), WHOLE)
        self.assertEqual(json.loads(message.to_json()), WHOLE)
        self.assertEqual(FipaMessage.from_dict(message.to_dict()), message)

    def test_only_the_act_has_to_be_there_and_null_is_not_there(self):
        text = '{"performative":"inform","sender":null,"receiver":null,"content":null,"odd":null}'
        message = parse_message(text)
        self.assertIsNone(message.sender)
        self.assertEqual(message.receivers, [])
        self.assertEqual(message.to_dict(), {"performative": "inform", "odd": None})

    def test_one_receiver_is_a_text(self):
        self.assertEqual(FipaMessage("inform", "worker").receivers, ["worker"])
        self.assertEqual(FipaMessage("inform", ["worker"]).to_dict()["receiver"], ["worker"])

    def test_what_is_no_message_is_refused_with_why(self):
        deep = "[" * 65 + "]" * 65
        refused = (
            ("", "no JSON"),
            ("{", "no JSON"),
            ("[]", "no JSON object"),
            ("null", "no JSON object"),
            ('"request"', "no JSON object"),
            ("{}", "no `performative`"),
            ('{"performative":null}', "no `performative`"),
            ('{"performative":""}', "no `performative`"),
            ('{"performative":7}', "`performative` has to be a text"),
            ('{"performative":"inform","sender":["a"]}', "`sender` has to be a text"),
            ('{"performative":"inform","receiver":[1]}', "`receiver` has to be a text or an array"),
            ('{"performative":"inform","receiver":{}}', "`receiver`"),
            ('{"performative":"inform","reply_to":{"name":"a"}}', "`reply_to` has to be a text"),
            ('{"performative":"inform","reply_by":[]}', "`reply_by`"),
            ('{"performative":"inform","sent_at":"now"}', "`sent_at`"),
            ('{"performative":"inform","sent_at":true}', "`sent_at`"),
            ('{"performative":"inform","content":' + deep + "}", "nested deeper than 65 levels"),
        )
        for text, why in refused:
            with self.subTest(text[:50]), self.assertRaisesRegex(MessageError, why):
                parse_message(text)

    def test_a_field_called_extra_is_an_ordinary_one(self):
        text = '{"performative":"inform","extra":5,"to_json":1}'
        message = parse_message(text)
        self.assertEqual(message.extra, {"extra": 5, "to_json": 1})
        self.assertEqual(json.loads(message.to_json()), json.loads(text))

    def test_the_action_is_a_text_of_the_contents_own(self):
        self.assertEqual(FipaMessage("request", content={"action": "work"}).action, "work")
        for content in (None, "action", ["action"], {}, {"action": 7}, {"action": None}):
            self.assertIsNone(FipaMessage("request", content=content).action)

    def test_a_message_is_kept_without_its_content(self):
        kept = {name: value for name, value in WHOLE.items() if name != "content"}
        self.assertEqual(FipaMessage.from_dict(WHOLE).without_content().to_dict(), kept)

    def test_an_answer_goes_to_reply_to_and_keeps_what_ties_it_to_its_question(self):
        answer = parse_message(json.dumps(WHOLE)).reply("agree", [1])
        self.assertEqual(
            answer.to_dict(),
            {
                "performative": "agree",
                "receiver": "boss",
                "content": [1],
                "in_reply_to": "r-1",
                "conversation_id": "c-1",
                "protocol": "fipa-request",
                "ontology": "tasks",
                "language": "json",
            },
        )
        nobody = FipaMessage("request", sender="asker", reply_to="")
        self.assertEqual(nobody.reply("agree").receiver, "asker")
        plain = parse_message('{"performative":"request","sender":"asker"}').reply("refuse")
        self.assertEqual(plain.to_dict(), {"performative": "refuse", "receiver": "asker"})
