"""`dikast aws build`: a reward as a Lambda function, a zip and a SAM template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dikast.aws.build.building import TEMPLATE, Built, Order, build, require_function_name, settings_for
from dikast.aws.build.runtime import Architecture, runtime_of
from dikast.aws.build.trust import certificate_for
from dikast.aws.settings import Target
from dikast.errors import UsageError
from dikast.spec.reward import read_reward

OUTPUT = Path("build")
_OURS = frozenset({"reward", "certificate", "target", "on_missing", "alone"})


def command(
    reward: Annotated[Path, typer.Argument(metavar="REWARD", help="The reward file.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the zip and the template.")] = OUTPUT,
    target: Annotated[
        Target, typer.Option(help="What trains with it. 'hyperpod' sends sample by sample, so it needs --alone.")
    ] = "smtj",
    alone: Annotated[
        str | None,
        typer.Option(
            help="What a missing score becomes where no sibling of the event has one: a number of the range, or 'fail'. "
            "There is no default: whatever it is, the policy learns from it."
        ),
    ] = None,
    on_missing: Annotated[
        str, typer.Option(help="What a missing score becomes: 'group_mean', 'raise', or a number of the range.")
    ] = "group_mean",
    certificate: Annotated[
        Path | None, typer.Option(help="The judge's certificate. Default: certificate.json beside the reward.")
    ] = None,
    uncertified: Annotated[
        bool, typer.Option("--uncertified", help="Build with a judge without a certificate, or with a red one.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="The function's name, 'SageMaker-...'. Default: made of the reward's name.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Python of the Lambda runtime. Default: the one that runs this command.")
    ] = None,
    arch: Annotated[Architecture, typer.Option(help="Processor of the Lambda function.")] = "x86_64",
    with_boto3: Annotated[
        bool,
        typer.Option("--with-boto3", help="Take boto3 along in the version of here, instead of the runtime's own."),
    ] = False,
    include: Annotated[
        list[Path] | None,
        typer.Option(help="A file or folder beside the reward that a Python check reads. May be repeated."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A further setting of the handler, log_texts=true. May be repeated."
        ),
    ] = None,
    profile_model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ARN",
            help="A model behind the judge's inference profile, in place of those dikast knows. May be repeated.",
        ),
    ] = None,
) -> None:
    """Package a reward as a Lambda function: a zip, and a SAM template beside it.

    The zip holds the same bytes whenever it is built from the same files. It holds the reward with all that its hash
    covers, its certificate, and of dikast and its libraries only what this reward needs. No AWS is asked.

    [bold]Examples[/bold]

      dikast aws build reward.yaml --alone fail

      dikast aws build reward.yaml --target hyperpod --alone 0.5 -o build

      dikast aws build reward.yaml --alone fail --python 3.12 --arch arm64 --with-boto3
    """
    if certificate and uncertified:
        raise UsageError(f"--certificate {certificate}: goes along or --uncertified is said; leave one of them out")
    spec = read_reward(reward)
    trust = certificate_for(spec, certificate, uncertified=uncertified)
    chosen = {"target": target, "on_missing": _choice(on_missing, "--on-missing", ("group_mean", "raise"))}
    if alone is not None:
        chosen["alone"] = _choice(alone, "--alone", ("fail",))
    order = Order(
        settings=settings_for(spec, trust, **chosen, **_further(settings or [])),
        certificate=trust,
        runtime=runtime_of(python, arch),
        function=None if name is None else require_function_name(name),
        with_boto3=with_boto3,
        included=include or (),
        profile_models=profile_model or (),
    )
    built = build(spec, order)
    built.write(output)
    _show(built, order, output)


def _choice(value: str, option: str, words: tuple[str, ...]) -> str | dict[str, float]:
    if value in words:
        return value
    try:
        return {"constant": float(value)}
    except ValueError:
        raise UsageError(f"{option} {value}: write a number, or {' or '.join(words)}") from None


def _further(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name in _OURS:
            raise UsageError(
                f"--set {one}: write NAME=VALUE, with a setting that has no option of its own: log_texts=true"
            )
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found


def _show(built: Built, order: Order, output: Path) -> None:
    boto3 = f"boto3 {built.boto3} in the package" if built.boto3 else "boto3 of the runtime, in AWS's version"
    trust = (
        "the certificate goes along" if built.settings.certificate else "uncertified: every criterion counts in full"
    )
    zip_path = output / built.name
    typer.echo(f"{zip_path}: {len(built.package) / 1e6:.1f} MB of the 50 that Lambda takes, SHA-256 {built.sha256}")
    typer.echo(
        f"{output / TEMPLATE}: the function {built.function}, {order.runtime.name} on {order.runtime.architecture}"
    )
    typer.echo(f"reward {built.reward_hash[:12]}; {trust}; {boto3}")
    typer.echo("with dikast, " + ", ".join(f"{n} {v}" for n, v in built.libraries.items()))
    if not built.precompiled:
        typer.echo(
            f"not compiled beforehand, so a cold start takes longer: for that, build with Python {order.runtime.python}"
        )
    typer.echo("next:")
    if order.runtime.is_here:
        typer.echo(f"  dikast aws verify {zip_path}          # in the real runtime, on this machine")
    typer.echo(f"  dikast aws deploy {output}          # shows what would change, and asks")
    if not order.runtime.is_here:
        typer.echo("  dikast aws verify ARN          # deployed: this machine has another Python or processor")
