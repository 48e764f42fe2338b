"""Names of packages that are a slip away from well-known ones, as those who squat on names choose them."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["look_alikes"]

_KNOWN_TEXT = """
aiohttp alembic ansible anthropic apscheduler axios babel beautifulsoup4 black bleach bokeh boto3 botocore
bottle browserify bootstrap celery certifi chalk cheerio click colorama commander coverage cryptography
cypress cython dash date-fns datasets debug discord dotenv django docker docutils elasticsearch electron
esbuild eslint
ethers express fastapi fastify flask gensim graphql gunicorn httpie httpx huggingface-hub hypothesis idna
immutable ipython jest jinja2 jquery jsonschema jupyter keras langchain lodash lxml markdown matplotlib
mocha moment mongodb mongoose mypy mysql mysqlclient next networkx nodemailer nodemon numpy nuxt openai
opencv-python openpyxl pandas paramiko passport pillow pip pipenv playwright plotly poetry prettier prisma
protobuf psutil psycopg2 puppeteer pycrypto pycryptodome pydantic pyinstaller pylint pymongo pymysql pytest
python-dateutil python-dotenv pytorch pyyaml react react-dom react-router redis request requests rich rollup
ruff scikit-learn scipy scrapy seaborn selenium sentry-sdk setuptools socket.io spacy sphinx sqlalchemy
starlette streamlit svelte sympy tailwindcss tensorflow three torch torchvision tornado tqdm transformers
twine typer typescript underscore urllib3 uvicorn uvloop virtualenv vite vue web3 webpack werkzeug wheel
xgboost yarn zod zustand
"""
_KNOWN = frozenset(_KNOWN_TEXT.split())
_REAL_TEXT = """
aredis bpython ctransformers dataset djongo dotenvx eclint fastai gaxios gpytorch graphiql grequests hrequests
httpxy immutables iredis jslint json-schema markdown2 mquery mssql mysql2 ngboost preact preact-router prism
pyaml pycryptodomex pymssql pyppeteer psycopg python reactn reqwest scapy scipp scirpy scrapyd simpy slint
torchx tslint ttypescript twind unicorn vyper willow
"""
_REAL = frozenset(_REAL_TEXT.split())
"""Packages that many use, and whose names lie as near to one of those."""
_SHORTEST = 5
"""Letters of a name; below that, real packages lie one letter apart."""
_INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv(?: pip)?|poetry|npm|pnpm|yarn|bun|conda|gem|cargo)\s+(?:-\S+\s+)*"
    r"(?:install|add|i)\s+([^\n`|;&\"']{1,300})",
    re.IGNORECASE,
)
_NAME = re.compile(r"@?[A-Za-z][\w.-]*(?:/[\w.-]+)?")


def look_alikes(text: str) -> Iterator[tuple[str, str]]:
    """(name, well-known name) of each package that `text` has installed and that is one slip away: a letter
    more, less, other, or two changed about."""
    for match in _INSTALLS.finditer(text):
        for word in match[1].split():
            found = _NAME.match(word)
            if not found or word.startswith("-") or word[found.end() :].startswith("://"):
                continue
            name = found[0].lower().replace("_", "-").split("@")[0].rstrip(".")
            if len(name) < _SHORTEST or name in _KNOWN or name in _REAL:
                continue
            for known in _KNOWN:
                if len(known) >= _SHORTEST and _one_slip(name, known):
                    yield found[0], known
                    break


def _one_slip(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) > len(b):
        return a[at + 1 :] == b[at:]
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (
        a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]
    )
