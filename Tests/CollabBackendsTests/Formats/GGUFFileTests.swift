import Collab
import CollabBackends
import Foundation
import Testing

@Suite("GGUF files")
struct GGUFFileTests {
    @Test("metadata of every type is read, in the order of the file")
    func metadata() throws {
        let file = try open(
            GGUFBuilder()
                .key("general.architecture", .string("llama")).key("u8", .integer(8, width: .uint8))
                .key("i8", .integer(-8, width: .int8)).key("u16", .integer(60_000, width: .uint16))
                .key("i16", .integer(-16, width: .int16)).key("u32", .integer(4_000_000_000, width: .uint32))
                .key("i32", .integer(-32, width: .int32)).key("i64", .integer(.min, width: .int64))
                .key("u64", .unsigned(.max)).key("f32", .float32(0.1)).key("f64", .float64(0.1))
                .key("yes", .bool(true)).key("no", .bool(false)).key("é", .string("precomposed"))
                .key("e\u{301}", .string("decomposed"))
        ).metadata
        #expect(file.entries.map(\.key).prefix(3) == ["general.architecture", "u8", "i8"])
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.integer("u8") == 8 && file.integer("i8") == -8)
        #expect(try file.integer("u16") == 60_000 && file.integer("i16") == -16)
        #expect(try file.integer("u32") == 4_000_000_000 && file.integer("i32") == -32)
        #expect(try file.integer("i64") == .min)
        #expect(try file.number("f32") == Double(Float(0.1)) && file.number("f64") == 0.1)
        #expect(try file.number("u64") == 18_446_744_073_709_551_616)
        #expect(try file.bool("yes") == true && file.bool("no") == false)
        #expect(try file.integer("none") == nil)
        #expect(try file.string("é") == "precomposed" && file.string("e\u{301}") == "decomposed")
        #expect(file.type(of: "u16") == .uint16)
        // A key of another type than the reader needs is an error that names it.
        for read in [{ try file.integer("u64") as Any? }, { try file.string("u8") }, { try file.bool("u8") }]
        {
            let error = #expect(throws: CollabError.self) { _ = try read() }
            #expect(error?.code == .malformedFile)
        }
    }

    @Test("arrays are views that yield their elements on demand")
    func arrays() throws {
        let file = try open(
            GGUFBuilder()
                .key("tokens", .strings(["a", "", "日本", "🙂"])).key("scores", .floats([0.5, -1, .infinity]))
                .key("types", .integers([1, -2, 3], width: .int32)).key(
                    "wide",
                    .integers([1, 2], width: .uint64)
                )
                .key("nested", .nested([["x", "yz"], []])).key("none", .strings([]))
        ).metadata
        let tokens = try #require(try file.strings("tokens"))
        #expect(Array(tokens) == ["a", "", "日本", "🙂"])
        #expect(tokens.withBytes(at: 2) { Array($0) } == Array("日本".utf8) && tokens.byteCount(at: 1) == 0)
        var bytes: [UInt8] = []
        tokens.forEachBytes { _, text in bytes += text }
        #expect(bytes == Array("a日本🙂".utf8))
        #expect(try file.floats("scores") == [0.5, -1, .infinity])
        #expect(try file.integers("types") == [1, -2, 3] && file.integers("wide") == [1, 2])
        #expect(try file.array("types")?.int32s == [1, -2, 3] && file.array("wide")?.int32s == nil)
        #expect(try file.strings("none")?.isEmpty == true)
        guard case .array(let inner)? = try file.array("nested")?[0] else {
            Issue.record("no inner array")
            return
        }
        #expect(inner.strings.map(Array.init) == ["x", "yz"])
        #expect(throws: CollabError.self) { _ = try file.strings("scores") }
    }

    @Test("tensors are found by name, with their shape slowest first and their bytes")
    func tensors() throws {
        let file = try open(
            GGUFBuilder().key("general.alignment", .integer(64, width: .uint32))
                .tensor("w", dimensions: [32, 2], type: 8, bytes: (0..<68).map { UInt8($0) })
                .tensor("b", dimensions: [3], type: 0, bytes: Array(repeating: 7, count: 12))
        )
        #expect(file.alignment == 64 && file.dataOffset % 64 == 0 && file.tensors.map(\.name) == ["w", "b"])
        let weight = try #require(file.tensor("w"))
        #expect(weight.dimensions == [32, 2] && weight.shape == [2, 32] && weight.type.name == "Q8_0")
        #expect(weight.elementCount == 64 && weight.byteCount == 68 && weight.type.format == .q8_0)
        #expect(Array(file.bytes(of: weight)) == (0..<68).map { UInt8($0) })
        #expect(Array(file.bytes(of: try #require(file.tensor("b")))) == Array(repeating: 7, count: 12))
        #expect(file.tensor("c") == nil)
    }

    @Test("an unknown tensor type is named, with those that are known")
    func unknownType() throws {
        let error = #expect(throws: CollabError.self) {
            _ = try open(GGUFBuilder().tensor("blk.0.x", dimensions: [32], type: 99, bytes: [0]))
        }
        let message = try #require(error?.message)
        #expect(message.contains("“blk.0.x” is of the unknown type 99"))
        #expect(message.contains("F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K"))
        #expect(message.contains("at byte "))
    }

    @Test("no file, an empty file, a folder, a FIFO: each a clear error")
    func notAFile() throws {
        let folder = try TemporaryFolder()
        #expect(throws: CollabError.self, "missing") { _ = try GGUFFile(path: folder.path("none")) }
        func code(_ path: String) -> CollabError.Code? {
            do throws(CollabError) { _ = try GGUFFile(path: path) } catch { return error.code }
            return nil
        }
        _ = FileManager.default.createFile(atPath: folder.path("empty"), contents: Data())
        mkfifo(folder.path("pipe"), 0o600)
        #expect(code(folder.path("none")) == .fileNotFound)
        #expect(code(folder.path("empty")) == .malformedFile)
        #expect(code(folder.path("pipe")) == .malformedFile)
        #expect(code(folder.url.path) == .malformedFile)
        #expect(code(folder.path("empty") + "/x") == .fileNotFound)
    }

    @Test("a file that was cut short meanwhile is noticed when asked")
    func shrunk() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        try Data(repeating: 1, count: 100_000).write(to: URL(fileURLWithPath: path))
        let file = try MappedFile(path: path)
        try file.checkUnchanged()
        #expect(truncate(path, 50_000) == 0)
        let error = #expect(throws: CollabError.self) { try file.checkUnchanged() }
        #expect(error?.code == .inputOutput && error?.message.contains("50000") == true)
    }

    @Test("every beginning of a file is refused")
    func truncation() async throws {
        let whole = GGUFBuilder().key("a", .string("b")).key("c", .strings(["d", "e"]))
            .tensor("t", dimensions: [4], type: 0, bytes: Array(repeating: 0, count: 16)).build()
        let folder = try TemporaryFolder()
        for length in 1..<whole.count - 16 {
            await Task.yield()
            let path = folder.path("cut")
            try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
            #expect(throws: CollabError.self, "\(length)") { _ = try GGUFFile(path: path) }
        }
    }

    private func open(_ builder: GGUFBuilder) throws -> GGUFFile {
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        try Data(builder.build()).write(to: URL(fileURLWithPath: path))
        return try GGUFFile(path: path)
    }
}
