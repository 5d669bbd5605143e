import Foundation
import Testing

@testable import CollabBackends

/// llama.cpp's own server with SmolLM2, started by `Scripts/real-server`.
///
/// `make test` installs it first. Where it is not installed, as on a machine on which only `swift test` was run, its
/// tests are skipped; with `COLLAB_REAL_SERVER=1` they fail instead.
final class RealServer: Sendable {
    private let process: ServerProcess
    let base: String

    /// The key that the server asks for.
    static let key = "real-server-canary-key"

    init(_ options: [String] = []) throws {
        process = try ServerProcess(
            [Self.script, "--stdin-guard", "--seconds", "3600", "--api-key", Self.key] + options,
            seconds: 300
        )
        base = (process.facts["url"] ?? "") + "/v1"
    }

    /// Stops it as a crash would.
    func kill() { process.kill() }

    private static let result = Result { try RealServer(["--ping", "1"]) }
    static func running() throws -> RealServer { try result.get() }

    static let script = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Scripts/real-server").path

    static let isInstalled: Bool = {
        if ProcessInfo.processInfo.environment["COLLAB_REAL_SERVER"] == "1" { return true }
        return FileManager.default.fileExists(atPath: "\(environmentFolder)/installed")
    }()

    /// Where `Scripts/real-server` installs what it needs.
    static let environmentFolder: String = {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? ""
        #if os(macOS)
            let caches = "\(home)/Library/Caches"
        #else
            let caches = environment["XDG_CACHE_HOME"] ?? "\(home)/.cache"
        #endif
        return environment["COLLAB_VENV"] ?? "\(caches)/collab/venv"
    }()

    /// Settings with connections of their own: the server closes those that many requests or some seconds have gone by on,
    /// without a word.
    static func settings() throws -> RemoteSettings {
        var settings = RemoteSettings()
        settings.transport = try Transport()
        return settings
    }

    /// A model on it.
    func model(
        _ name: String = "smollm2",
        key: String = RealServer.key,
        server: ServerKind = .llamaCPP,
        _ adjusting: (inout RemoteSettings) -> Void = { _ in }
    ) throws -> RemoteModel {
        var settings = try Self.settings()
        adjusting(&settings)
        return try RemoteModel(name, at: base, key: Secret { key }, server: server, settings: settings)
    }
}
