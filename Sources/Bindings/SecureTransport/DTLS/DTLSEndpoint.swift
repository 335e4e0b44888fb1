/// Our end of one peer's DTLS association: a handshake in either role, then a watch for alerts (RFC 6347, RFC 5764).
///
/// Datagrams and the time come in by calls, datagrams go out by each call's `send`; it has no socket and no clock. `now` is the time since any fixed
/// moment on a clock that never goes back, the same for all calls. All calls are made on one thread at a time, which need not be the one that made
/// the endpoint. `send` may be called several times, with at most `DTLSContext.maximumDatagramByteCount` octets that are valid during that call, and
/// must not call the endpoint.
///
/// While the handshake goes on it holds OpenSSL's connection, afterwards less than a kilobyte.
package final class DTLSEndpoint {
    private enum Phase {
        case handshaking(HandshakeDriver)
        case established(EstablishedAssociation)
        case over
    }

    /// Who begins.
    package let role: DTLSRole
    private var phase: Phase
    private var keyingMaterial: SRTPKeyingMaterial?

    /// Prepares a handshake; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - fingerprints: all `a=fingerprint` values of the peer's SDP. Of several hash functions the strongest counts; SHA-1 does not.
    ///   - profiles: what is offered or accepted, best first; not empty. As a server, our order decides.
    /// - Throws: `noUsableFingerprint`, or `handshakeFailed` when OpenSSL has no memory.
    package init(
        context: DTLSContext, role: DTLSRole, fingerprints: [CertificateFingerprint],
        profiles: [ProtectionProfile] = ProtectionProfile.allCases
    ) throws(DTLSError) {
        self.role = role
        let expected = try ExpectedFingerprints(fingerprints)
        do throws(OpenSSLError) {
            phase = .handshaking(try HandshakeDriver(context: context, role: role, expected: expected, profiles: profiles))
        } catch {
            throw .handshakeFailed(error)
        }
    }

    /// When `tick` has to be called; nil while there is nothing to wait for. A server does not wait for its client's first flight: how long that may
    /// take is the caller's to say.
    package var deadline: Duration? {
        guard case .handshaking(let driver) = phase else { return nil }
        return driver.deadline
    }

    /// The handshake is finished, and neither side has ended the association.
    package var isConnected: Bool {
        guard case .established = phase else { return false }
        return true
    }

    /// A client sends its first flight; call it once. Does nothing for a server.
    package func start(now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> DTLSEvent? {
        guard role == .client, case .handshaking(let driver) = phase else { return nil }
        return conclude(driver, driver.begin(now: now, send: send))
    }

    /// Takes a datagram of DTLS records. Whatever makes no sense is ignored.
    ///
    /// After an event, the rest of the datagram is not looked at.
    package func receive(_ datagram: UnsafeRawBufferPointer, now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> DTLSEvent? {
        var records = DTLSRecordIterator(datagram)
        while let record = records.next() {
            if let event = receive(record, now: now, send: send) { return event }
        }
        return nil
    }

    /// Repeats what was lost, and gives up when that was in vain. Call it when `deadline` is reached; earlier does no harm.
    package func tick(now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> DTLSEvent? {
        guard case .handshaking(let driver) = phase else { return nil }
        return conclude(driver, driver.tick(now: now, send: send))
    }

    /// Ends the association, with a close_notify when it is connected. Every later call does nothing.
    package func close(send: (UnsafeRawBufferPointer) -> Void) {
        if case .established(let association) = phase { association.sendCloseNotify(send) }
        end()
    }

    /// The SRTP keys of a connected endpoint, once: the endpoint keeps no copy.
    package func takeKeyingMaterial() -> SRTPKeyingMaterial? { keyingMaterial.take() }

    private func receive(_ record: DTLSRecord, now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> DTLSEvent? {
        switch phase {
        case .handshaking(let driver): return conclude(driver, driver.receive(record, now: now, send: send))
        case .established(let association):
            let event = association.receive(record, send: send)
            if event != nil { end() }
            return event
        case .over: return nil
        }
    }

    private func conclude(_ driver: HandshakeDriver, _ outcome: HandshakeDriver.Outcome) -> DTLSEvent? {
        switch outcome {
        case .none: return nil
        case .failed(let error): return fail(error)
        case .finished:
            do throws(DTLSError) {
                try establish(driver)
                return .connected
            } catch {
                return fail(error)
            }
        }
    }

    private func establish(_ driver: HandshakeDriver) throws(DTLSError) {
        guard let profile = driver.handshake.profile else { throw .noCommonProfile }
        do throws(OpenSSLError) {
            let exported = try driver.handshake.exportKeys(for: profile)
            phase = .established(try driver.makeAssociation())
            keyingMaterial = SRTPKeyingMaterial(profile: profile, exported: exported, isClient: role == .client)
        } catch {
            throw .handshakeFailed(error)
        }
    }

    private func fail(_ error: DTLSError) -> DTLSEvent {
        end()
        return .failed(error)
    }

    private func end() {
        phase = .over
        keyingMaterial = nil
    }
}

/// The SRTP keys that one handshake agreed on, for both directions, to be given to `PacketProtection`.
package struct SRTPKeyingMaterial: ~Copyable {
    /// What the keys are for.
    package let profile: ProtectionProfile
    /// Client key, server key, client salt, server salt (RFC 5764 section 4.2).
    package let exported: SecretBytes
    /// This side was the DTLS client.
    package let isClient: Bool
}
