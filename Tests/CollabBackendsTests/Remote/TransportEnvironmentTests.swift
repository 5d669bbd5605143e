import Collab
import Foundation
import Testing

@testable import CollabBackends

/// What the environment says about certificates and proxies, in processes that are started with it.
@Suite("Transport: the environment of the process", .timeLimit(.minutes(2)))
struct TransportEnvironmentTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("environment")
    }

    private func call(
        _ base: String,
        _ environment: [String: String] = [:],
        trustingAll: Bool = false
    ) async throws -> (outcome: RemoteProbe.Outcome, warnings: String) {
        let probe = try await RemoteProbe.run(
            [RemoteProbe.Call(base: base)],
            environment: environment,
            trustingAll: trustingAll
        )
        return (try #require(probe.outcomes[0]), probe.warnings)
    }

    /// The certificate in a folder, under the name by which OpenSSL looks for it.
    private func hashedFolder(of certificate: String) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(id)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "x509", "-noout", "-hash", "-in", certificate]
        process.standardOutput = output
        try process.run()
        let hash = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let name = hash.trimmingCharacters(in: .whitespacesAndNewlines) + ".0"
        try FileManager.default.copyItem(
            atPath: certificate,
            toPath: folder.appendingPathComponent(name).path
        )
        return folder
    }

    @Test("A server whose authority the environment names is trusted, and no other")
    func authorities() async throws {
        let certificate = server["ca"]
        let base = server.base("ok", id: id, listener: "tls")
        let refused = try await call(base).outcome
        #expect(refused.code == "transport")
        #expect(refused.text.contains("certificate"))
        for variable in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
            let outcome = try await call(base, [variable: certificate]).outcome
            #expect(outcome.isAnswer, "\(variable): \(outcome.text)")
        }
        #if os(Linux)
            let folder = try hashedFolder(of: certificate)
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try await call(base, ["SSL_CERT_DIR": folder.path]).outcome
            #expect(outcome.isAnswer, "\(outcome.text)")
        #endif
        // libcurl's own variable counts first.
        let both = try await call(base, ["CURL_CA_BUNDLE": "/dev/null", "SSL_CERT_FILE": certificate]).outcome
        #expect(!both.isAnswer)
    }

    @Test(
        "A proxy that the environment names is used, but not for servers on this machine or those that are excepted"
    )
    func proxies() async throws {
        let host = "\(id).invalid"
        let proxy = server["url"]
        let plain = try await call("http://\(host)/f/ok,id=\(id)/v1", ["http_proxy": proxy]).outcome
        #expect(plain.isAnswer, "\(plain.text)")
        let seen = try await server.statistics(id).seen
        #expect(seen.count == 1)
        #expect(seen.first?["target"]?.stringValue?.hasPrefix("http://\(host)/f/ok") == true)
        // TLS goes through a tunnel, which this proxy refuses.
        let secure = try await call("https://\(host)/v1", ["https_proxy": proxy]).outcome
        #expect(secure.code == "transport", "\(secure.text)")
        let tunnels = try await server.statistics(id).seen.filter { $0["method"]?.stringValue == "CONNECT" }
        #expect(tunnels.first?["target"]?.stringValue == "\(host):443")
        let requests = try await server.statistics(id).requests
        let excepted = try await call(
            "http://\(host)/f/ok,id=\(id)/v1",
            ["http_proxy": proxy, "no_proxy": ".invalid"]
        ).outcome
        #expect(!excepted.isAnswer)
        #expect(try await server.statistics(id).requests == requests)
        let here = try await call(server.base("ok", id: id), ["http_proxy": "http://127.0.0.1:9"]).outcome
        #expect(here.isAnswer, "\(here.text)")
    }

    @Test(
        "Trusting every server has to be asked for, works, and is said aloud",
        arguments: ["tls", "tls_wrong_host", "tls_expired"]
    )
    func trustingEveryServer(listener: String) async throws {
        let base = server.base("ok", id: id, listener: listener)
        let (refused, silence) = try await call(base, ["CURL_CA_BUNDLE": server["\(listener)_ca"]])
        #expect(refused.isAnswer == (listener == "tls"))
        #expect(!silence.contains("certificates"))
        let (outcome, warnings) = try await call(base, trustingAll: true)
        #expect(outcome.isAnswer, "\(outcome.text)")
        #expect(warnings.contains("warning: Collab does not check the certificates of servers"))
    }
}
