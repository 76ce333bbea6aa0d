"""NeMo Gym's resources server for a reward: its `app.py` is `DikastResourcesServer.run_webserver()`.

# configs/dikast.yaml
dikast:
  resources_servers:
    dikast:
      entrypoint: app.py
      domain: other
      reward: /data/reward.yaml
      certificate: /data/certificate.json
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from functools import cache
from typing import Any

from nemo_gym.base_resources_server import (
    BaseMultiRewardVerifyResponse,
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    SimpleResourcesServer,
)
from nemo_gym.judge import JudgeError
from pydantic import ConfigDict

from dikast.adapters.nemo_gym import rollout_of, verdict_of
from dikast.adapters.opening import DEADLINE, RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.errors import ModelError


class DikastServerConfig(BaseResourcesServerConfig):
    """The server's part of Gym's configuration."""

    reward: str
    certificate: str | None = None
    journal: str | None = None
    on_missing: str | dict[str, float] = "native"
    deadline: float = DEADLINE
    log: str | None = None


class DikastVerifyRequest(BaseVerifyRequest):
    """A response with the fields of its data's row, which are the reward's columns."""

    model_config = ConfigDict(extra="allow")


class DikastVerifyResponse(BaseMultiRewardVerifyResponse):
    """With every part as a field of its own, so that Gym adds them up."""

    model_config = ConfigDict(extra="allow")


class DikastResourcesServer(SimpleResourcesServer):
    """Judges what comes to `POST /verify`."""

    config: DikastServerConfig

    async def verify(self, body: DikastVerifyRequest) -> DikastVerifyResponse:
        """Gives the reward, or a masked sample. Raises Gym's `JudgeError` under `on_missing: raise`."""
        scorer = _scorer(self._settings())
        asked = body.model_dump(mode="json")
        score = await scorer.score(rollout_of(asked))
        try:
            verdict = verdict_of(scorer, score)
        except ModelError as error:
            raise JudgeError(str(error)) from error
        return DikastVerifyResponse.model_validate(asked | verdict)

    def _settings(self) -> RewardSettings:
        given: dict[str, Any] = {name: getattr(self.config, name) for name in RewardSettings.__struct_fields__}
        return read_settings(given, where=f"resources server {self.config.name}")


@cache
def _scorer(settings: RewardSettings) -> SingleScorer:
    return SingleScorer.of(settings, trainer="NeMo Gym")
