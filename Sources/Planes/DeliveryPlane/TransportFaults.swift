internal import AsyncHTTPClient
internal import Bridge
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

extension AttemptFault {
    /// What the HTTP client's error means for the attempt.
    init(transport error: any Error) {
        self =
            switch error {
            case let error as HTTPClientError: Self.fault(of: error)
            case let error as IOError: Self.fault(ofErrno: error.errnoCode)
            case let error as NIOConnectionError: error.connectionErrors.isEmpty ? .unresolvable : .unreachable
            case let error as ChannelError: Self.fault(of: error)
            case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: .untrusted
            case is HTTPParserError: .invalidReply
            case is CancellationError: .timedOut
            case is FileBody.CutShort: .fileMissing
            default: .connectionLost
            }
    }

    private static func fault(of error: HTTPClientError) -> AttemptFault {
        switch error {
        case .connectTimeout: .unreachable
        case .readTimeout, .writeTimeout, .deadlineExceeded, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout, .cancelled: .timedOut
        case .bodyLengthMismatch: .fileMissing
        case .invalidURL, .emptyHost, .emptyScheme: .refusedURL
        default: .connectionLost
        }
    }

    private static func fault(of error: ChannelError) -> AttemptFault {
        guard case .connectTimeout = error else { return .connectionLost }
        return .unreachable
    }

    private static func fault(ofErrno code: Int32) -> AttemptFault {
        switch code {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL, EACCES, EPERM, EAFNOSUPPORT, EINVAL: .unreachable
        default: .connectionLost
        }
    }
}
