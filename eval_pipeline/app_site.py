"""Where the app listens, and under which address people open it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from eval_pipeline.errors import UsageError

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """An address of this machine to listen on, and the one that people open, which a proxy may have."""

    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str | None = None
    """As `origin` gives it."""

    @property
    def url(self) -> str:
        """The address to open."""
        return self.public_url or f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def name(self) -> str:
        """The host in that address."""
        return urlsplit(self.url).hostname or self.host

    @property
    def encrypted(self) -> bool:
        """Whether people reach the app by https."""
        return self.url.startswith("https://")

    @property
    def local(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return _is_loopback(self.host) and _is_loopback(self.name)

    @property
    def nameless(self) -> bool:
        """Whether it listens everywhere and nobody said what people call it."""
        return self.public_url is None and self.host in {"0.0.0.0", "::"}  # noqa: S104 - recognised, not used

    def is_own(self, page_origin: str, host: str) -> bool:
        """Whether a page of this `Origin` came from the app, which was asked for as `host`; both as in headers."""
        return page_origin == self.url or (host != "" and urlsplit(page_origin).netloc == host)


def origin(url: str) -> str:
    """An address as browsers say where a page is from: scheme, host, and the port if it is not the usual one.

    Raises:
        UsageError: it is no such address, or has a path.
    """
    try:
        parts = urlsplit(url)
        usual = DEFAULT_PORTS[parts.scheme]
        host, port = parts.hostname, parts.port
    except (KeyError, ValueError):
        host = None
    if host is None or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise UsageError(f"{url!r} is no address of an app: write https://evals.example.org, without a path")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in {None, usual} else f":{port}")


def refuse_strangers(site: Site, *, signs_in: bool, insecure: bool) -> None:
    """Raise UsageError if other machines could reach the app though nobody signs in, or people could not name it."""
    if not (site.local or signs_in or insecure):
        raise UsageError(
            f"{site.host if site.public_url is None else site.url} can be reached by others and nobody signs in: "
            "set auth.enabled, or let everyone in with --insecure"
        )
    if site.nameless:
        raise UsageError(f"nobody can open {site.host}: say with --public-url which address leads here")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
