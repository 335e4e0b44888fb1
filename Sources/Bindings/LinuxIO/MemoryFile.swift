internal import CLinux
internal import Glibc

/// Bytes that have a path as long as this object lives, and are on no disk: for libraries that read files only.
package final class MemoryFile: Sendable {
    private let descriptor: Int32

    package init(_ bytes: [UInt8]) throws(SystemError) {
        let made = clinux_memory_file("memory")
        guard made >= 0 else { throw SystemError(call: "memfd_create", number: -made) }
        descriptor = made
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(made, $0.baseAddress?.advanced(by: written), $0.count - written, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("pwrite") }
            written += count
        }
    }

    deinit { close(descriptor) }

    /// For this process.
    package var path: String { "/proc/self/fd/\(descriptor)" }
}
