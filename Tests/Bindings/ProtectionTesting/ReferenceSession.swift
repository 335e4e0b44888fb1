internal import CSRTP
package import SecureTransport

/// One direction of SRTP and SRTCP by libsrtp2, to compare with. For one thread at a time.
package final class ReferenceSession {
    /// What the session is for.
    package enum Direction { case outbound, inbound }

    /// Why libsrtp refused a packet, in our words.
    package enum Refusal: Error, Equatable {
        case authentication
        case replay
        /// By libsrtp's number.
        case other(UInt32)

        init(_ status: srtp_err_status_t) {
            switch status {
            case srtp_err_status_auth_fail: self = .authentication
            case srtp_err_status_replay_fail, srtp_err_status_replay_old: self = .replay
            default: self = .other(status.rawValue)
            }
        }
    }

    private typealias Operation = (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t

    /// A second `srtp_init` in a process, after that of a GStreamer plug-in for instance, finds its modules loaded and calls that a bad parameter.
    private static let initialised: srtp_err_status_t = {
        let status = srtp_init()
        return status == srtp_err_status_bad_param ? srtp_err_status_ok : status
    }()
    private let session: srtp_t
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 66_000, alignment: 16)

    /// - Parameters:
    ///   - keyAndSalt: of the profile's lengths, the salt behind the key.
    ///   - replayWindow: packets of RTP that are remembered, less than 2^15.
    package init(profile: ProtectionProfile, keyAndSalt: [UInt8], direction: Direction, replayWindow: Int) throws(Refusal) {
        try Self.check(Self.initialised)
        var policy = srtp_policy_t()
        let number = srtp_profile_t(UInt32(profile.rawValue))
        try Self.check(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, number))
        try Self.check(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, number))
        policy.ssrc.type = direction == .outbound ? ssrc_any_outbound : ssrc_any_inbound
        policy.window_size = UInt(replayWindow)
        policy.allow_repeat_tx = 1
        var session: srtp_t?
        var key = keyAndSalt
        let status = key.withUnsafeMutableBufferPointer { key in
            policy.key = key.baseAddress
            return srtp_create(&session, &policy)
        }
        try Self.check(status)
        guard let session else { throw .other(srtp_err_status_alloc_fail.rawValue) }
        self.session = session
    }

    deinit {
        srtp_dealloc(session)
        buffer.deallocate()
    }

    /// The SRTP packet of an RTP packet.
    package func protect(_ packet: [UInt8]) throws(Refusal) -> [UInt8] { try run(srtp_protect, packet) }
    /// The SRTCP packet of an RTCP packet.
    package func protectRTCP(_ packet: [UInt8]) throws(Refusal) -> [UInt8] { try run(srtp_protect_rtcp, packet) }
    /// The RTP packet of an SRTP packet.
    package func unprotect(_ packet: [UInt8]) throws(Refusal) -> [UInt8] { try run(srtp_unprotect, packet) }
    /// The RTCP packet of an SRTCP packet.
    package func unprotectRTCP(_ packet: [UInt8]) throws(Refusal) -> [UInt8] { try run(srtp_unprotect_rtcp, packet) }

    private func run(_ operation: Operation, _ packet: [UInt8]) throws(Refusal) -> [UInt8] {
        buffer.copyBytes(from: packet)
        var length = Int32(packet.count)
        try Self.check(operation(session, buffer.baseAddress, &length))
        return Array(buffer.prefix(Int(length)))
    }

    private static func check(_ status: srtp_err_status_t) throws(Refusal) {
        guard status == srtp_err_status_ok else { throw Refusal(status) }
    }
}
