import io

from rich.console import Console

from scanproof.lean.progress import on_console, silent, together


def console_text(terminal: bool = False) -> tuple[io.StringIO, Console]:
    out = io.StringIO()
    return out, Console(file=out, force_terminal=terminal, width=120)


def test_lines_name_every_item() -> None:
    out, console = console_text()
    with on_console(console)("Checking", 2, "modules") as step:
        for name in ("Spec.A", "Spec.B"):
            step.start(name)
            step.finish(name)
    assert out.getvalue().splitlines() == [
        "Checking …",
        "Checking: 1/2 modules Spec.A",
        "Checking: 2/2 modules Spec.B",
    ]


def test_lines_show_an_amount_in_fifths() -> None:
    out, console = console_text()
    with on_console(console)("Downloading", 100, "MB") as step:
        for done in range(0, 130, 1):
            step.reach(done)
    counts = [line.split()[1] for line in out.getvalue().splitlines()[1:]]
    assert counts == ["20/100", "40/100", "60/100", "80/100", "100/100"]


def test_a_terminal_shows_what_is_running() -> None:
    out, console = console_text(terminal=True)
    with on_console(console)("Checking", 2, "modules") as step:
        step.start("Spec.A")
    assert "Spec.A" in out.getvalue()
    assert "0/2 modules" in out.getvalue()


def test_nothing_to_count() -> None:
    out, console = console_text()
    with on_console(console)("Thinking", 0, ""):
        pass
    assert out.getvalue() == "Thinking …\n"


def test_two_steps_at_once_on_a_terminal() -> None:
    out, console = console_text(terminal=True)
    with (
        together(console) as show,
        show("Checking", 2, "modules") as checking,
        show("Auditing", 3, "implementations") as auditing,
    ):
        checking.start("Spec.A")
        auditing.start("scan")
        console.print("a table")
    frames = out.getvalue().split("Checking")
    assert any("0/2 modules" in frame and "0/3 implementations" in frame for frame in frames)
    assert "a table" in out.getvalue()


def test_two_steps_at_once_as_lines() -> None:
    out, console = console_text()
    with together(console) as show, show("Checking", 1, "modules") as checking, show("Auditing", 0, ""):
        checking.start("Spec.A")
        checking.finish("Spec.A")
    assert out.getvalue().splitlines() == ["Checking …", "Auditing …", "Checking: 1/1 modules Spec.A"]


def test_silence() -> None:
    with silent("Checking", 1, "modules") as step:
        step.start("Spec.A")
        step.finish("Spec.A")
    assert step.done == 1
