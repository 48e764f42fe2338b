"""A model of each protocol is made, and one on this machine asked (MODEL_URL)."""

import asyncio
import os
from typing import get_args, get_type_hints

from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest

from skillclaw.evolve.models.making import make_model
from skillclaw.settings_evolve import ModelSettings

url = os.environ["MODEL_URL"]
protocols = get_args(get_type_hints(ModelSettings)["protocol"])
assert len(protocols) >= 5
for protocol in protocols:
    assert make_model(ModelSettings(name="m", protocol=protocol, url=url), "k").model is not None
made = make_model(ModelSettings(name="m", protocol="chat", url=url), "k")
answer = asyncio.run(model_request(made.model, [ModelRequest.user_text_prompt("Say it.")]))
assert "fine" in str(answer.parts), answer
