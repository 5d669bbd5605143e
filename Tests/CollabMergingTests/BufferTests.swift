import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Tensors of whole numbers and truth values in merges")
struct BufferTests {
    private struct Buffer {
        var name: String
        var type: String
        var shape: [Int]
        var bytes: [UInt8]

        init(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
            (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
        }
    }

    private static let positions = Buffer(
        "embeddings.position_ids",
        "I64",
        [1, 3],
        [0, 1, 2].flatMap { [$0, 0, 0, 0, 0, 0, 0, 0] as [UInt8] }
    )
    private static let mask = Buffer("layers.1.attn.bias", "BOOL", [1, 5], [1, 0, 1, 1, 0])
    private static let counts = Buffer("norm.counts", "I32", [2], [1, 2, 3, 4, 5, 6, 7, 0xFF])

    /// A model of three layers, and of what is given beside.
    private func model(_ name: String, _ buffers: [Buffer], from first: Float = 0, in scratch: ScratchFolder)
        throws
        -> String
    {
        let folder = "\(scratch.path)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var (entries, data) = (JSONObject(), [UInt8]())
        for buffer in buffers {
            entries[buffer.name] = [
                "dtype": .string(buffer.type), "shape": .array(buffer.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(data.count), JSONValue(data.count + buffer.bytes.count)],
            ]
            data += buffer.bytes
        }
        for layer in 0..<3 {
            let bytes = withUnsafeBytes(of: (first + Float(layer)).bitPattern.littleEndian) { Array($0) }
            entries["layers.\(layer).up.weight"] = [
                "dtype": "F32", "shape": [1],
                "data_offsets": [JSONValue(data.count), JSONValue(data.count + 4)],
            ]
            data += bytes
        }
        let header = JSONValue.object(entries).encoded()
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try Data(length + header + data).write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
        try Data("{\"num_hidden_layers\": 3}".utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
        return folder
    }

    private func linear(_ models: [String], base: String? = nil) -> String {
        "models:\n" + models.map { "  - {model: \($0), parameters: {weight: 0.5}}\n" }.joined()
            + (base.map { "base_model: \($0)\n" } ?? "") + "merge_method: linear\ndtype: bfloat16\n"
    }

    /// Merges, and gives what the result has beside weights, by name, and what was noted of whole numbers.
    private func merged(_ yaml: String, to folder: String, shards limit: Int = 1 << 30) async throws
        -> (buffers: [String: Buffer], notes: [String])
    {
        let plan = try MergeFixtures.plan(yaml: yaml)
        var options = MergeOptions()
        options.shardByteCount = limit
        _ = try await MergeWriter(plan, to: folder, configuration: yaml, options: options).run()
        var found: [String: Buffer] = [:]
        for (file, tensor) in try SafetensorsCheckpoint(path: folder).integerTensors {
            #expect(tensor.offset % (tensor.type.bitCount / 8) == 0, "\(tensor.name) is not aligned")
            let bytes = Array(file.bytes(of: tensor))
            found[tensor.name] = Buffer(tensor.name, tensor.type.rawValue, tensor.shape, bytes)
        }
        return (found, plan.warnings.filter { $0.contains("whole numbers") })
    }

    @Test("those that all inputs have alike are in the result bit for bit, and its weights are merged")
    func equal() async throws {
        let scratch = try ScratchFolder()
        let all = [Self.mask, Self.positions, Self.counts]
        let first = try model("first", all, in: scratch)
        let second = try model("second", all.reversed(), from: 2, in: scratch)
        let (buffers, notes) = try await merged(linear([first, second]), to: scratch.path + "/out")
        #expect(notes.isEmpty)
        #expect(buffers.count == 3)
        for buffer in all {
            let found = buffers[buffer.name]
            #expect(
                found?.type == buffer.type && found?.shape == buffer.shape && found?.bytes == buffer.bytes
            )
        }
        let result = try SafetensorsCheckpoint(path: scratch.path + "/out")
        for layer in 0..<3 {
            var value: Float = 0
            try withUnsafeMutablePointer(to: &value) { pointer in
                try result.read(
                    "layers.\(layer).up.weight",
                    elements: 0..<1,
                    into: UnsafeMutableBufferPointer(start: pointer, count: 1)
                )
            }
            #expect(value == Float(layer + 1))
        }
    }

