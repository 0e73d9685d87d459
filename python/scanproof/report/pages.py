"""Pages of HTML from the templates, styles and scripts in the folder ``templates``."""

import re

from scanproof.extras import extra

with extra("report", "Pages of HTML"):
    import jinja2
    from markupsafe import Markup, escape

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("scanproof.report"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def render(template: str, **content: object) -> str:
    """Return a page from a template."""
    return _TEMPLATES.get_template(template).render(content)


def joined(names: tuple[str, ...]) -> Markup:
    """Return the text of several styles or scripts, joined."""
    assert _TEMPLATES.loader is not None
    return Markup("\n").join(Markup(_TEMPLATES.loader.get_source(_TEMPLATES, name)[0]) for name in names)


def prose(text: str) -> Markup:
    """Return a text as HTML, with the parts between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


_TEMPLATES.filters["prose"] = prose
