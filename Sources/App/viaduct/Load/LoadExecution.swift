import ArgumentParser
import BridgeModel
import Foundation
import LinuxIO
import LoadGeneration
import LoadPlane
import SecureTransport

extension LoadOptions {
    /// Runs the scenario, prints its report, and throws the exit status.
    func run(_ scenario: LoadScenario) async throws {
        var scenario = scenario
        scenario.patience = patience.duration
        _ = HostFacts.raiseDescriptorLimit()
        let signals = ProcessSignals()
        let http = LoadHTTP(patience: patience.duration, trustsAnyone: target.insecure)
        let stop = Latch()
        let report = try await withSignals(signals, stop) { try await execute(scenario, http: http, stop: stop) }
        await http.shutdown()
        print(json ? report.json.text : report.text)
        let misses = expectations.expectations.misses(in: report)
        for miss in misses { HostFacts.logLine("expectation missed: \(miss)") }
        guard misses.isEmpty || report.wasStopped && !expectsAnything else { throw ExitCode(1) }
    }

    /// A run that was stopped by hand before anybody joined is no failure, unless something was expected of it.
    private var expectsAnything: Bool { expectations.expectations != LoadExpectations() }

    private func withSignals(
        _ signals: ProcessSignals, _ stop: Latch, _ body: () async throws -> LoadReport
    ) async throws -> LoadReport {
        let received = signals.received
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in received where signal == .stop { break }
                if !Task.isCancelled { stop.open() }
            }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    private func execute(_ scenario: LoadScenario, http: LoadHTTP, stop: Latch) async throws -> LoadReport {
        let context = try DTLSContext(certificate: Certificate.makeSelfSigned())
        let client = LoadClient(
            video: media.settings, feedback: feedback, profiles: srtp.profiles, patience: patience.duration, context: context)
        let run = try LoadRun(
            scenario, client: client, publishing: try target.publishing(http), watching: try target.watching(http), context: context)
        let isQuiet = quiet
        return await run.run(stop: stop) { progress in
            if !isQuiet { HostFacts.logLine(progress.text) }
        }
    }
}

extension LoadOptions.SRTPChoice {
    fileprivate var profiles: [ProtectionProfile] {
        switch self {
        case .gcm: [.aeadAES128GCM]
        case .cm: [.aes128CMSHA1_80]
        case .any: ProtectionProfile.allCases
        }
    }
}

extension LoadTargetOptions {
    /// The way for publishers; nil when none is given.
    fileprivate func publishing(_ http: LoadHTTP) throws -> (any LoadSignaling)? {
        let token = try secret(publishToken ?? token)
        if let whip { return HTTPSignaling(http, url: NumberedText(whip), token: token) }
        guard publishes, let rtm, let stream else { return nil }
        if let masterKey = try secret(masterKey) {
            return RTMSignaling(
                http, origin: rtm, dialect: .eyeson(client: NumberedText(stream), masterKey: Redacted(masterKey.revealed.text(for: 0))))
        }
        return RTMSignaling(http, origin: rtm, dialect: .native(stream: NumberedText(stream), token: token, isPublisher: true))
    }

    /// The way for viewers; nil when none is given.
    fileprivate func watching(_ http: LoadHTTP) throws -> (any LoadSignaling)? {
        let token = try secret(watchToken ?? token)
        if let whep { return HTTPSignaling(http, url: NumberedText(whep), token: token) }
        guard let rtm, let stream else { return nil }
        return RTMSignaling(http, origin: rtm, dialect: .native(stream: NumberedText(stream), token: token, isPublisher: false))
    }

    /// The text itself, or what stands in the file behind `@`.
    private func secret(_ text: String?) throws -> Redacted<NumberedText>? {
        guard let text else { return nil }
        guard text.hasPrefix("@") else { return Redacted(NumberedText(text)) }
        let path = String(text.dropFirst())
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw OperatorError("\(path) cannot be read: a token was expected in it.")
        }
        return Redacted(NumberedText(content.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
