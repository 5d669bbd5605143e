import Collab
import Foundation

@testable import CollabBackends

/// A server that speaks HTTP/2: hypercorn, with a small program of ours.
///
/// `make test` installs it beside the real model server. Where no Python has it, its tests are skipped.
final class HTTP2Server: Sendable {
    private let process: ServerProcess
    /// A transport that trusts the server.
    let transport: Transport

    init() throws {
        let python = Self.python ?? "python3"
        process = try ServerProcess([
            python, "\(serverFolder)/http2_server.py", "--seconds", "3600", "--stdin-guard",
        ])
        transport = try Transport(TransportSettings(authorities: .file(process.facts["ca"] ?? "")))
    }

    /// Stops it as a crash would.
    func kill() { process.kill() }

    var url: String { process.facts["url"] ?? "" }

    /// A model whose tokens are some milliseconds apart, or a flood.
    func model(_ pace: String) throws(CollabError) -> RemoteModel {
        try RemoteModel("m", at: "\(url)/\(pace)/v1", settings: RemoteSettings(transport: transport))
    }

    /// How many streams are under way, and how many have been left by their clients.
    func counts() async throws -> (streams: Int, left: Int) {
        let exchange = try await transport.open(HTTPRequest("GET", WebAddress(url + "/stats")))
        let json = try JSONValue(parsing: try await exchange.body(upTo: 1 << 16), policy: .wire)
        return (json["streams"]?.intValue ?? -1, json["left"]?.intValue ?? -1)
    }

    /// Waits until the counts are as expected, or so long has passed that they never will be.
    func counts(when holds: ((streams: Int, left: Int)) -> Bool) async throws -> (streams: Int, left: Int) {
        let deadline = ContinuousClock.now.advanced(by: .seconds(20))
        while true {
            let counts = try await counts()
            if holds(counts) || ContinuousClock.now > deadline { return counts }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// A Python that has hypercorn.
    static let python: String? = {
        let own = RealServer.environmentFolder + "/bin/python3"
        return [own, "python3"].first { candidate in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [candidate, "-c", "import hypercorn; print(1)"]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            return output.fileHandleForReading.readDataToEndOfFile().first == UInt8(ascii: "1")
        }
    }()
}
