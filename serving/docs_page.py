"""The OpenAPI document as one page of HTML that needs nothing from anywhere else."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from string import Template

from serving.openapi_parts import Document

_PAGE = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Leadloop API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee; }
  pre { background: #262626; } }
</style></head><body>
<h1>Leadloop API</h1>
<p>The same as a document for machines: <a href="/openapi.json">/openapi.json</a>.</p>
$routes
<h2>Errors</h2>
<p>Every error is a problem document (RFC 9457, <code>application/problem+json</code>):
<code>detail</code> is the whole sentence;
<code>field</code>, <code>expected</code>, <code>got</code> and <code>todo</code> are its parts.</p>
<h2>Types</h2>
$types
</body></html>
"""
)


def page(document: Document) -> str:
    """Return the page."""
    return _rendered(json.dumps(document))


@cache
def _rendered(text: str) -> str:
    document: Document = json.loads(text)
    routes = [
        _route(method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    types = [_type(name, described) for name, described in document["components"]["schemas"].items()]
    return _PAGE.substitute(routes="\n".join(routes), types="\n".join(types))


def _route(method: str, path: str, described: Document) -> str:
    answers = "".join(_answer(status, answer) for status, answer in described["responses"].items())
    example = ""
    if "requestBody" in described:
        content = described["requestBody"]["content"]["application/json"]
        example = f"<pre>{escape(json.dumps(content['example'], indent=1))}</pre>"
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{_prose(described['summary'])}. "
        f"{_prose(described.get('description', ''))}</p>{example}<table>{answers}</table>"
    )


def _answer(status: str, answer: Document) -> str:
    mark = f' id="problem-{status}"' if int(status) >= 400 else ""
    return f"<tr{mark}><th>{status}</th><td>{_prose(answer['description'])}</td></tr>"


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _type(name: str, described: Document) -> str:
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(json.dumps(described, indent=1))}</pre>'
