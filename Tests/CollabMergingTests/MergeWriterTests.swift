import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("A merge is written whole or not at all")
struct MergeWriterTests {
    private func write(
        _ name: String,
        to folder: String,
        _ options: MergeOptions = MergeOptions()
    ) async throws -> MergeSummary {
        let plan = try MergeFixtures.plan(name)
        let text = try MergeFixtures.configuration(name)
        return try await MergeWriter(plan, to: folder, configuration: text, options: options).run()
    }

    @Test("the files hold the correctly rounded result, and say what it was made of")
    func content() async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/out"
        let summary = try await write("ties-bf16-in-fp32", to: folder)
        #expect(summary.files == ["model.safetensors"])
        let (written, plan) = (
            try SafetensorsCheckpoint(path: folder), try MergeFixtures.plan("ties-bf16-in-fp32")
        )
        for tensor in plan.tensors {
            #expect(written.description(of: tensor.name) == tensor)
            let exact = try plan.result.values(of: tensor.name)
            #expect(try written.values(of: tensor.name) == exact.map(Self.roundedToBFloat16))
        }
        let card = try String(contentsOfFile: folder + "/README.md", encoding: .utf8)
        #expect(card.contains("inputs/bf16/ftC") && card.contains("merge_method: ties"))
        let metadata = written.files[0].metadata
        #expect(metadata["format"] == "pt" && metadata["merge_method"] == "ties")
        #expect(metadata["merge_configuration"] == (try MergeFixtures.configuration("ties-bf16-in-fp32")))
        let inputs = try JSONValue(parsing: Array(try #require(metadata["merge_inputs"]).utf8))
        let weights = inputs.arrayValue?.filter { $0["file"]?.stringValue == "model.safetensors" }
        #expect(weights?.count == plan.inputs.count)
        #expect(inputs[0]?["model"]?.stringValue == plan.inputs[0].name)
        #expect(inputs[0]?["sha256"]?.stringValue?.count == 64)
        let configuration = try JSONValue(
            parsing: Array(Data(contentsOf: URL(fileURLWithPath: folder + "/config.json")))
        )
        #expect(configuration["num_hidden_layers"] == 3)
        #expect((configuration["torch_dtype"] ?? configuration["dtype"]) == "bfloat16")
        #expect(try scratch.names() == ["out"], "nothing else is left behind")
    }

    /// Round to nearest, ties to even, by hand.
    private static func roundedToBFloat16(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    @Test("shards of a given size are listed in an index, and read back as one checkpoint")
    func shards() async throws {
        let scratch = try ScratchFolder()
        let options = MergeOptions(shardByteCount: 12_000)
        let summary = try await write("linear-sharded-in-and-out", to: scratch.path + "/out", options)
        #expect(summary.files.count > 1)
        #expect(summary.files[0].hasPrefix("model-00001-of-0000"))
        let written = try SafetensorsCheckpoint(path: scratch.path + "/out")
        let expected = try MergeFixtures.output("linear-sharded-in-and-out")
        #expect(Set(written.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    }

    @Test("a folder that is there stays as it is unless it is to be replaced; then no file of it is left")
    func replacing() async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/out"
        _ = try await write("linear-basic", to: folder, MergeOptions(shardByteCount: 12_000))
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let error = await #expect(throws: CollabError.self) { try await write("ties", to: folder) }
        #expect(error?.code == .inputOutput)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
        _ = try await write("ties", to: folder, MergeOptions(replacesFolder: true))
        let after = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(after == ["README.md", "config.json", "merge_config.yml", "model.safetensors"])
        #expect(try scratch.names() == ["out"])
    }

    @Test("a run that is cancelled anywhere and gone on with gives the same bytes, computing nothing twice")
    func resuming() async throws {
        let scratch = try ScratchFolder()
        let (plan, text) = (try MergeFixtures.plan("ties"), try MergeFixtures.configuration("ties"))
        _ = try await MergeWriter(plan, to: scratch.path + "/whole", configuration: text).run()
        let expected = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/whole/model.safetensors"))
        for stop in [0, 1, 7, plan.tensors.count - 1] {
            let folder = scratch.path + "/out\(stop)"
            let writer = MergeWriter(plan, to: folder, configuration: text, options: MergeOptions(threads: 1))
            let limit = Protected(stop)
            // Asked before every tensor and before every block; the tensors here have one block each.
            let error = #expect(throws: CollabError.self) {
                try writer.runBlocking(reporting: { _ in }) {
                    limit.withLock { left in
                        left -= 1
                        return left < -stop
                    }
                }
            }
            #expect(error?.code == .cancelled)
            #expect(!FileManager.default.fileExists(atPath: folder))
            let summary = try await writer.run()
            #expect(summary.resumedTensors > 0 || stop <= 1)
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/model.safetensors")) == expected)
        }
    }

    @Test("bytes that were damaged meanwhile are computed again")
    func damage() async throws {
        let scratch = try ScratchFolder()
        let (plan, text) = (try MergeFixtures.plan("ties"), try MergeFixtures.configuration("ties"))
        let folder = scratch.path + "/out"
        let writer = MergeWriter(plan, to: folder, configuration: text, options: MergeOptions(threads: 1))
        let count = Protected(0)
        _ = try? writer.runBlocking(reporting: { _ in }) {
            count.withLock { count in
                count += 1
                return count > 40
            }
        }
        let path = writer.partialFolder + "/model.safetensors"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        // The largest tensors come first; they are at the front of the file or behind it, so damage all of it.
        let header = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
        for place in stride(from: header, to: bytes.count, by: 97) { bytes[place] ^= 0x40 }
        try handle.write(contentsOf: bytes)
        try handle.close()
        let summary = try await writer.run()
        #expect(summary.resumedTensors == 0)
        let written = try SafetensorsCheckpoint(path: folder)
        for tensor in plan.tensors {
            #expect(try written.values(of: tensor.name) == plan.result.values(of: tensor.name))
        }
    }

    @Test("what an interrupted merge left is not taken for another merge's")
    func otherMerge() async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/out"
        let stopped = MergeWriter(
            try MergeFixtures.plan("ties"),
            to: folder,
            configuration: try MergeFixtures.configuration("ties"),
            options: MergeOptions(threads: 1)
        )
        let count = Protected(0)
        _ = try? stopped.runBlocking(reporting: { _ in }) {
            count.withLock { count in
                count += 1
                return count > 40
            }
        }
        let summary = try await write("linear-basic", to: folder)
        #expect(summary.resumedTensors == 0)
        let (written, plan) = (
            try SafetensorsCheckpoint(path: folder), try MergeFixtures.plan("linear-basic")
        )
        for tensor in plan.tensors {
            #expect(try written.values(of: tensor.name) == plan.result.values(of: tensor.name))
        }
    }
}
