import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Merges read and write GGUF")
struct GGUFMergeTests {
    private static let models = MergeFixtures.folder + "/../../models"

    /// Two folders as GGUF files, and a merge of them.
    private func files(_ scratch: ScratchFolder) throws -> (base: String, tuned: String) {
        let base = try SafetensorsCheckpoint(path: Self.models + "/llama", name: "base")
        let tuned = base + 0.25 * (try TurnedCheckpoint(base) - base)
        try GGUFFile.save(base, to: scratch.path + "/base.gguf", as: .f32)
        try GGUFFile.save(tuned, to: scratch.path + "/tuned.gguf", as: .f32)
        return (scratch.path + "/base.gguf", scratch.path + "/tuned.gguf")
    }

    private func configuration(_ base: String, _ tuned: String) -> String {
        """
        models:
          - model: \(tuned)
            parameters: {weight: [{filter: self_attn, value: 0.75}, {value: 0.5}]}
        merge_method: task_arithmetic
        base_model: \(base)
        """
    }

    @Test("files and folders merge with one another, filters mean the same, and the file that comes out runs")
    func merge() async throws {
        let scratch = try ScratchFolder()
        let (base, tuned) = try files(scratch)
        let folder = Self.models + "/llama"
        for (first, second) in [(base, tuned), (folder, tuned)] {
            let file = try MergeFile(yaml: configuration(first, second), source: "config.yml")
            let plan = try file.stages[0].plan.stored(as: .gguf(.f32))
            let output = scratch.path + "/out"
            _ = try await MergeWriter(
                plan,
                to: output,
                configuration: file.text,
                options: MergeOptions(replacesFolder: true)
            ).run()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: output).sorted() == [
                    "README.md", "merge_config.yml", "model.gguf",
                ]
            )
            let merged = try GGUFCheckpoint(path: output + "/model.gguf")
            let (b, t) = (try GGUFCheckpoint(path: base), try GGUFCheckpoint(path: tuned))
            for (name, weight) in [("blk.1.attn_q.weight", 0.75), ("blk.0.ffn_up.weight", 0.5)] {
                let (b, t) = (try b.values(of: name), try t.values(of: name))
                for (index, found) in try merged.values(of: name).enumerated() {
                    #expect(
                        abs(Double(found) - Double(b[index]) - weight * Double(t[index] - b[index])) < 1e-6
                    )
                }
            }
            #expect(try merged.file.metadata.string("collab.merge.method") == "task_arithmetic")
            let options = NativeOptions(threads: 1, precision: .float)
            let written = try await NativeModel(contentsOf: output + "/model.gguf", options: options)
            let original = try await NativeModel(contentsOf: base, options: options)
            let computed = try await original.replacingWeights(
                with: try RenamedCheckpoint(file.stages[0].plan.result, as: .gguf)
            )
            let tokens = try written.tokenizer.encode("abacab", parsingSpecialTokens: true)
            let (left, right) = (
                try await written.startDecoding(reading: tokens).logits.values,
                try await computed.startDecoding(reading: tokens).logits.values
            )
            // What is computed in memory is kept in 8-bit blocks.
            let largest = right.map { abs($0) }.max() ?? 0
            for (a, b) in zip(left, right) { #expect(abs(a - b) < 0.1 * largest) }
        }
    }

    @Test("a merge in GGUF that is stopped and gone on with has the same bytes")
    func resuming() async throws {
        let scratch = try ScratchFolder()
        let (base, tuned) = try files(scratch)
        let file = try MergeFile(yaml: configuration(base, tuned), source: "config.yml")
        let plan = try file.stages[0].plan.stored(as: .gguf(.q8_0))
        func writer(_ name: String) -> MergeWriter {
            MergeWriter(
                plan,
                to: scratch.path + name,
                configuration: file.text,
                options: MergeOptions(threads: 1)
            )
        }
        let progress = try await writer("/whole").run().progress
        #expect(progress.bytes == progress.totalBytes && progress.remainingSeconds == 0)
        let left = Protected(12)
        _ = try? writer("/stopped").runBlocking(reporting: { _ in }) {
            left.withLock { left in
                left -= 1
                return left < 0
            }
        }
        let summary = try await writer("/stopped").run()
        #expect(summary.resumedTensors > 0)
        let (whole, stopped) = (scratch.path + "/whole/model.gguf", scratch.path + "/stopped/model.gguf")
        #expect(FileManager.default.contentsEqual(atPath: whole, andPath: stopped))
    }

    @Test("a folder cannot be made of files alone, which have no config.json")
    func donors() throws {
        let scratch = try ScratchFolder()
        let (base, tuned) = try files(scratch)
        let plan = try MergeFile(yaml: configuration(base, tuned), source: "config.yml").stages[0].plan
        let error = #expect(throws: CollabError.self) { try plan.stored(as: .safetensors) }
        #expect(error?.code == .unsupported)
        let mixed = try MergeFile(yaml: configuration(Self.models + "/llama", tuned), source: "config.yml")
        _ = try mixed.stages[0].plan.stored(as: .safetensors)
    }

    @Test("formats are spelled with the kind behind a colon")
    func formats() {
        #expect(MergeFormat("safetensors") == .safetensors)
        #expect(MergeFormat("gguf") == .gguf(.f16))
        #expect(MergeFormat("gguf:Q4_K") == .gguf(.q4_K))
        #expect(MergeFormat("gguf:q9") == nil && MergeFormat("bin") == nil && MergeFormat("gguf:") == nil)
    }
}

/// A checkpoint of which every element is turned round.
private struct TurnedCheckpoint: Checkpoint {
    let base: any Checkpoint
    var name: String { "turned" }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }

    init(_ base: any Checkpoint) throws { self.base = base }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try base.read(tensor, elements: elements, into: buffer)
        for index in buffer.indices { buffer[index] = -buffer[index] }
    }
}
