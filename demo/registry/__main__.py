"""`python -m demo.registry --root DIR --port N`: serve a registry directory on a loopback port."""

import argparse
from pathlib import Path

from demo.registry.auth import Basic, Bearer
from demo.registry.server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.registry", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="where the registry keeps everything")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port; the address is printed when ready")
    parser.add_argument("--basic", metavar="USER:PASSWORD", help="ask for this user by HTTP basic authentication")
    parser.add_argument("--bearer", metavar="USER:PASSWORD", help="ask for tokens, issued to this user at /token")
    parser.add_argument("--anonymous-pull", action="store_true", help="with --bearer: who has no password may pull")
    parser.add_argument("--oauth2", action="store_true", help="with --bearer: tokens for the OAuth2 form alone")
    parser.add_argument("--no-referrers-api", action="store_true", help="answer 404 as older registries do")
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--referrers-page-size", type=int, default=1000)
    parser.add_argument("--read-only", action="store_true")
    asked = parser.parse_args()
    auth: Basic | Bearer | None = None
    if asked.basic or asked.bearer:
        user, _, password = (asked.basic or asked.bearer).partition(":")
        bearer = Bearer({user: password}, anonymous_pull=asked.anonymous_pull, form_only=asked.oauth2)
        auth = Basic({user: password}) if asked.basic else bearer
    Server(
        asked.root,
        f"{asked.host}:{asked.port}",
        auth=auth,
        referrers_api=not asked.no_referrers_api,
        page_size=asked.page_size,
        referrers_page_size=asked.referrers_page_size,
        read_only=asked.read_only,
    ).run()


if __name__ == "__main__":
    main()
