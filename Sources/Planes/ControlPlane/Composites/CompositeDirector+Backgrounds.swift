package import Bridge
package import BridgeModel
internal import Logging

// Pictures behind composites: which there are, and who shows which.
extension CompositeDirector: BackgroundCommands {
    package func save(_ picture: [UInt8], as name: BackgroundName) async throws(BridgeError) -> (background: Background, isNew: Bool) {
        let header: PictureHeader
        do throws(PictureHeader.Fault) {
            header = try PictureHeader(reading: picture)
        } catch {
            throw BridgeError(.invalidField, error.text)
        }
        guard backgrounds[name] != nil || backgrounds.count < Background.most else {
            throw BridgeError(.limitReached, "The bridge keeps \(Background.most) backgrounds; remove one first.")
        }
        var background = try await services.backgrounds.write(picture, header, as: name)
        let former = backgrounds[name]
        background.revision = (former?.revision ?? 0) + 1
        backgrounds[name] = background
        for id in entries.keys where entries[id]?.order.content.layout.backgroundImage == name { arrange(id) }
        return (background, former == nil)
    }

    package func backgrounds() async -> [Background] { backgrounds.values.sorted { $0.name.rawValue < $1.name.rawValue } }

    package func picture(_ name: BackgroundName) async throws(BridgeError) -> (background: Background, bytes: [UInt8]) {
        guard let background = backgrounds[name], let bytes = await services.backgrounds.read(background) else {
            throw Self.noBackground(name)
        }
        return (background, bytes)
    }

    package func remove(_ name: BackgroundName) async throws(BridgeError) {
        guard let background = backgrounds[name] else { throw Self.noBackground(name) }
        let users = entries.values.filter { $0.order.content.layout.backgroundImage == name }.map(\.status.stream.rawValue).sorted()
        guard users.isEmpty else {
            throw BridgeError(
                .backgroundInUse,
                "The background \(name) is shown by \(users.joined(separator: ", ")); give these composites another one or end them first.")
        }
        // From here on nobody can order it.
        backgrounds[name] = nil
        do throws(BridgeError) {
            try await services.backgrounds.remove(background)
        } catch {
            if backgrounds[name] == nil { backgrounds[name] = background }
            throw error
        }
    }

    private static func noBackground(_ name: BackgroundName) -> BridgeError {
        BridgeError(.notFound, "There is no background \(name); list them all, or put it first.")
    }

    // MARK: Of one composite

    /// Throws `background_unreadable` where the order's background is not there.
    func checkBackground(of content: CompositeContent) throws(BridgeError) {
        guard let name = content.layout.backgroundImage, backgrounds[name] == nil else { return }
        throw BridgeError(.backgroundUnreadable, "the name of a background that is there: put \(name) first")
    }

    func image(of entry: CompositeEntry) -> CompositeScene.Image? {
        guard entry.order.codec != nil else { return nil }
        return entry.order.content.layout.backgroundImage.flatMap { backgrounds[$0] }.map(CompositeScene.Image.init)
    }

    /// The child tells what became of a picture.
    func heard(of image: CompositeScene.Image, _ error: BridgeError?, _ id: CompositeID) {
        guard entries[id]?.shown?.image == image else { return }
        entries[id]?.status.background = error.map(BackgroundState.failed) ?? .shown
        guard let error else { return }
        services.logger.warning(
            "a composite's background cannot be shown", metadata: ["composite": "\(id)", "reason": "\(error.description)"])
    }
}

extension CompositeEntry {
    /// Another picture than the one that is shown is on its way, or none.
    mutating func expectBackground(of scene: CompositeScene) {
        guard scene.image != shown?.image || status.background == nil else { return }
        status.background = scene.image.map { _ in .loading }
    }
}
