import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Quantised GGUF files are merged by a configuration")
struct QuantisedInputTests {
    private static let folder = MergeFixtures.folder + "/../../models/llama"
    /// Names in a folder and in a GGUF file of weights whose rows are in the same order in both.
    private static let names = [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.0.self_attn.v_proj.weight", "blk.0.attn_v.weight"),
        ("model.layers.0.mlp.gate_proj.weight", "blk.0.ffn_gate.weight"),
        ("model.layers.1.mlp.up_proj.weight", "blk.1.ffn_up.weight"),
        ("model.layers.1.self_attn.o_proj.weight", "blk.1.attn_output.weight"),
    ]
    static let quantisations: [(GGUFQuantisation, TensorFormat)] = [(.q8_0, .q8_0), (.q4_0, .q4_0)]

    /// Two models in files of blocks of 32: the folder's, and one whose matrices are half as large and turned round.
    private func files(
        _ quantisation: GGUFQuantisation,
        _ scratch: ScratchFolder
    ) throws -> [(path: String, checkpoint: GGUFCheckpoint)] {
        let model = try SafetensorsCheckpoint(path: Self.folder, name: "model")
        return try [("one", model as any Checkpoint), ("two", HalvedCheckpoint(base: model))].map {
            let path = "\(scratch.path)/\($0).gguf"
            try GGUFFile.save($1, to: path, as: quantisation)
            return (path, try GGUFCheckpoint(path: path))
        }
    }

    /// The numbers of a stored tensor, block by block as the formats are laid down.
    private func dequantised(_ tensor: String, of file: GGUFCheckpoint) throws -> [Double] {
        let storage = try #require(file.storage(of: tensor))
        return try storage.withBytes { (bytes) throws(CollabError) in
            let size = storage.format == .q8_0 ? 34 : 18
            return stride(from: 0, to: bytes.count, by: size).flatMap { start -> [Double] in
                let scale = Double(
                    Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self))
                )
                let block = bytes[(start + 2)..<(start + size)]
                if size == 34 { return block.map { scale * Double(Int8(bitPattern: $0)) } }
                // The lower four bits of all bytes come first.
                return block.map { scale * (Double($0 & 15) - 8) }
                    + block.map { scale * (Double($0 >> 4) - 8) }
            }
        }
    }

    /// What is written for a configuration over the folder as the base.
    private func merge(
        _ members: [String],
        as format: MergeFormat,
        to path: String
    ) async throws -> any Checkpoint {
        let yaml = """
            models:
              - {model: \(members[0]), parameters: {weight: 0.5}}
              - {model: \(members[1]), parameters: {weight: [{filter: mlp, value: 0.25}, {value: 0.75}]}}
            merge_method: task_arithmetic
            base_model: \(Self.folder)
            dtype: float32
            """
        let plan = try MergeFile(yaml: yaml, source: "config.yml").stages[0].plan.stored(as: format)
        _ = try await MergeWriter(plan, to: path, configuration: yaml).run()
        return format == .safetensors
            ? try SafetensorsCheckpoint(path: path) : try GGUFCheckpoint(path: path + "/model.gguf")
    }

    @Test(
        "into a folder and into a file, with the values of the numbers that their blocks stand for",
        arguments: quantisations,
        [MergeFormat.safetensors, .gguf(.f32)]
    )
    func values(_ kind: (GGUFQuantisation, TensorFormat), _ format: MergeFormat) async throws {
        let scratch = try ScratchFolder()
        let files = try files(kind.0, scratch)
        let base = try SafetensorsCheckpoint(path: Self.folder)
        let merged = try await merge(files.map(\.path), as: format, to: scratch.path + "/out")
        for (name, stored) in Self.names {
            let written = format == .safetensors ? name : stored
            #expect(merged.description(of: written)?.format == .f32)
            let blocks = files[0].checkpoint.description(of: stored)?.format
            // Embeddings are kept in blocks of more bits.
            #expect(blocks == (stored == "token_embd.weight" ? .q8_0 : kind.1), "\(stored)")
            let weight = name.contains("mlp") ? 0.25 : 0.75
            let (start, found) = (try base.values(of: name), try merged.values(of: written))
            let (one, two) = (
                try dequantised(stored, of: files[0].checkpoint),
                try dequantised(stored, of: files[1].checkpoint)
            )
            try #require(one.count == start.count && two.count == start.count && found.count == start.count)
            let largest = Double(start.map(abs).max() ?? 0)
            for place in start.indices {
                let b = Double(start[place])
                let wanted = b + 0.5 * (one[place] - b) + weight * (two[place] - b)
                #expect(abs(Double(found[place]) - wanted) <= 1e-7 * largest, "\(name)[\(place)]")
            }
        }
    }

    @Test("every tensor as that of the same files with their numbers in float32", arguments: quantisations)
    func dequantisedTwins(_ kind: (GGUFQuantisation, TensorFormat)) async throws {
        let scratch = try ScratchFolder()
        let files = try files(kind.0, scratch)
        let twins = try files.map { file in
            let path = file.path.replacing(".gguf", with: "-floats.gguf")
            try GGUFFile.save(file.checkpoint, to: path, as: .f32)
            return path
        }
        for format in [MergeFormat.safetensors, .gguf(.f32), .gguf(.q8_0)] {
            let folder = "\(scratch.path)/\(format == .safetensors)"
            let blocks = try await merge(files.map(\.path), as: format, to: "\(folder)-\(format)-blocks")
            let floats = try await merge(twins, as: format, to: "\(folder)-\(format)-floats")
            #expect(blocks.tensors == floats.tensors && blocks.tensors.count > 15)
            for tensor in blocks.tensors {
                #expect(
                    try blocks.values(of: tensor.name) == floats.values(of: tensor.name),
                    "\(tensor.name)"
                )
            }
        }
    }
}

/// A checkpoint whose matrices are half as large and turned round.
private struct HalvedCheckpoint: Checkpoint {
    let base: any Checkpoint
    var name: String { "halved" }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try base.read(tensor, elements: elements, into: buffer)
        guard base.description(of: tensor)?.shape.count == 2 else { return }
        for index in buffer.indices { buffer[index] *= -0.5 }
    }
}