    @Test("of differing ones those of the base are in the result, and a note tells")
    func differing() async throws {
        let scratch = try ScratchFolder()
        var other = Self.mask
        other.bytes[1] = 1
        var longer = Self.counts
        (longer.shape, longer.bytes) = ([1], [9, 9, 9, 9])
        let first = try model("first", [Self.mask, Self.counts, Self.positions], in: scratch)
        let second = try model("second", [other, longer, Self.positions], in: scratch)
        for (base, mask, counts) in [(nil, Self.mask, Self.counts), (second, other, longer)]
            as [(String?, Buffer, Buffer)]
        {
            let out = scratch.path + "/out-" + (base == nil ? "first" : "second")
            let (buffers, notes) = try await merged(linear([first, second], base: base), to: out)
            #expect(buffers[mask.name]?.bytes == mask.bytes && buffers[counts.name]?.bytes == counts.bytes)
            #expect(notes.count == 2 && notes.allSatisfy { $0.contains("not those of") }, "\(notes)")
        }
    }

    @Test("what the base does not have is left out and noted; what only the base has is kept")
    func missing() async throws {
        let scratch = try ScratchFolder()
        let first = try model("first", [Self.positions], in: scratch)
        let second = try model("second", [Self.mask], in: scratch)
        let (buffers, notes) = try await merged(linear([first, second]), to: scratch.path + "/out")
        #expect(Set(buffers.keys) == [Self.positions.name])
        #expect(notes.count == 1 && notes[0].contains(Self.mask.name) && notes[0].contains("left out"))
    }

    @Test("those of a slice with a base of its own are that base's, not those of the document's")
    func bases() async throws {
        let scratch = try ScratchFolder()
        func variant(_ name: String, _ last: UInt8) throws -> String {
            let all = [Self.mask, Self.positions, Self.counts].map { buffer in
                var buffer = buffer
                buffer.bytes[buffer.bytes.count - 1] = last
                return buffer
            }
            return try model(name, all, in: scratch)
        }
        let (tuned, one, other) = (
            try variant("tuned", 1), try variant("one", 0x10), try variant("other", 0x20)
        )
        let plain = try variant("plain", 0x30)
        let yaml = """
            slices:
              - sources: [{model: \(tuned), layer_range: [0, 2]}]
                base_model: \(one)
              - sources: [{model: \(plain), layer_range: [1, 2]}, {model: \(tuned), layer_range: [1, 2]}]
              - sources: [{model: \(tuned), layer_range: [1, 3]}]
                base_model: \(other)
            base_model: \(plain)
            parameters: {weight: 0.5}
            merge_method: task_arithmetic
            """
        let (buffers, notes) = try await merged(yaml, to: scratch.path + "/out")
        let bases: [(String, UInt8)] = [
            (Self.positions.name, 0x10), ("layers.1.attn.bias", 0x10), ("layers.2.attn.bias", 0x30),
            ("layers.3.attn.bias", 0x20), (Self.counts.name, 0x20),
        ]
        #expect(buffers.count == bases.count)
        for (name, last) in bases { #expect(buffers[name]?.bytes.last == last, "\(name)") }
        #expect(notes.count == 5 && notes.allSatisfy { $0.contains("of \(tuned) holds") }, "\(notes)")
    }

    @Test("those of layers follow the layers; several files name them in their index")
    func slices() async throws {
        let scratch = try ScratchFolder()
        let model = try model("m", [Self.mask, Self.positions, Self.counts], in: scratch)
        let yaml = """
            slices:
              - sources: [{model: \(model), layer_range: [1, 3]}]
              - sources: [{model: \(model), layer_range: [0, 2]}]
            merge_method: passthrough
            """
        let (buffers, notes) = try await merged(yaml, to: scratch.path + "/out", shards: 8)
        #expect(notes.isEmpty)
        #expect(
            Set(buffers.keys)
                == [Self.positions.name, Self.counts.name, "layers.0.attn.bias", "layers.3.attn.bias"]
        )
        #expect(buffers["layers.3.attn.bias"]?.bytes == Self.mask.bytes)
        let path = scratch.path + "/out/model.safetensors.index.json"
        let index = try JSONValue(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(index["weight_map"]?.objectValue?.count == 4 + buffers.count)
        #expect(index["metadata"]?["total_size"]?.intValue == 4 * 4 + 24 + 8 + 2 * 5)
    }
}
