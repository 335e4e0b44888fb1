import Testing
@testable import GStreamerKit
@Test func initialises() throws { try GStreamer.initialise() }
