internal import Bridge
package import BridgeModel
internal import Foundation

/// The time zone database that comes with Foundation.
package struct SystemTimeZones: TimeZones {
    package init() {}

    package func offset(of name: String, at moment: WallTime) -> Duration? {
        guard let zone = TimeZone(identifier: name) else { return nil }
        return .seconds(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(moment.seconds))))
    }
}
