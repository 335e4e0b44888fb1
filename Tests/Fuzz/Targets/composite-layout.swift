import Bridge
import BridgeModel

/// A composite's layout as JSON, and the cells that it makes; the same JSON as the order for a whole composite.
func fuzzCompositeLayout(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(Array(bytes)) else { return }
    if let order = try? CompositeOrder(reading: value) {
        precondition(order.content.inputs.count <= CompositeLayout.mostInputs)
        // The order as a change of itself.
        if let changed = try? order.content.changed(reading: value) { precondition(changed.inputs == order.content.inputs) }
    }
    guard let layout = try? CompositeLayout(reading: value) else { return }
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
