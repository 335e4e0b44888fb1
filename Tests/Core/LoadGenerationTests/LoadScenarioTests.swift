import LoadGeneration
import Testing

@Suite struct LoadScenarioTests {
    @Test(arguments: [
        ("http://a/whip/{n}", "http://a/whip/3"), ("{n}{n}", "33"), ("plain", "plain"), ("{", "{"), ("{m}{n", "{m}{n"), ("{{n}}", "{3}"),
        ("", ""),
    ]) func theNumberOfAPublisherIsPutIn(text: String, expected: String) {
        #expect(NumberedText(text).text(for: 2) == expected)
    }

    @Test func joinsComeAtTheirRate() {
        var scenario = LoadScenario(kind: .churn, publishers: 1, viewers: 10_000)
        scenario.rate = 200
        #expect(scenario.joinTime(of: 0) == .zero && scenario.joinTime(of: 1) == .milliseconds(5))
        #expect(scenario.joinTime(of: 9999) == .milliseconds(49_995))
        #expect(LoadScenario(kind: .storm, publishers: 1, viewers: 9).joinTime(of: 8) == .zero)
    }

    @Test func viewersAreSpreadEvenly() {
        let scenario = LoadScenario(kind: .steady, publishers: 3, viewers: 9)
        let counts = Dictionary(grouping: 0..<9) { scenario.stream(ofViewer: $0, streams: 3) }.mapValues(\.count)
        #expect(counts == [0: 3, 1: 3, 2: 3])
    }
}
