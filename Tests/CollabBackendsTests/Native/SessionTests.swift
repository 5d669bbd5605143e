import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// A text that is saved and loaded goes on as if it had never been away.
@Suite("Saved sessions")
struct SessionTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("session") }

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "what is loaded continues bit by bit, in another process's model too",
        arguments: ["llama", "gemma3", "gemma2"],
        [Precision.float, .integer]
    )
    func continues(name: String, precision: Precision) async throws {
        let options = NativeOptions(threads: 1, precision: precision)
        let checkpoint = try TinyModels.checkpoint(name)
        let model = try await TinyModels.model(checkpoint, options: options)
        let other = try await TinyModels.model(checkpoint, options: options)
        let tokens = try TinyModels.sequences().long
        let decoder = model.makeNativeDecoder()
        _ = try await decoder.append(tokens, logits: .none)
        try await decoder.save(to: path)
        let expected = try await decoder.append([9, 4, 33], logits: .all)
        for loader in [model, other] {
            let loaded = try await loader.loadSession(from: path)
            #expect(loaded.position == tokens.count)
            let rows = try await loaded.append([9, 4, 33], logits: .all)
            #expect(rows.map(\.values) == expected.map(\.values))
            // Going back works as before, and nothing has been computed but the new tokens.
            try await loaded.truncate(to: 5)
            let fresh = try await model.makeDecoder().append(Array(tokens[..<5]) + [8], logits: .last)
            #expect(try await loaded.append(8).values == fresh[0].values)
        }
    }

    @Test("a long text whose window layers have given pages back continues bit by bit")
    func window() async throws {
        let model = try await NativeFixtures.model(.gemma3)
        let tokens = (0..<900).map { TokenID(300 + $0 * 7919 % 5000) }
        let decoder = model.makeNativeDecoder()
        _ = try await decoder.append(tokens, logits: .none)
        try await decoder.save(to: path)
        let loaded = try await model.loadSession(from: path)
        let sequence = try loaded.current()
        #expect(sequence.computed == tokens.count)
        #expect(sequence.blocks.contains { $0.contains { $0 == nil } })
        #expect(try await loaded.append(42).values == decoder.append(42).values)
        try await loaded.truncate(to: 200)
        try await decoder.truncate(to: 200)
        #expect(try await loaded.append(42).values == decoder.append(42).values)
    }

    @Test("a session under adapters needs the same adapters")
    func adapters() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        let style = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let tokens = try TinyModels.sequences().long
        let adapted = try await model.adapted(by: [style])
        let start = try await adapted.startDecoding(reading: tokens)
        let decoder = try #require(start.decoder as? NativeDecoder)
        try await decoder.save(to: path)
        let expected = try await decoder.append(11).values
        #expect(try await adapted.loadSession(from: path).append(11).values == expected)
        let again = try await model.adapted(by: [style])
        #expect(try await again.loadSession(from: path).append(11).values == expected)
        for other in [model.adapters, try await model.adapted(by: [style], weights: [0.5]).model.adapters] {
            let view = NativeModel(model, under: other, name: "other")
            let error = await #expect(throws: CollabError.self) { try await view.loadSession(from: path) }
            #expect(error?.code == .invalidRequest && error?.message.contains("adapters") == true)
        }
    }

    @Test("another model's session, or one of another precision, is refused")
    func foreign() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        let decoder = model.makeNativeDecoder()
        _ = try await decoder.append([1, 2, 3], logits: .none)
        try await decoder.save(to: path)
        let style = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let others = [
            try await TinyModels.model(try style.applied(to: checkpoint)),
            try await TinyModels.model(checkpoint, options: NativeOptions(threads: 1)),
            try await TinyModels.model(try TinyModels.checkpoint("qwen3")),
        ]
        for other in others {
            let error = await #expect(throws: CollabError.self) { try await other.loadSession(from: path) }
            #expect(error?.code == .invalidRequest && error?.message.contains("another model") == true)
        }
        var options = TinyModels.options
        options.contextLength = 2
        let small = try await TinyModels.model(checkpoint, options: options)
        let error = await #expect(throws: CollabError.self) { try await small.loadSession(from: path) }
        #expect(error?.code == .contextOverflow)
        let missing = await #expect(throws: CollabError.self) {
            try await model.loadSession(from: path + "2")
        }
        #expect(missing?.code == .fileNotFound)
    }

    @Test("a file that is cut anywhere, or of which any byte is another, is refused before memory is taken")
    func damaged() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("gemma3"))
        let decoder = model.makeNativeDecoder()
        _ = try await decoder.append(try TinyModels.sequences().short, logits: .none)
        try await decoder.save(to: path)
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        let identity = try model.engine.identity.digest()
        // The store may hand out nothing.
        let pool = KeyValuePool(
            shape: model.engine.keyValues.shape,
            groups: model.engine.keyValues.groups,
            limit: 0
        )
        let reader = SessionFile.Reader(
            name: "tiny",
            identity: identity,
            adapters: nil,
            pool: pool,
            contextLength: 64,
            vocabularySize: 80
        )
        func code(_ bytes: [UInt8]) throws -> CollabError.Code? {
            let damaged = folder.path("damaged")
            try Data(bytes).write(to: URL(fileURLWithPath: damaged))
            do throws(CollabError) {
                _ = try reader.read(damaged)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try code(whole) == .memoryLimit)
        for length in [0, 1, 7, 8, 16, 111, 112, 143, 144, 160, 200, whole.count - 33, whole.count - 1] {
            #expect(try code(Array(whole[..<length])) == .malformedFile, "\(length) bytes")
        }
        #expect(try code(whole + [0]) == .malformedFile)
        let refusals: Set<CollabError.Code> = [
            .malformedFile, .unsupported, .invalidRequest, .contextOverflow,
        ]
        let places = Array(0..<180) + stride(from: 180, to: whole.count, by: whole.count / 40)
        for place in places {
            for flip: UInt8 in [1, 0x80, 0xff] {
                var bytes = whole
                bytes[place] ^= flip
                let found = try code(bytes)
                #expect(found.map(refusals.contains) == true, "byte \(place): \(String(describing: found))")
            }
        }
        // A lie with a right checksum is found out by the sizes.
        for (place, value) in [(80, UInt8(60)), (88, 60), (112, 200), (156, 1)] {
            var bytes = Array(whole.dropLast(SessionHeader.checksumBytes))
            bytes[place] = value
            var hash = SHA256()
            hash.update(bytes)
            #expect(try code(bytes + hash.digest().bytes) == .malformedFile, "byte \(place)")
        }
    }

    @Test("what lies in memory behind the last position is not written")
    func leftovers() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("llama"))
        let tokens = try TinyModels.sequences().long
        func saved(_ decoder: NativeDecoder) async throws -> Data {
            try await decoder.save(to: path)
            return try Data(contentsOf: URL(fileURLWithPath: path))
        }
        let clean = model.makeNativeDecoder()
        _ = try await clean.append(Array(tokens[..<3]), logits: .none)
        let used = model.makeNativeDecoder()
        _ = try await used.append(tokens, logits: .none)
        try await used.truncate(to: 3)
        #expect(try await saved(clean) == saved(used))
    }
}
