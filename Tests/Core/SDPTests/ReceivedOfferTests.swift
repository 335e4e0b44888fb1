import Testing

@testable import SDP

struct ReceivedOfferTests {
    @Test func anOfferSaysTheSameReadOrUnread() throws {
        let text = Fixture["chromium-156-publish"].text
        let read = try ReceivedOffer(reading: text)
        #expect(try read.description() == ReceivedOffer(text).description())
        #expect(read.text == text)
        #expect(try PeerOffer(read).remote == PeerOffer(text).remote)
    }

    @Test func whatIsNoDescriptionIsFoundOutWhenItIsRead() throws {
        #expect(throws: SDPError.malformedLine(1)) { try ReceivedOffer(reading: "no sdp") }
        #expect(throws: SDPError.malformedLine(1)) { try PeerOffer(ReceivedOffer("no sdp")) }
    }
}
