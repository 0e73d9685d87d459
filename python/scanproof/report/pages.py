"""Pages of HTML that need no other file: their templates, styles and scripts are beside this module."""

import jinja2
from markupsafe import Markup

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("scanproof.report"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def render(template: str, styles: tuple[str, ...], scripts: tuple[str, ...], **content: object) -> str:
    """Return a page from a template, with the text of styles and scripts in it."""
    return _TEMPLATES.get_template(template).render(css=_joined(styles), script=_joined(scripts), **content)


def _joined(names: tuple[str, ...]) -> Markup:
    assert _TEMPLATES.loader is not None
    return Markup("\n").join(Markup(_TEMPLATES.loader.get_source(_TEMPLATES, name)[0]) for name in names)
