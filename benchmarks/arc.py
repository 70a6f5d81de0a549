"""ARC tasks: predictions by a vote over symmetries, as the public submission JSON, with pass@1 and pass@2.

    python benchmarks/arc.py WEIGHTS FOLDER [--part evaluation] [--votes 32] [--segments 16] [--out submission.json]

WEIGHTS are of a net that was trained on ``arc:...``. FOLDER may also be a file of one or more tasks. Each test is predicted
under ``--votes`` symmetries with different choices of demonstration pairs. The predictions are transformed back, and equal
grids counted. The two with most votes are the answers; the mean halting probability decides between equal counts. Tasks
without known outputs are not scored.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

from mull.commands.common import make_writable
from mull.commands.devices import usable_device
from mull.engine.errors import MullError
from mull.engine.weights import Card, CheckpointError, find
from mull.problems.arc.choosing import examples_of, variants
from mull.problems.arc.stream import TOKENS, parse_spec
from mull.problems.arc.tasks import Task, parse, read_folder
from mull.problems.arc.transforms import Transform
from mull.problems.arc.vote import answers, prediction, score, submission
from mull.problems.errors import InputError
from mull.solvers.kinds import kind
from mull.solvers.nets.places import KIND
from mull.solvers.predict import predict
from mull.solvers.weights import read, unreadable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="name or file of the weights")
    parser.add_argument("folder", help="folder of the corpus, or a JSON file of tasks")
    parser.add_argument("--part", default="evaluation", help="part of the corpus (evaluation)")
    parser.add_argument("--votes", type=int, default=32, help="symmetries of each test (32)")
    parser.add_argument("--segments", type=int, default=16, help="segments of the net (16)")
    parser.add_argument("--tokens", type=int, help="most variables of a graph (default: as in the training)")
    parser.add_argument("--tasks", type=int, help="predict the first tasks alone (default: all)")
    parser.add_argument("--batch", type=int, default=64, help="rows of the largest size side by side (64)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the submission (default: none)")
    args = parser.parse_args()
    if min(args.votes, args.segments, args.batch, args.tasks or 1) < 1:
        parser.error("--votes, --segments, --batch and --tasks are at least 1")
    try:
        args.device = usable_device(args.device)
        if args.out:
            make_writable(args.out.parent, "choose another file: --out FILE")
        run(args)
    except MullError as error:
        sys.exit(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))


def run(args: argparse.Namespace) -> None:
    tasks = tasks_of(args.folder, args.part)[: args.tasks]
    card = find(args.weights)
    tokens, ids = args.tokens or trained_tokens(card), has_ids(card)
    net = read(kind(card.solver), card).eval().requires_grad_(False).to(args.device)
    found = variants(tasks, tokens, args.votes, args.seed)
    tests = sum(len(task.tests) for task in tasks)
    reached = len({(each.task, each.test) for each in found})
    print(
        f"{tests} tests of {len(tasks)} tasks; {reached} fit into {tokens} tokens; {len(found)} predictions", flush=True
    )
    if not found:
        raise InputError(f"no test fits into {tokens} tokens", args.folder, hint="allow more: --tokens")
    rows = [each.arrangement for each in found]
    names = [tasks[each.task].name if ids else "" for each in found]
    examples = examples_of(rows, names, max(len(row.givens) for row in rows))
    reason = unreadable(card, examples.graphs[0])
    if reason:
        raise CheckpointError(f"{card.name}: {reason}", "name weights that were trained on arc:...")
    started = time.monotonic()

    def progress(done: int) -> None:
        print(f"\r{done}/{len(found)} in {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)

    values, halt = predict(
        net,
        examples,
        segments=args.segments,
        batch=args.batch,
        device=args.device,
        seed=args.seed,
        on_progress=progress,
    )
    print(file=sys.stderr)
    made = [prediction(each, *pair) for each, *pair in zip(found, values, halt.tolist(), strict=True)]
    given = answers(tasks, found, made)
    if args.out:
        args.out.write_text(json.dumps(submission(tasks, given)) + "\n", encoding="utf-8")
        print(f"submission: {args.out}")
    print(f"{time.monotonic() - started:.0f} s on {args.device}")
    if all(test.output is None for task in tasks for test in task.tests):
        print("not scored: no output of a test is known")
        return
    first = [n for n, each in enumerate(found) if each.transform == Transform()]
    alone = answers(tasks, [found[n] for n in first], [made[n] for n in first])
    print(f"one prediction, no vote: pass@1 {score(tasks, alone, 1):.2%}")
    print(f"vote over {args.votes}: pass@1 {score(tasks, given, 1):.2%}, pass@2 {score(tasks, given, 2):.2%}")


def tasks_of(folder: str, part: str) -> tuple[Task, ...]:
    """The tasks of a part of a folder, of the folder itself if it has no such part, or of a file."""
    path = Path(folder)
    if path.is_file():
        try:
            return tuple(parse(path.read_text(encoding="utf-8"), folder))
        except InputError as error:
            raise error.at(folder) from None
        except UnicodeDecodeError:
            raise InputError("is not UTF-8 text", folder, hint="name a JSON file of tasks") from None
    tasks = read_folder(folder, part) or read_folder(folder, "")
    if not tasks:
        raise InputError(f"no tasks of the part {part}", folder, hint="choose another --part")
    return tasks


def trained_tokens(card: Card) -> int:
    """The largest number of variables in the streams of a training."""
    specs = [name.partition(":")[2] for name in card.data if re.match("arc:", name)]
    return max((parse_spec(spec).tokens for spec in specs), default=TOKENS)


def has_ids(card: Card) -> bool:
    """Whether the net has embeddings of tasks."""
    return any(str(role).startswith(f"{KIND}task-") for role in card.shape.get("roles", ()))


if __name__ == "__main__":
    main()
