"""`dikast aws`: what is listed, and what listing loads."""

import re
import subprocess
import sys

MAIN = "from dikast.cli.main import main; main()"


def test_the_help_of_aws_lists_its_commands_and_loads_none_of_them():
    program = "import atexit, sys; atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr));" + MAIN

    done = subprocess.run([sys.executable, "-c", program, "aws", "--help"], capture_output=True, text=True, timeout=60)

    _, _, commands = done.stdout.partition("Commands")
    listed = re.findall(r"^\W*(\w+)  ", commands, flags=re.MULTILINE)
    assert listed == ["build", "deploy", "destroy", "verify", "data", "train", "watch", "eval", "release"]
    loaded = set(done.stderr.split())
    assert "dikast.cli.aws" in loaded
    assert not loaded & {"boto3", "botocore", "aws_lambda_powertools", *(f"dikast.cli.aws.{name}" for name in listed)}
