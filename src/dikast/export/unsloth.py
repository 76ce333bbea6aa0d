"""Unsloth: TRL's trainer with Unsloth's model. It needs a GPU even to be imported."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from dikast.export.run import ExportedRun
from dikast.export.trl import script

TAKES = None
"""Whatever TRL takes."""
SCRIPT = '''\
"""Trains a policy with Unsloth: python train.py

{head}
"""

# Unsloth changes TRL when it is imported, so it comes first.
from unsloth import FastLanguageModel

from pathlib import Path

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

from dikast.adapters.trl import {adapter}
{imports}
HERE = Path(__file__).parent
REWARD = {reward}
SETTINGS = {settings}
DATA = {data}
LORA = 16


def main() -> None:
    model, tokenizer = FastLanguageModel.from_pretrained({policy}, max_seq_length={longest}, load_in_4bit=False)
    model = FastLanguageModel.get_peft_model(model, r=LORA, lora_alpha=LORA)
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=[{adapter}.load(**REWARD)],
        args=GRPOConfig(output_dir=str(HERE / "checkpoints"), **SETTINGS),
        train_dataset=load_dataset("json", data_files=DATA)["train"],
    )
    trainer.train()
    model.save_pretrained(str(HERE / "policy"))


if __name__ == "__main__":
    main()
'''
LONGEST_PROMPT = 4096
"""Tokens. Judgement."""


def files(run: ExportedRun, _folder: Path) -> Iterator[tuple[str, str]]:
    """The script. The form that waits goes with every TRL that Unsloth takes."""
    longest = LONGEST_PROMPT + run.rl["max_completion_length"]
    yield "train.py", script(run, SCRIPT, adapter="SyncTrlReward", longest=str(longest))


def command(folder: Path) -> str:
    """What starts it."""
    return shlex.join(["python", str(folder / "train.py")])
