"""The directive `question`: a question to think about, with an answer that is folded away.

::

    .. question:: The caller hangs up. What runs next?
       :name: what-runs-next
       :shown-by: tests/questions/test_hangups.py::test_the_line_after_the_audio_loop_runs

       The line after the loop.

In HTML it is a ``<details>``, which needs no script; elsewhere the question is a heading. Each
answer names the tests that show it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class folded_answer(nodes.container):
    """A question and its answer."""


class asked_question(nodes.rubric):
    """The question, which is seen."""


class Question(SphinxDirective):
    """Makes a question of the content, numbers it, and says which tests show the answer."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar = {
        "name": directives.unchanged_required,
        "shown-by": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make the nodes of the question."""
        self.assert_has_content()
        for option in self.option_spec:
            if option not in self.options:
                raise self.error(f"a question needs the option :{option}:")
        number = self.env.new_serialno("question") + 1
        inline, messages = self.parse_inline(
            " ".join(self.arguments[0].split()), lineno=self.lineno
        )
        question = asked_question("", "", nodes.Text(f"{number}. "), *inline)
        folded = folded_answer("", question, *self.parse_content_to_nodes(), self._evidence())
        self.set_source_info(folded)
        self.add_name(folded)
        return [folded, *messages]

    def _evidence(self) -> nodes.paragraph:
        evidence = nodes.paragraph("", "Shown by", classes=["shown-by"])
        for position, test in enumerate(self.options["shown-by"].split()):
            evidence += nodes.Text(", " if position else " ")
            evidence += nodes.literal("", test)
        return evidence


def _open_answer(translator: Any, node: nodes.Element) -> None:
    translator.body.append(translator.starttag(node, "details", CLASS="question"))


def _close_answer(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</details>\n")


def _open_question(translator: Any, node: nodes.Element) -> None:
    translator.body.append("<summary>")


def _close_question(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive, and how it is written in HTML; others write what its nodes derive from."""
    app.add_node(folded_answer, html=(_open_answer, _close_answer))
    app.add_node(asked_question, html=(_open_question, _close_question))
    app.add_directive("question", Question)
    app.add_css_file("questions.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
