// Files that are removed while they are open here: a disk gets their space back when they are closed.

extension MediaLibrary {
    /// How often they are looked for.
    private static let careInterval: Duration = .seconds(1)

    /// Lets go of removed files soon after their removal, for as long as any file is open.
    func takeCare() {
        guard caretaker == nil else { return }
        caretaker = Task { [weak self] in
            while (try? await Task.sleep(for: Self.careInterval)) != nil, await self?.isStillNeeded() == true {}
        }
    }

    /// False when nothing is open any more.
    private func isStillNeeded() async -> Bool {
        await letGo()
        guard indexed.isEmpty, made.isEmpty else { return true }
        caretaker = nil
        return false
    }

    /// Closes the files that have been removed; those that are just being read close with the read.
    func letGo() async {
        let files = Array(indexed.values)
        let views = made.mapValues(\.view)
        let removed = try? await blocking {
            (files.filter(\.isRemoved), views.filter { $0.value.sources.contains { $0.file.isRemoved } })
        }
        guard let (files, views) = removed else { return }
        for file in files where indexed[file.path] === file {
            indexed[file.path] = nil
            order.removeAll { $0 == file.path }
        }
        for (recording, view) in views where made[recording]?.view.version == view.version { made[recording] = nil }
    }
}
