from hypothesis import given
from hypothesis import strategies as st

from scanproof.lean.header import comment_end, parse_header

NAMES = st.lists(st.sampled_from(["Spec", "Runner", "A1", "Init", "Std"]), min_size=1, max_size=3).map(
    ".".join
)
TRIVIA = st.lists(
    st.sampled_from(
        ["\n", "  ", "-- import Wrong\n", "/- import Wrong -/", "/- /- nested -/ import Wrong -/\n"]
    )
).map(lambda parts: "\n" + "".join(parts))
FORMS = [
    "import ",
    "public import ",
    "meta import ",
    "public meta import ",
    "import all ",
    "public  import\n",
]


@given(
    st.lists(st.tuples(st.sampled_from(FORMS), NAMES)),
    st.lists(TRIVIA, min_size=20, max_size=20),
    st.booleans(),
)
def test_every_import_is_read_and_nothing_else(
    imports: list[tuple[str, str]], trivia: list[str], is_module: bool
) -> None:
    source = trivia[0].lstrip("\n") + ("module" if is_module else "")
    for (form, name), between in zip(imports, trivia[1:], strict=False):
        source += f"{between}{form}{name}"
    imports = imports[: len(trivia) - 1]
    body = "\n/-! import Wrong -/\ndef x := 1 -- import Wrong\nimport Wrong\n"
    header = parse_header(source + body)
    assert [i.module for i in header.imports] == [name for _, name in imports]
    assert (source + body)[header.end :].endswith(body)
    for found, (form, name) in zip(header.imports, imports, strict=True):
        assert found.text == " ".join(f"{form}{name}".split())
        assert (
            name in source.splitlines()[found.line - 1]
            or form.split()[0] in source.splitlines()[found.line - 1]
        )


def test_no_header() -> None:
    assert parse_header("def x := 1").imports == ()
    assert parse_header("").end == 0


@given(st.recursive(st.just(" x "), lambda inner: st.lists(inner).map(lambda parts: f"/-{''.join(parts)}-/")))
def test_comments_nest(comment: str) -> None:
    source = f"/-{comment}-/ rest -/"
    assert source[comment_end(source, 0) :] == " rest -/"


def test_an_unclosed_comment_ends_with_the_text() -> None:
    assert comment_end("/- /- -/", 0) == 8
