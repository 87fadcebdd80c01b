"""The mail channel against real servers: TLS, log-in, pipelining, foreign addresses."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from tests.engage.mailserver import Received, free_port

from visavis.core.offers import Channel
from visavis.engage.channels import Fate, Outgoing
from visavis.engage.channels.smtp import Smtp
from visavis.engage.mail import compose, recipient

AT = 1_709_287_200_000


def outgoing(n: int, to: str = "a@example.invalid", text: str = "Hello\n.\n..dots\n") -> Outgoing:
    to = recipient(to)
    channel = Channel("email", sender="Shöp <shop@shop.example>")
    mail = compose(
        f"m-{n}", to, {"subject": "Grüße", "text": text}, channel, "de", AT, "https://u/x"
    )
    return Outgoing(f"m-{n}", "shop@shop.example", to, mail)


def sent(channel: Channel, *batch: Outgoing) -> list[Fate]:
    async def go() -> list[Fate]:
        sender = Smtp(channel)
        try:
            return await sender.send(batch)
        finally:
            await sender.close()

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert} -subj"
    extra = ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*words.split(), *extra], check=True, capture_output=True)
    return key, cert


def _login(server: object, session: object, envelope: object, how: str, data: object) -> AuthResult:
    right = data.login == b"shop" and data.password == b"secret"  # type: ignore[attr-defined]
    return AuthResult(success=right)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_tls_and_login(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch, security: str, password: str
) -> None:
    key, cert = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    received = Received()
    more = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    controller = Controller(
        received, hostname="localhost", port=free_port(), authenticator=_login,
        auth_required=True, auth_require_tls=security == "starttls", **more,
    )  # fmt: skip
    controller.start()
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    monkeypatch.setenv("SHOP_USER", "shop")
    monkeypatch.setenv("SHOP_PASSWORD", password)
    channel = Channel(
        "email", "smtp", host="localhost", port=controller.port, security=security,
        user_variable="SHOP_USER", password_variable="SHOP_PASSWORD", timeout_ms=5000,
    )  # fmt: skip
    try:
        fates = sent(channel, outgoing(1), outgoing(2))
    finally:
        controller.stop()
    if password == "secret":
        assert [f.what for f in fates] == ["sent", "sent"]
        assert received.ids() == ["m-1", "m-2"]
    else:
        assert {f.what for f in fates} == {"later"}
        assert "user name or password" in fates[0].reason
        assert received.mails == []


def test_a_server_that_nobody_vouches_for_gets_nothing(certificate: tuple[str, str]) -> None:
    key, cert = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    received = Received()
    controller = Controller(received, hostname="localhost", port=free_port(), tls_context=context)
    controller.start()
    channel = Channel("email", "smtp", host="localhost", port=controller.port, timeout_ms=3000)
    try:
        assert [f.what for f in sent(channel, outgoing(1))] == ["later"]
    finally:
        controller.stop()
    assert received.mails == []


@contextmanager
def scripted(**answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A pipelining server: `answers` by verb, "rcpt1" for the first RCPT; keeps what it hears."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hi\r\n")
            body, seen = False, 0
            for line in connection.makefile("rb"):
                heard.append(line)
                if body:
                    body = line != b".\r\n"
                    if not body:
                        connection.sendall(answers.get("body", b"250 ok\r\n"))
                    continue
                verb = line[:4].strip().decode().lower()
                seen += verb == "rcpt"
                answer = answers.get(f"{verb}{seen}", answers.get(verb))
                if verb == "ehlo":
                    answer = b"250-hi\r\n250-PIPELINING\r\n250 SIZE 0\r\n"
                elif verb == "data":
                    answer = answer or b"354 go\r\n"
                connection.sendall(answer or b"250 ok\r\n")
                body = verb == "data" and (answer or b"").startswith(b"354")

    threading.Thread(target=talk, daemon=True).start()
    yield listener.getsockname()[1], heard
    listener.close()


def plain(port: int) -> Channel:
    return Channel("email", "smtp", host="127.0.0.1", port=port, security="none", timeout_ms=3000)


@pytest.mark.parametrize("data", [b"503 no\r\n", b"354 go\r\n"])
@pytest.mark.parametrize(
    ("rcpt", "fate"),
    [
        (b"550 nobody\r\n", Fate("failed", "hard: the server answered 550")),
        (b"552 full\r\n", Fate("failed", "the server answered 552")),
        (b"450-wait\r\n450 busy\r\n", Fate("later", "the server answered 450")),
    ],
)
def test_a_refused_recipient_in_a_pipeline(rcpt: bytes, fate: Fate, data: bytes) -> None:
    """Whatever DATA is answered then, nothing is sent and the next message is."""
    with scripted(rcpt1=rcpt, data1=data) as (port, heard):
        fates = sent(plain(port), outgoing(1), outgoing(2))
    assert fates == [fate, Fate("sent")]
    assert sum(line.startswith(b"Message-ID: <m-") for line in heard) == 1
    assert b"RSET\r\n" in heard


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"250 ok\r\n", "sent"), (b"451 later\r\n", "later"), (b"554 no\r\n", "failed"),
     (b"nonsense\r\n", "uncertain"), (b"2", "uncertain")],
)  # fmt: skip
def test_answers_to_the_body(body: bytes, what: str) -> None:
    with scripted(body=body) as (port, _):
        channel = Channel(
            "email", "smtp", host="127.0.0.1", port=port, security="none", timeout_ms=700
        )
        assert [f.what for f in sent(channel, outgoing(1))] == [what]


def test_dots_arrive_as_they_were_sent() -> None:
    with scripted() as (port, heard):
        assert sent(plain(port), outgoing(1)) == [Fate("sent")]
    assert [line for line in heard if line.startswith(b".")] == [
        b"..\r\n",
        b"...dots\r\n",
        b".\r\n",
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "7bit"),
        ("Grüße an alle, die uns seit langem treu sind und es auch bleiben\n", "quoted-printable"),
        ("面对面 真正的个性化营销\n" * 9, "base64"),
        ("long " * 400, "quoted-printable"),
        ("trailing  \n=2e=\n.\n", "7bit"),
    ],
)
def test_every_text_comes_out_as_it_went_in(text: str, encoding: str) -> None:
    channel = Channel("email", sender="店 <shop@shop.example>", reply_to="r@shop.example")
    parts = {"subject": "主题 " * 30, "text": text, "html": f"<p>{text}</p>"}
    raw = compose("m-1", "a@b.example", parts, channel, "zh-CN", AT, "https://u/x")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"\n") == raw.count(b"\r\n")
    mail = message_from_bytes(raw, policy=default)
    assert mail["Subject"] == " ".join(parts["subject"].split())
    assert mail["From"].addresses[0].display_name == "店"
    plain_part, html_part = mail.iter_parts()
    assert plain_part["Content-Transfer-Encoding"] == encoding
    assert plain_part.get_content().splitlines() == text.splitlines()
    assert html_part.get_content().splitlines() == parts["html"].splitlines()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_nothing_gets_into_the_headers() -> None:
    parts = {"subject": "a\r\nBcc: x@y.example\r\n\r\nbody", "text": "t"}
    mail = message_from_bytes(
        compose("m-1", "a@b.example", parts, Channel("email"), "en\r\nX: y", AT, None)
    )
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert mail.get_payload() == "t\r\n"


@pytest.mark.parametrize(
    "address",
    ["a", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a@b,c@d", "<a@b>", "a@b\x00"],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError):
        recipient(address)


def test_a_foreign_domain_goes_out_in_ascii() -> None:
    assert recipient("a@münchen.example") == "a@xn--mnchen-3ya.example"
    assert recipient("用户@例子.example").endswith(".example")
