import Bridge
import Testing

@Suite struct CompositeLayoutTests {
    private static let arrangements: [CompositeLayout.Arrangement] = [.grid, .speaker, .pictureInPicture, .presentation]
    private static let sizes = [(1280, 720), (640, 360), (1920, 1080), (720, 1280), (640, 480), (160, 90), (3840, 2160), (1000, 162)]

    @Test(arguments: sizes)
    func everyCellIsEvenAndInsideThePicture(width: Int, height: Int) {
        for arrangement in Self.arrangements {
            for seats in 1...CompositeLayout.mostInputs {
                let cells = CompositeLayout(arrangement).cells(seats: seats, width: width, height: height)
                #expect(cells.count == seats)
                for cell in cells {
                    #expect((cell.x | cell.y | cell.width | cell.height) & 1 == 0, "\(arrangement) \(seats) \(cell)")
                    #expect(cell.x >= 0 && cell.y >= 0 && cell.width >= 2 && cell.height >= 2, "\(arrangement) \(seats) \(cell)")
                    #expect(cell.x + cell.width <= width && cell.y + cell.height <= height, "\(arrangement) \(seats) \(cell)")
                }
            }
        }
    }

    @Test(arguments: sizes)
    func nothingOverlapsButInsetsTheirLargePicture(width: Int, height: Int) {
        for arrangement in Self.arrangements {
            for seats in 1...CompositeLayout.mostInputs {
                let cells = CompositeLayout(arrangement).cells(seats: seats, width: width, height: height)
                for (index, cell) in cells.enumerated() {
                    let isUnder = arrangement == .pictureInPicture && index == 0
                    #expect(isUnder || !cells[(index + 1)...].contains { $0.overlaps(cell) }, "\(arrangement) \(seats) \(index)")
                    #expect(cell.z == (arrangement == .pictureInPicture && index > 0 ? 1 : 0))
                }
            }
        }
    }

    @Test func aGridUsesMostOfThePicture() {
        for seats in 1...CompositeLayout.mostInputs {
            let cells = CompositeLayout(.grid).cells(seats: seats, width: 1280, height: 720)
            let used = cells.reduce(0) { $0 + $1.area } * 100 / (1280 * 720)
            #expect(used >= 75, "\(seats) inputs use \(used) %")
            let (largest, smallest) = (cells.map(\.area).max() ?? 0, cells.map(\.area).min() ?? 0)
            #expect(largest - smallest <= largest / 10, "\(seats): cells of \(smallest) to \(largest) pixels")
        }
    }

    @Test func knownCases() {
        let grid = CompositeLayout(.grid)
        #expect(grid.cells(seats: 0, width: 640, height: 360).isEmpty)
        #expect(grid.cells(seats: 1, width: 640, height: 360) == [CompositeCell(x: 0, y: 0, width: 640, height: 360)])
        #expect(
            grid.cells(seats: 2, width: 640, height: 360) == [
                CompositeCell(x: 0, y: 0, width: 320, height: 360), CompositeCell(x: 320, y: 0, width: 320, height: 360),
            ])
        #expect(
            grid.cells(seats: 3, width: 640, height: 360).map { [$0.x, $0.y, $0.width, $0.height] } == [
                [0, 0, 320, 180], [320, 0, 320, 180], [0, 180, 320, 180],
            ])
        #expect(CompositeLayout(.speaker).cells(seats: 2, width: 640, height: 360).map(\.height) == [270, 90])
        #expect(CompositeLayout(.presentation).cells(seats: 2, width: 640, height: 360).map(\.width) == [512, 128])
        // On a tall picture the two stand over each other.
        #expect(grid.cells(seats: 2, width: 360, height: 640).map(\.y) == [0, 320])
    }

    @Test func aCustomLayoutIsTakenAsDrawn() {
        let shapes = [
            CompositeShape(x: 0, y: 0, width: 1, height: 1), CompositeShape(x: 0.7, y: 0.7, width: 0.3, height: 0.3, z: 5, fit: .cover),
        ]
        let cells = CompositeLayout(.custom(shapes)).cells(seats: 4, width: 640, height: 360)
        #expect(
            cells == [
                CompositeCell(x: 0, y: 0, width: 640, height: 360),
                CompositeCell(x: 448, y: 252, width: 192, height: 108, z: 5, fit: .cover),
            ])
    }

    @Test func coveringCutsWhatSticksOut() {
        let square = CompositeCell(x: 0, y: 0, width: 200, height: 200, fit: .cover)
        #expect(square.visiblePart(ofWidth: 640, height: 360) == CompositeCell(x: 140, y: 0, width: 360, height: 360))
        #expect(square.visiblePart(ofWidth: 360, height: 640) == CompositeCell(x: 0, y: 140, width: 360, height: 360))
        var whole = square
        whole.fit = .contain
        #expect(whole.visiblePart(ofWidth: 640, height: 360) == CompositeCell(x: 0, y: 0, width: 640, height: 360))
    }
}

@Suite struct CompositeSeatingTests {
    @Test func everybodyKeepsTheSeatWhenSomebodyComes() {
        var seating = CompositeSeating<String>()
        seating.seat(["a", "b"])
        seating.seat(["c", "b", "a"])
        #expect(seating.guests == ["a", "b", "c"])
    }

    @Test func whoLeavesIsReplacedByTheLastOneAlone() {
        var seating = CompositeSeating<String>()
        seating.seat(["a", "b", "c", "d"])
        seating.seat(["a", "c", "d"])
        #expect(seating.guests == ["a", "d", "c"])
        seating.seat([])
        #expect(seating.guests.isEmpty)
    }

    @Test func aNewcomerTakesTheSeatOfWhoLeft() {
        var seating = CompositeSeating<String>()
        seating.seat(["a", "b", "c"])
        seating.seat(["a", "c", "e", "f"])
        #expect(seating.guests == ["a", "e", "c", "f"])
    }

    @Test func theFocusChangesPlacesWithTheFirst() {
        var seating = CompositeSeating<String>()
        seating.seat(["a", "b", "c"], focus: "c")
        #expect(seating.guests == ["c", "b", "a"])
        seating.seat(["a", "b", "c"])
        #expect(seating.guests == ["c", "b", "a"])
        seating.seat(["a", "b"], focus: "nobody")
        #expect(seating.guests == ["a", "b"])
    }

    /// Random comings and goings: exactly the wanted ones sit, once each, and at most as many move as left.
    @Test func fewMove() {
        var random = SystemRandomNumberGenerator()
        var seating = CompositeSeating<Int>()
        for _ in 0..<500 {
            let former = seating.guests
            let wanted = (0..<12).filter { _ in Bool.random(using: &random) }
            seating.seat(wanted)
            #expect(seating.guests.sorted() == wanted)
            let moved = former.enumerated().count { index, guest in
                wanted.contains(guest) && (seating.guests.count <= index || seating.guests[index] != guest)
            }
            #expect(moved <= former.count { !wanted.contains($0) }, "\(former) -> \(seating.guests)")
        }
    }
}
