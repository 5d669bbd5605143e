import Collab
import CollabCache
import CollabTesting
import Foundation
import Testing

@Suite("A cache's file")
struct CacheDamageTests {
    private let place = TemporaryPlace()

    private func fill(_ count: Int) async throws {
        let cache = try ResponseCache(path: place.path)
        let model = ScriptedModel("m", always: ScriptedAnswer(String(repeating: "word ", count: 300)))
            .cached(in: cache)
        for number in 0..<count { _ = try await model.respond(to: Request("q\(number)")) }
    }

    @Test("that is damaged is refused with a clear error, or begun anew where that is the policy")
    func damage() async throws {
        try await fill(40)
        let url = URL(filePath: place.path)
        var bytes = try Data(contentsOf: url)
        #expect(bytes.count > 20_000)
        // Everything behind the first page but the last one.
        for index in 4096..<(bytes.count - 4096) { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try bytes.write(to: url)
        let error = #expect(throws: CollabError.self) { try ResponseCache(path: place.path) }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains(place.path) == true)

        let cache = try ResponseCache(path: place.path, damage: .rebuild)
        #expect(try await cache.contents().answers == 0)
        #expect(FileManager.default.fileExists(atPath: place.path + ".damaged"))
        #expect(try await ScriptedModel("m", always: "ok").cached(in: cache).respond(to: "?").text == "ok")
    }

    @Test("that is no database is refused, or put aside")
    func noDatabase() throws {
        try Data(String(repeating: "Not a database. ", count: 100).utf8).write(to: URL(filePath: place.path))
        let error = #expect(throws: CollabError.self) { try ResponseCache(path: place.path) }
        #expect(error?.code == .malformedFile)
        _ = try ResponseCache(path: place.path, damage: .rebuild)
        _ = try ResponseCache(path: place.path)
    }

    @Test("that cannot be made is an error")
    func noFolder() {
        let error = #expect(throws: CollabError.self) {
            try ResponseCache(path: place.folder + "/none/x.sqlite")
        }
        #expect(error?.code == .inputOutput)
    }

    @Test("holds every answer that was handed out when its process is killed in the middle of writing")
    func killed() async throws {
        for round in 0..<5 {
            let process = Process()
            process.executableURL = URL(filePath: try #require(Self.writer))
            process.arguments = [place.path]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            // Wait for output, then kill at a moment that differs from round to round.
            var said = Data()
            while said.count < 200 + round * 517 { said += output.fileHandleForReading.availableData }
            kill(process.processIdentifier, SIGKILL)
            while case let more = output.fileHandleForReading.availableData, !more.isEmpty { said += more }
            process.waitUntilExit()

            let numbers = String(decoding: said, as: UTF8.self).split(
                separator: "\n",
                omittingEmptySubsequences: false
            )
            .dropLast().compactMap { Int($0) }
            let last = try #require(numbers.last)
            let cache = try ResponseCache(path: place.path)
            let model = ScriptedModel("numbered", answers: []).cached(in: cache)
            for number in 0...last {
                let answer = try await model.respond(to: "\(number)")
                #expect(answer.text == String(repeating: "\(number) ", count: 200))
            }
        }
    }

    @Test("is shared by processes that write at once")
    func processes() async throws {
        let writer = URL(filePath: try #require(Self.writer))
        let writers = try (0..<3).map { index in
            let process = Process()
            process.executableURL = writer
            process.arguments = [place.path, "\(index * 30)", "40"]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }
        for process in writers {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        let cache = try ResponseCache(path: place.path)
        #expect(try await cache.contents().answers == 100)
        let model = ScriptedModel("numbered", answers: []).cached(in: cache)
        for number in 0..<100 {
            let answer = try await model.respond(to: "\(number)")
            #expect(answer.text == String(repeating: "\(number) ", count: 200))
        }
    }

    /// The program beside the test bundle.
    private static var writer: String? {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        #if canImport(Darwin)
            if let bundle = Bundle.allBundles.first(where: { $0.bundlePath.hasSuffix(".xctest") }) {
                folder = bundle.bundleURL.deletingLastPathComponent()
            }
        #endif
        let path = folder.appending(path: "CacheWriter").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}
