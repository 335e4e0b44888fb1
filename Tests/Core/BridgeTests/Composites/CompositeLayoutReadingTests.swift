import Bridge
import BridgeModel
import Testing

@Suite struct CompositeLayoutReadingTests {
    @Test(
        arguments: [
            (#""grid""#, CompositeLayout(.grid)), (#"{"kind":"speaker"}"#, CompositeLayout(.speaker)),
            (#"{"kind":"presentation","fit":null,"names":false}"#, CompositeLayout(.presentation, showsNames: false)),
            (
                ##"{"kind":"picture_in_picture","fit":"cover","background":"#FF8000","clock":true}"##,
                CompositeLayout(
                    .pictureInPicture, fit: .cover, background: CompositeColor(red: 255, green: 128, blue: 0), showsClock: true)
            ),
            (#"{"kind":"grid","background":{"image":"office"}}"#, CompositeLayout().with(image: "office")),
            (
                ##"{"kind":"grid","background":{"colour":"#ff8000","image":"my_room-2"}}"##,
                CompositeLayout(background: CompositeColor(red: 255, green: 128, blue: 0)).with(image: "my_room-2")
            ),
            (#"{"kind":"grid","background":{"colour":null,"image":null}}"#, CompositeLayout()),
            (
                #"{"kind":"custom","cells":[{"x":0,"y":0.5,"width":0.333,"height":0.5,"z":7,"fit":"cover"}]}"#,
                CompositeLayout(.custom([CompositeShape(x: 0, y: 0.5, width: 0.333, height: 0.5, z: 7, fit: .cover)]))
            ),
        ])
    func layoutsAreReadAndShownTheSame(text: String, layout: CompositeLayout) throws {
        let read = try CompositeLayout(reading: JSONValue.read(text.utf8))
        #expect(read == layout)
        #expect(try CompositeLayout(reading: JSONValue.read(read.text.text.utf8)) == layout)
    }

    @Test(
        arguments: [
            ("[]", "layout"), ("null", "layout"), ("7", "layout"), (#""mosaic""#, "layout"), (#""custom""#, "layout.cells"),
            ("{}", "layout.kind"), (#"{"kind":null}"#, "layout.kind"), (#"{"kind":"Grid"}"#, "layout.kind"),
            (#"{"kind":1}"#, "layout.kind"),
            (#"{"kind":"grid","colour":"red"}"#, "layout.colour"), (#"{"kind":"grid","fit":"stretch"}"#, "layout.fit"),
            (#"{"kind":"grid","background":"red"}"#, "layout.background"),
            (##"{"kind":"grid","background":"#12345"}"##, "layout.background"),
            (##"{"kind":"grid","background":"#12345g"}"##, "layout.background"),
            (#"{"kind":"grid","background":7}"#, "layout.background"), (#"{"kind":"grid","background":[]}"#, "layout.background"),
            (#"{"kind":"grid","background":{"colour":"red"}}"#, "layout.background.colour"),
            (#"{"kind":"grid","background":{"image":""}}"#, "layout.background.image"),
            (#"{"kind":"grid","background":{"image":"../a"}}"#, "layout.background.image"),
            (#"{"kind":"grid","background":{"image":7}}"#, "layout.background.image"),
            (#"{"kind":"grid","background":{"image":"a","fit":"cover"}}"#, "layout.background.fit"),
            (#"{"kind":"grid","background":"1234567"}"#, "layout.background"), (#"{"kind":"grid","names":"yes"}"#, "layout.names"),
            (#"{"kind":"grid","clock":1}"#, "layout.clock"), (#"{"kind":"grid","cells":[]}"#, "layout.cells"),
            (#"{"kind":"custom"}"#, "layout.cells"), (#"{"kind":"custom","cells":[]}"#, "layout.cells"),
            (#"{"kind":"custom","cells":{}}"#, "layout.cells"), (#"{"kind":"custom","cells":[1]}"#, "layout.cells[0]"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":1}]}"#, "layout.cells[0].height"),
            (#"{"kind":"custom","cells":[{"x":-0.1,"y":0,"width":1,"height":1}]}"#, "layout.cells[0].x"),
            (#"{"kind":"custom","cells":[{"x":0,"y":"0","width":1,"height":1}]}"#, "layout.cells[0].y"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":0,"height":1}]}"#, "layout.cells[0].width"),
            (#"{"kind":"custom","cells":[{"x":0.6,"y":0,"width":0.5,"height":1}]}"#, "layout.cells[0].width"),
            (#"{"kind":"custom","cells":[{"x":0,"y":1,"width":1,"height":1e308}]}"#, "layout.cells[0].height"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0.5,"width":1,"height":0.6}]}"#, "layout.cells[0].height"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":1,"height":1,"z":-1}]}"#, "layout.cells[0].z"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":1,"height":1,"z":0.5}]}"#, "layout.cells[0].z"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":1,"height":1,"fit":"x"}]}"#, "layout.cells[0].fit"),
            (#"{"kind":"custom","cells":[{"x":0,"y":0,"width":1,"height":1,"w":1}]}"#, "layout.cells[0].w"),
        ])
    func whatIsNoLayoutIsRefusedByItsMember(text: String, field: String) throws {
        let fault = try #require(throws: FieldFault.self) { _ = try CompositeLayout(reading: JSONValue.read(text.utf8)) }
        #expect(fault.field == field)
    }

    @Test func thereAreNoMoreCellsThanInputs() throws {
        let cell = #"{"x":0,"y":0,"width":1,"height":1}"#
        func text(_ count: Int) -> String {
            #"{"kind":"custom","cells":[\#(Array(repeating: cell, count: count).joined(separator: ","))]}"#
        }
        #expect(try CompositeLayout(reading: JSONValue.read(text(49).utf8)).cells(seats: 49, width: 640, height: 360).count == 49)
        #expect(throws: FieldFault.self) { _ = try CompositeLayout(reading: JSONValue.read(text(50).utf8)) }
    }
}

extension CompositeLayout {
    fileprivate func with(image: String) -> CompositeLayout {
        var copy = self
        copy.backgroundImage = BackgroundName(image)
        return copy
    }
}
