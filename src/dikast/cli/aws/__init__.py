"""`dikast aws`: the reward Lambda, and jobs of Nova and Bedrock. One module a command, with its function `command`."""

from __future__ import annotations

from dikast.cli.lazily import lazy_application

app = lazy_application(
    __name__,
    {
        "build": "Package a reward as a Lambda function: a zip, and a SAM template beside it.",
        "deploy": "Deploy what was built, after showing what would change.",
        "destroy": "Remove what was deployed.",
        "verify": "Check a reward Lambda, deployed or local, for what breaks a training job.",
        "data": "Convert and check training data of Nova.",
        "train": "Start a training job of Nova or Bedrock on a reward Lambda.",
        "watch": "Follow a training job.",
        "eval": "Evaluate a model of Nova with the reward Lambda.",
        "release": "Import and deploy the model that a job trained.",
    },
    help="Build, deploy and verify the reward Lambda; start and follow jobs of Nova and Bedrock.",
)
