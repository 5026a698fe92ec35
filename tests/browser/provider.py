"""An OpenID provider on loopback that signs anybody in at a click, as a process of its own: it says its port.

Each argument is a person: `sub=CLAIMS`, the claims as JSON.
"""

from __future__ import annotations

import json
import sys

import oidc_provider_mock as mock
from jinja2 import ChoiceLoader, DictLoader
from werkzeug.serving import make_server

PLAIN = "<main>{% block content %}{% endblock %}</main>"
"""Its own frame asks for a style sheet from the internet."""


def main(people: list[str]) -> None:
    """Serve until this process is ended."""
    users = [mock.User(sub=sub, claims=json.loads(said)) for sub, _, said in (each.partition("=") for each in people)]
    app = mock.app(user_claims=users)
    app.jinja_env.loader = ChoiceLoader([DictLoader({"_base.html": PLAIN}), app.create_global_jinja_loader()])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
