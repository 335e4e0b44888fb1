internal import Foundation

/// The pages that the bridge serves: plain HTML, CSS and ES modules, shipped as resources beside the executable.
package enum WebPages {
    /// A page for people, or a file that pages load.
    package enum Page: String, Sendable, CaseIterable {
        case index, watch, publish, playback, call
    }

    /// The absolute path of a page's HTML; nil when the resources are missing beside the executable.
    package static func path(of page: Page) -> String? {
        path(ofFile: page.rawValue, type: "html")
    }

    /// The absolute path of a script or style sheet by its bare file name; nil for every name that is not one of ours.
    package static func path(ofAsset name: String) -> String? {
        // A bundle asked for a resource without a name finds any of that type.
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") })
        else { return nil }
        let type = String(name[name.index(after: dot)...])
        guard ["js", "css"].contains(type) else { return nil }
        return path(ofFile: String(name[..<dot]), type: type)
    }

    private static func path(ofFile name: String, type: String) -> String? {
        Bundle.module.path(forResource: name, ofType: type, inDirectory: "Pages")
    }
}
