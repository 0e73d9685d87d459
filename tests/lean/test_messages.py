import json

from scanproof.lean.messages import parse_messages


def line(severity: str, text: str) -> str:
    position = {"line": 3, "column": 7}
    return json.dumps(
        {"severity": severity, "data": text, "fileName": "Spec/A.lean", "pos": position, "kind": "k"},
        ensure_ascii=False,
    )


def test_messages_are_found_in_noise() -> None:
    said = ["[DEBUG:A] lean_main entered", line("warning", "declaration uses `sorry`"), "{not json", "{}", ""]
    (message,) = parse_messages("\n".join(said))
    assert str(message.finding) == "Spec/A.lean:3:7: warning: declaration uses `sorry`"


def test_warnings_are_faults_and_information_is_not() -> None:
    severities = ("error", "warning", "information")
    said = "\n".join(line(severity, "") for severity in severities)
    assert [m.is_fault for m in parse_messages(said)] == [True, True, False]


def test_text_of_several_lines_stays_whole() -> None:
    (message,) = parse_messages(line("error", "∀ ε,\n  unsolved \u2028 \x85"))
    assert message.text == "∀ ε,\n  unsolved \u2028 \x85"
