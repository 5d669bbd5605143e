import Foundation
import Testing

/// Compiles programs that must not compile, against the modules that the tests were built with, and compares what the
/// compiler says.
@Suite("The compiler refuses")
struct RefusalTests {
    /// A program, and the only sentence that the compiler may say about it.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var file: URL
        var sentence: String
        var line: Int
        var testDescription: String { file.lastPathComponent }
    }

    @Test(
        "a stage that needs more access than the team gives, with a sentence that says so",
        arguments: refusals()
    )
    func refuses(refusal: Refusal) async throws {
        let errors = try await compilerErrors(in: refusal.file)
        let place = "\(refusal.file.lastPathComponent):\(refusal.line): "
        try #require(errors.count == 1, "\(errors)")
        #expect(errors[0].hasPrefix(place))
        #expect(errors[0].hasSuffix(refusal.sentence))
    }

    @Test("nothing if there is nothing to refuse")
    func accepts() async throws {
        let file = Self.folder.appending(path: "NothingToRefuse.swift")
        try #require(FileManager.default.fileExists(atPath: file.path))
        #expect(Self.refusals().count >= 5, "The programs that must not compile were not found.")
        let errors = try await compilerErrors(in: file)
        #expect(errors == [])
    }

    private static var folder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Refusals")
    }

    /// The programs in `Tests/Refusals`, each of which names its error in a comment `expected-error@+1 {{…}}`.
    static func refusals() -> [Refusal] {
        let files =
            (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "swift" }.sorted { $0.path < $1.path }.compactMap { file in
            guard let lines = try? String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n"),
                let index = lines.firstIndex(where: { $0.contains("expected-error@+1") }),
                let start = lines[index].range(of: "{{"), let end = lines[index].range(of: "}}")
            else { return nil }
            return Refusal(
                file: file,
                sentence: String(lines[index][start.upperBound..<end.lowerBound]),
                line: index + 2
            )
        }
    }

    /// The errors that the compiler reports, as `file:line: message`.
    private func compilerErrors(in file: URL) async throws -> [String] {
        let products = try #require(productsFolder, "The tests' build folder was not found.")
        var arguments = [
            "swiftc", "-typecheck", "-swift-version", "6", "-I", products.appending(path: "Modules").path,
        ]
        for name in try FileManager.default.contentsOfDirectory(atPath: products.path)
        where name.hasSuffix(".build") {
            let map = products.appending(path: name).appending(path: "module.modulemap").path
            if FileManager.default.fileExists(atPath: map) {
                arguments += ["-Xcc", "-fmodule-map-file=\(map)"]
            }
        }
        let output = try await run(arguments + [file.path])
        return output.components(separatedBy: "\n").compactMap { line in
            guard line.hasPrefix(file.path), let range = line.range(of: ": error: ") else { return nil }
            let place = line[..<range.lowerBound].components(separatedBy: ":")
            return
                "\(file.lastPathComponent):\(place.count > 1 ? place[1] : ""): \(line[range.upperBound...])"
        }
    }

    /// The folder with the modules: beside the test bundle.
    private var productsFolder: URL? {
        let bundles =
            [Bundle.main.bundleURL, URL(filePath: CommandLine.arguments[0])]
            + Bundle.allBundles.map(\.bundleURL)
        return bundles.flatMap { [$0, $0.deletingLastPathComponent()] }.first { folder in
            FileManager.default.fileExists(atPath: folder.appending(path: "Modules/Collab.swiftmodule").path)
        }
    }

    private func run(_ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        // A compiler run takes a second and more: it must not hold one of the few threads that tests share.
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }
}
