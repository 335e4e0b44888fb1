"""The edge's answers, read by a parser that is not ours: aiortc's. The answers are the golden files of the unit tests, which hold them equal to the code's."""

import pathlib

import pytest
from aiortc import sdp

pytestmark = pytest.mark.sturdy

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Core" / "SDPTests" / "Fixtures"


def answers():
    for path in sorted((FIXTURES / "Negotiated").glob("*.txt")):
        offer = (FIXTURES / f"{path.stem}.sdp").read_text()
        for number, text in enumerate(path.read_text().split("\nv=0\n")[1:]):
            answer = "v=0\n" + text.split("\n\n")[0].rstrip("\n") + "\n"
            yield pytest.param(offer, answer, id=f"{path.stem}-{number}")


def read(text):
    return sdp.SessionDescription.parse(text.replace("\n", "\r\n"))


def media_lines(text):
    return [line.split() for line in text.splitlines() if line.startswith("m=")]


@pytest.mark.parametrize(("offer", "answer"), list(answers()))
def test_an_answer_is_well_formed_and_fits_its_offer(offer, answer):
    offered, answered = media_lines(offer), media_lines(answer)
    assert [line[0] for line in answered] == [line[0] for line in offered]
    description = read(answer)
    bundled = {mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items}
    live = [media for media in description.media if media.port]
    assert live
    for media, ours, theirs in zip(description.media, answered, offered):
        assert set(ours[3:]) <= set(theirs[3:])
        assert ours[2] == theirs[2]
        if not media.port:
            assert media.rtp.muxId not in bundled
            continue
        assert media.ice.iceLite and media.ice.usernameFragment and media.ice.password
        assert [digest.algorithm for digest in media.dtls.fingerprints] == ["sha-256"]
        assert media.dtls.role in ("client", "server")
        assert media.rtcp_mux
        assert not bundled or media.rtp.muxId in bundled
        assert media.direction in ("sendonly", "recvonly", "inactive")
        assert len({extension.id for extension in media.rtp.headerExtensions}) == len(media.rtp.headerExtensions)
        if media.direction == "sendonly":
            assert media.msid and media.ssrc
        codecs = [codec for codec in media.rtp.codecs if codec.name.lower() not in ("rtx", "red", "ulpfec")]
        assert len(codecs) == 1
    tagged = [media for media in live if media.ice_candidates]
    assert len(tagged) == 1 and tagged[0].ice_candidates_complete
    assert [candidate.protocol for candidate in tagged[0].ice_candidates] == ["udp", "udp", "tcp"]


def test_there_are_answers():
    assert len(list(answers())) > 60
