import Bridge
import BridgeModel

/// A composite's layout as JSON, and the cells that it makes.
func fuzzCompositeLayout(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(Array(bytes)), let layout = try? CompositeLayout(reading: value) else { return }
    // What is shown means the same when it is read again.
    let again = try? CompositeLayout(reading: JSONValue.read(Array(layout.text.text.utf8)))
    precondition(again == layout)
    let size = (width: 160 + bytes.count % 1000 * 2, height: 90 + bytes.count % 700 * 2)
    for cell in layout.cells(seats: bytes.count % (CompositeLayout.mostInputs + 1), width: size.width, height: size.height) {
        precondition(cell.x >= 0 && cell.y >= 0 && cell.width >= 2 && cell.height >= 2)
        precondition(cell.x + cell.width <= size.width && cell.y + cell.height <= size.height)
        precondition((cell.x | cell.y | cell.width | cell.height) & 1 == 0)
        let part = cell.visiblePart(ofWidth: 640, height: 360)
        precondition(part.x >= 0 && part.y >= 0 && part.x + part.width <= 640 && part.y + part.height <= 360)
    }
}
