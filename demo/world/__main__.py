"""`python -m demo.world --root DIR --out DIR`: fill a registry directory, and write the policy and trust stores for it."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from demo.world import REFERENCE_NAME, World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.world", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the registry's directory, as demo.registry serves it")
    parser.add_argument(
        "--out", type=Path, required=True, help="where trustpolicy.json, truststore/ and expected.json go"
    )
    parser.add_argument("--reference-name", default=REFERENCE_NAME, help="the registry's name in the policy's scopes")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that ages and validity count from")
    asked = parser.parse_args()
    World.build(asked.root, asked.now or datetime.now(UTC), asked.reference_name).write(asked.out)


if __name__ == "__main__":
    main()
