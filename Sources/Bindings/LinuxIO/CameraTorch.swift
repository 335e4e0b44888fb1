internal import CLinux
internal import Glibc

/// The light of a V4L2 camera: the flash LED control in its torch mode.
package struct CameraTorch: Sendable {
    private let device: String

    /// nil when the device has no such light, or is none.
    package init?(device: String) {
        self.device = device
        guard let descriptor = try? Self.open(device) else { return nil }
        defer { close(descriptor) }
        guard clinux_has_torch(descriptor) == 0 else { return nil }
    }

    /// Switches it; while somebody else films, too.
    package func light(_ isOn: Bool) throws(SystemError) {
        let descriptor = try Self.open(device)
        defer { close(descriptor) }
        let status = clinux_set_torch(descriptor, isOn ? 1 : 0)
        guard status == 0 else { throw SystemError(call: "ioctl", number: -status) }
    }

    private static func open(_ device: String) throws(SystemError) -> Int32 {
        let descriptor = Glibc.open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
        return descriptor
    }
}
