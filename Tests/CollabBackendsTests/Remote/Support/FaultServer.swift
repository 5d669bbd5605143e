import Foundation

@testable import CollabBackends

/// The server that misbehaves on request; `Fixtures/servers/README.md` lists what it can do wrong.
///
/// One process serves all tests, and a second one those whose floods of bytes would keep the others waiting. Each test
/// uses an identifier of its own, so that its counters are its own.
final class FaultServer: Sendable {
    private let process: ServerProcess

    private init() throws {
        process = try ServerProcess([
            "python3", "\(serverFolder)/fault_server.py", "--port", "0", "--seconds", "3600", "--stdin-guard",
        ])
    }

    private static let result = Result { try FaultServer() }
    static func running() throws -> FaultServer { try result.get() }

    private static let floodResult = Result { try FaultServer() }
    static func runningForFloods() throws -> FaultServer { try floodResult.get() }

    /// The address of one of its listeners: `url`, `other` (another host), `other_port`, `tls`, `tls_wrong_host`,
    /// `tls_expired`.
    subscript(listener: String) -> String { process.facts[listener] ?? "http://127.0.0.1:9" }

    /// The base address at which a fault happens, with counters under an identifier.
    func base(_ faults: String, id: String, listener: String = "url") -> String {
        "\(self[listener])/f/\(faults),id=\(id)/v1"
    }

    /// A fresh identifier for the counters of one test.
    static func makeID(_ name: String = #function) -> String {
        name.filter { $0.isLetter || $0.isNumber } + "-\(UInt32.random(in: 0 ... .max))"
    }

    /// The counters of an identifier.
    func statistics(_ id: String) async throws -> Statistics {
        let exchange = try await Transport.shared.open(
            HTTPRequest("GET", WebAddress(self["url"] + "/__stats?id=\(id)"))
        )
        let all = try JSONValue(parsing: try await exchange.body(upTo: 64 << 20), policy: .wire)
        return Statistics(json: all["ids"]?[id] ?? .null)
    }

    /// Waits until the counters of an identifier are as expected, or so long has passed that they never will be.
    func statistics(_ id: String, when holds: (Statistics) -> Bool) async throws -> Statistics {
        let deadline = ContinuousClock.now.advanced(by: .seconds(20))
        while true {
            let statistics = try await statistics(id)
            if holds(statistics) || ContinuousClock.now > deadline { return statistics }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// What the server counted.
    struct Statistics {
        var json: JSONValue
        private func count(_ key: String) -> Int { json[key]?.intValue ?? 0 }
        var requests: Int { count("requests") }
        var billed: Int { count("billed_requests") }
        var aborts: Int { count("client_aborts") }
        var tokens: Int { count("tokens_generated") }
        /// Connections that have ended after serving the identifier last.
        var closed: Int { count("closed") }
        var inFlight: Int { count("in_flight") }
        var mostInFlight: Int { count("max_in_flight") }
        /// Requests that were too many.
        var rejected: Int { count("rejected") }
        /// When requests arrived, in seconds.
        var arrivals: [Double] { json["arrivals"]?.arrayValue?.compactMap(\.doubleValue) ?? [] }
        /// How many connections the last requests came over.
        var connections: Int { Set(seen.compactMap { $0["peer"]?.intValue }).count }
        /// The header fields of the last requests, and the listener that got each.
        var seen: [JSONValue] { json["seen"]?.arrayValue ?? [] }
    }
}
