/// How one attempt of a delivery ended.
package enum AttemptOutcome: Sendable, Equatable {
    /// The last HTTP reply; `retryAfter` as its header asks, nil without one.
    case replied(status: Int, retryAfter: Duration?)
    /// The file is at the destination, whole, and the destination confirmed it.
    case stored
    /// The destination said why it does not take it; `status` of its reply.
    case refused(status: Int, ServiceRefusal)
    /// There was no usable reply.
    case failed(AttemptFault)

    /// For the row and for `upload_status_code`: 0 without a reply, nil where HTTP was not spoken.
    package var status: Int? {
        switch self {
        case .replied(let status, _), .refused(let status, _): status
        case .stored: nil
        case .failed: 0
        }
    }
}

/// Why an attempt had no usable reply. The names stand in logs; none holds a secret.
package enum AttemptFault: Error, Sendable, Equatable {
    /// The name has no address now.
    case unresolvable
    /// An address that the rules refuse; nothing was connected.
    case blockedAddress(AddressRefusal)
    /// The URL, or that of a redirect, is not of the allowed shape.
    case refusedURL
    /// No address accepted a connection.
    case unreachable
    /// The certificate or the handshake is not acceptable.
    case untrusted
    /// The connection ended before the reply.
    case connectionLost
    /// Nothing moved for too long, or the reply came too late.
    case timedOut
    /// What came back was not HTTP, or success was reported before everything was sent.
    case invalidReply
    /// The destination folder cannot be written.
    case folderUnwritable
    /// The disk of the destination folder is full.
    case folderFull
    /// The recording's file is not in the spool, or cannot be read.
    case fileMissing
    /// The bridge's own database could not be read or written.
    case ledgerFailed
    /// The work itself makes no sense: no such recording, a relative folder.
    case impossible

    /// One sentence for people.
    package var description: String {
        switch self {
        case .unresolvable: "the host name has no address: check the URL or the DNS"
        case .blockedAddress(let refusal): "the address is \(refusal.description): choose a public host, or let the operator exempt it"
        case .refusedURL: "the URL or its redirect is not allowed: use https, a public host and an ordinary port"
        case .unreachable: "no connection: check that the destination listens"
        case .untrusted: "the TLS handshake failed: check the destination's certificate"
        case .connectionLost: "the connection ended before the reply: check the destination"
        case .timedOut: "the destination was too slow: check its load and network"
        case .invalidReply: "the destination's reply was not valid HTTP or came before the end of the upload: check it"
        case .folderUnwritable: "the destination folder cannot be written: create it and give it to the bridge's user"
        case .folderFull: "the destination folder's disk is full: free space"
        case .fileMissing: "the recording's file is not in the spool: look for it in a backup"
        case .ledgerFailed: "the bridge's database could not be used: check the data folder's disk"
        case .impossible: "the delivery names no existing recording or no absolute folder: remove it"
        }
    }

    /// True when no later attempt can end otherwise.
    package var isPermanent: Bool {
        switch self {
        case .fileMissing, .impossible: true
        case .unresolvable, .blockedAddress, .refusedURL, .unreachable, .untrusted, .connectionLost, .timedOut, .invalidReply,
            .folderUnwritable, .folderFull, .ledgerFailed:
            false
        }
    }
}
