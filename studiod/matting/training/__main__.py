"""Command line of the training: pack, train, answer, export."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> int:
    """Run one of the commands `pack`, `train`, `answer` and `export`; returns the exit status."""
    arguments = _parser().parse_args()
    if arguments.command == "pack":
        from studiod.matting.training.packing import write_pack

        for number, name in enumerate(write_pack(arguments.sets, arguments.out), 1):
            print(number, name, flush=True)
    elif arguments.command == "train":
        from studiod.matting.training.running import Plan, train

        options = {k: v for k, v in vars(arguments).items() if k != "command"}
        train(Plan(**options))
    elif arguments.command == "answer":
        from studiod.matting.training.answers import write_answers

        for number, name in enumerate(write_answers(arguments.packed, arguments.coarse, arguments.out), 1):
            print(number, name, flush=True)
    else:
        from studiod.matting.training.exporting import export_network

        difference = export_network(arguments.run / "checkpoint.pt", arguments.which, arguments.out)
        print(f"{arguments.out}: largest difference {difference * 255:.4f}/255")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studiod.matting.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    pack = commands.add_parser("pack", help="one file from folders of pictures with exact mattes")
    pack.add_argument("sets", nargs="+", type=Path, metavar="SET")
    pack.add_argument("--out", required=True, type=Path)
    run = commands.add_parser(
        "train", help="train a pass; resumes where the run folder has a checkpoint",
        argument_default=argparse.SUPPRESS,
    )  # fmt: skip
    run.add_argument("--packed", required=True, type=Path)
    run.add_argument("--pass", required=True, choices=("coarse", "fine"), dest="which")
    run.add_argument("--run", required=True, type=Path)
    run.add_argument("--device", choices=("cpu", "cuda"), help="cuda, and cpu with AMX, train in bfloat16")
    run.add_argument("--minutes", type=float, help="in all, over restarts")
    run.add_argument("--batch", type=int)
    run.add_argument("--rate", type=float)
    run.add_argument("--threads", type=int)
    run.add_argument("--workers", type=int, help="processes that draw samples")
    run.add_argument("--start", type=Path, help="exported weights (.onnx) to go on from")
    run.add_argument("--answers", type=Path, help="the coarse pass's answers, for the fine pass")
    answer = commands.add_parser("answer", help="what an exported coarse network says of every picture")
    answer.add_argument("--packed", required=True, type=Path)
    answer.add_argument("--coarse", required=True, type=Path, help="its ONNX file")
    answer.add_argument("--out", required=True, type=Path, help="an .npz file")
    export = commands.add_parser("export", help="write the averaged weights as ONNX and compare")
    export.add_argument("--run", required=True, type=Path)
    export.add_argument("--pass", required=True, choices=("coarse", "fine"), dest="which")
    export.add_argument("--out", required=True, type=Path)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
