import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// `/healthz`, `/readyz` and `/metrics`; open to everybody who reaches the port, and without secrets or ids.
struct HealthOperations: Sendable {
    let port: any ReadinessProbe & MetricsSource

    /// The process answers.
    @Sendable func alive(_ request: APIRequest) async throws(Problem) -> APIResponse {
        .json(.ok, .object([.init("status", .string("alive"))]))
    }

    /// 200 when everything that sessions and recordings need was tried and works, else 503 with what does not.
    @Sendable func ready(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let checks = await port.readiness()
        let isReady = !checks.isEmpty && checks.allSatisfy(\.isReady)
        let items = checks.map { check in
            JSONText.object([
                .init("name", .string(check.name)), .init("ready", .bool(check.isReady)), .init("detail", .string(check.message)),
            ])
        }
        let document = JSONText.object([.init("status", .string(isReady ? "ready" : "unavailable")), .init("checks", .array(items))])
        let response = APIResponse.json(isReady ? .ok : .serviceUnavailable, document)
        return isReady ? response : response.with(.retryAfter, "5")
    }

    @Sendable func metricsPage(_ request: APIRequest) async throws(Problem) -> APIResponse {
        .text(.ok, PrometheusText.page(await port.samples()), type: PrometheusText.mediaType)
    }
}

/// The text exposition format of Prometheus, version 0.0.4.
enum PrometheusText {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// One `HELP` and `TYPE` a metric, its samples below.
    static func page(_ samples: [MetricSample]) -> String {
        var lines: [String] = []
        var names: [String] = []
        let groups = Dictionary(grouping: samples, by: \.name)
        for sample in samples where !names.contains(sample.name) { names.append(sample.name) }
        for name in names {
            guard let group = groups[name], let first = group.first else { continue }
            lines.append("# HELP \(name) \(escaped(first.help, quotes: false))")
            lines.append("# TYPE \(name) \(first.kind.rawValue)")
            lines += group.map { "\(name)\(labels($0.labels)) \(number($0.value))" }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func labels(_ labels: [MetricSample.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var output = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\"" where quotes: output += "\\\""
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
