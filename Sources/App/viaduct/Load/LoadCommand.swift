import ArgumentParser
import BridgeModel
import LoadGeneration
import LoadPlane

/// `viaduct load`: publishers and viewers in numbers, against any server.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Publishes and watches in numbers against any WHIP/WHEP or RTM server, and reports what came.",
        discussion: """
            One publisher, and 200 viewers who come at 50 a second:

              viaduct load --viewers 200 --token "$TOKEN" \\
                --whip http://127.0.0.1:8080/whip/bench \\
                --whep http://127.0.0.1:8080/whep/bench

              somebody else publishes   leave --whip away
              ten streams               --publishers 10, and bench-{n} in URLs
              RTM instead of HTTP       --rtm http://127.0.0.1:8080 \\
                                          --stream bench --publish
              all at once               viaduct load storm ...
              coming and going          viaduct load churn --viewers 10000 \\
                                          --rate 200 --hold 1s ...

            A bridge of ours makes a token for all of it: viaduct token --allow admin.

            Progress goes to standard error, the report to standard output; --json makes it one JSON object. Ctrl-C ends the run with the report of \
            what was. A server that answers 503 or 429 refused a join, which is no failure. The status is 1 when an expectation (--expect-...) is \
            missed, or when nobody joined.
            """,
        subcommands: [Steady.self, Storm.self, Churn.self], defaultSubcommand: Steady.self)

    /// The default: viewers come at a rate, stay, and are measured together.
    struct Steady: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "steady", abstract: "Viewers join at a rate and stay; then rate, loss and latency are measured. The default.")

        @Option(help: "Joins a second.")
        var rate = 50.0

        @OptionGroup var measure: LoadMeasureOptions
        @OptionGroup var load: LoadOptions

        func validate() throws {
            guard rate > 0, rate.isFinite else { throw ValidationError("--rate must be more than 0.") }
        }

        func run() async throws {
            var scenario = LoadScenario(kind: .steady, publishers: load.publisherCount, viewers: load.viewers)
            scenario.rate = rate
            measure.apply(to: &scenario)
            try await load.run(scenario)
        }
    }

    /// All at once.
    struct Storm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "storm", abstract: "All viewers join at once; then they are measured as in a steady run.")

        @OptionGroup var measure: LoadMeasureOptions
        @OptionGroup var load: LoadOptions

        func run() async throws {
            var scenario = LoadScenario(kind: .storm, publishers: load.publisherCount, viewers: load.viewers)
            measure.apply(to: &scenario)
            try await load.run(scenario)
        }
    }

    /// Coming and going.
    struct Churn: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "churn", abstract: "Viewers join at a rate, stay for a moment and leave, until --viewers of them have been there.")

        @Option(help: "Joins a second.")
        var rate = 50.0

        @Option(help: "How long each viewer stays after its first packet, for instance 500ms or 5s; 0s leaves at once.")
        var hold = DurationArgument(.seconds(1))

        @OptionGroup var load: LoadOptions

        func validate() throws {
            guard rate > 0, rate.isFinite else { throw ValidationError("--rate must be more than 0.") }
        }

        func run() async throws {
            var scenario = LoadScenario(kind: .churn, publishers: load.publisherCount, viewers: load.viewers)
            scenario.rate = rate
            scenario.hold = hold.duration
            try await load.run(scenario)
        }
    }
}
