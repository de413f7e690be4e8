import json
import time
import unittest

from caxton_sdk._json import MAX_DEPTH, read_json, write_json


def nested(levels):
    return "[" * levels + "]" * levels


class ReadingTest(unittest.TestCase):
    def test_a_content_may_have_64_levels_and_its_message_one_more(self):
        self.assertEqual(write_json(read_json(nested(MAX_DEPTH))), nested(MAX_DEPTH))
        for text in (nested(MAX_DEPTH + 1), '{"a":' * 200_000, "[" * 500_000):
            with self.assertRaisesRegex(ValueError, "nested deeper than 65 levels"):
                read_json(text)

    def test_brackets_in_strings_are_no_levels(self):
        brackets = "[{" * 1000
        tricky = [brackets, '"' + brackets, "\\" + brackets, '\\"' + brackets, brackets + "\\"]
        self.assertEqual(read_json(json.dumps(tricky)), tricky)
        flat = [[{}] for _ in range(200)]
        self.assertEqual(read_json(json.dumps(flat)), flat)

    def test_what_is_no_json_is_refused(self):
        odd = [
            "",
            "{",
            '"',
            '"\\',
            '"\\"' * 1000,
            "]" * 100,
            "nul",
            "{'a':1}",
            "\0",
            "[" * 66 + '"',
        ]
        odd += ["NaN", "[Infinity]", '{"a":-Infinity}', "9" * 5000]
        for text in odd:
            with self.subTest(text[:20]), self.assertRaises(ValueError):
                read_json(text)

    def test_long_strings_of_quotes_are_read_in_one_go(self):
        text = json.dumps(['"' * 300_000, "\\" * 300_000, *[[]] * 100])
        begin = time.monotonic()
        self.assertEqual(len(read_json(text)), 102)
        self.assertLess(time.monotonic() - begin, 2)

    def test_whole_numbers_stay_whole(self):
        text = '{"id":12345678901234567890123,"below":-9007199254740993}'
        self.assertEqual(
            read_json(text), {"id": 12345678901234567890123, "below": -9007199254740993}
        )
        self.assertEqual(write_json(read_json(text)), text)


class WritingTest(unittest.TestCase):
    def test_texts_are_written_as_they_are(self):
        for text in ("Zoë 🦀 日本", 'a "quote" \\ \n\t\0\x1f', "\u2028"):
            self.assertEqual(read_json(write_json(text)), text)
        self.assertEqual(write_json("Zoë 🦀"), '"Zoë 🦀"')

    def test_half_a_surrogate_pair_becomes_what_utf_8_has(self):
        self.assertEqual(write_json(["ü", "\ud800x", "🦀"]), '["ü","\ufffdx","🦀"]')

    def test_what_json_does_not_have_is_an_error(self):
        for value in (float("inf"), float("nan")):
            with self.assertRaises(ValueError):
                write_json(value)
        with self.assertRaises(TypeError):
            write_json({1, 2})
        itself = []
        itself.append(itself)
        with self.assertRaises(ValueError):
            write_json(itself)
