"""As much of a VNC client (RFB 3.8) as it takes to try a password."""

from __future__ import annotations

import asyncio
import subprocess

_VNC_AUTHENTICATION = 2
_OK = b"\0\0\0\0"


async def accepts(port: int, password: str) -> bool:
    """Whether the display lets in who knows this password."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(await reader.readexactly(12))
            offered = await reader.readexactly((await reader.readexactly(1))[0])
            assert offered == bytes([_VNC_AUTHENTICATION]), "a password is the only way in"
            writer.write(offered)
            challenge = await reader.readexactly(16)
            writer.write(await asyncio.to_thread(_answer, challenge, password))
            return await reader.readexactly(4) == _OK
        finally:
            writer.close()
            await writer.wait_closed()


def _answer(challenge: bytes, password: str) -> bytes:
    """DES of the challenge, keyed by the password's first eight bytes, each with its bits in reverse."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode()[:8].ljust(8, b"\0"))
    done = subprocess.run(
        ["/usr/bin/openssl", "enc", "-des-ede3", "-nopad", "-K", (key * 3).hex()],  # three times one key: plain DES
        input=challenge, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout
