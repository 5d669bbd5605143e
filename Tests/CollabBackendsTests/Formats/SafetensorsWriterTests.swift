import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Writing safetensors files")
struct SafetensorsWriterTests {
    @Test("what is written, in whatever order and pieces, is read again, and the oracle accepts it")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("out.safetensors")
        let writer = try SafetensorsWriter(
            path: path,
            tensors: [
                TensorDescription(name: "half", shape: [3], format: .f16),
                TensorDescription(name: "重み🙂\n", shape: [2, 3], format: .f32),
                TensorDescription(name: "brain", shape: [5], format: .bf16),
                TensorDescription(name: "scalar", shape: [], format: .f32),
                TensorDescription(name: "none", shape: [0, 4], format: .f32),
            ],
            metadata: ["format": "pt", "a": "b"]
        )
        #expect(!FileManager.default.fileExists(atPath: path), "the file appears when it is complete")
        try writer.append([1, 2, 3, 4, 5], to: "brain")
        try writer.append([0.5, 1.5], to: "重み🙂\n")
        try writer.append([-1, 65504, 1e-7], to: "half")
        try writer.append([2.5, 3.5, 4.5, 5.5], to: "重み🙂\n")
        try writer.append([42], to: "scalar")
        try writer.finish()

        let file = try SafetensorsFile(path: path)
        #expect(file.metadata == ["format": "pt", "a": "b"])
        #expect(
            file.tensors.allSatisfy { $0.offset % max(1, $0.type.bitCount / 8) == 0 },
            "aligned to elements"
        )
        let checkpoint = try SafetensorsCheckpoint(path: path)
        #expect(try checkpoint.values(of: "重み🙂\n") == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
        #expect(try checkpoint.values(of: "brain") == [1, 2, 3, 4, 5])
        #expect(try checkpoint.values(of: "half") == [-1, 65504, 1.1920929e-7])
        #expect(try checkpoint.values(of: "scalar") == [42] && checkpoint.values(of: "none") == [])
        #expect(checkpoint.description(of: "重み🙂\n")?.shape == [2, 3])
        #expect(try oracle(path) == "ok")
    }

    @Test("a checkpoint is saved whole, in its own or another format")
    func save() throws {
        let folder = try TemporaryFolder()
        let source = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base"))
        try SafetensorsWriter.save(source, to: folder.path("same.safetensors"))
        let same = try SafetensorsCheckpoint(path: folder.path("same.safetensors"))
        #expect(Set(same.tensors) == Set(source.tensors))
        for tensor in source.tensors {
            #expect(try same.values(of: tensor.name) == source.values(of: tensor.name))
        }
        try SafetensorsWriter.save(source, to: folder.path("brain.safetensors"), as: .bf16)
        let brain = try SafetensorsCheckpoint(path: folder.path("brain.safetensors"))
        let golden = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base-bf16"))
        for tensor in golden.tensors {
            #expect(
                try brain.values(of: tensor.name) == golden.values(of: tensor.name),
                "rounded to nearest even"
            )
        }
        #expect(try oracle(folder.path("brain.safetensors")) == "ok")
    }

    @Test("an incomplete file never takes the place of the old one, and leaves nothing behind")
    func incomplete() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        let tensors = [TensorDescription(name: "w", shape: [2], format: .f32)]
        let old = try SafetensorsWriter(path: path, tensors: tensors)
        try old.append([1, 2], to: "w")
        try old.finish()
        let mapped = try SafetensorsCheckpoint(path: path)
        do {
            let writer = try SafetensorsWriter(path: path, tensors: tensors)
            try writer.append([3], to: "w")
            let error = #expect(throws: CollabError.self) { try writer.finish() }
            #expect(error?.code == .tensorMismatch && error?.message.contains("“w”") == true)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["model.safetensors"])
        #expect(try SafetensorsCheckpoint(path: path).values(of: "w") == [1, 2])
        // A complete one does, and whoever has the old one mapped keeps it.
        let writer = try SafetensorsWriter(path: path, tensors: tensors)
        try writer.append([3, 4], to: "w")
        try writer.finish()
        #expect(try SafetensorsCheckpoint(path: path).values(of: "w") == [3, 4])
        #expect(try mapped.values(of: "w") == [1, 2])
    }

    @Test("what cannot be written is refused before anything is")
    func refused() throws {
        let folder = try TemporaryFolder()
        func code(_ path: String, _ tensors: [TensorDescription]) -> CollabError.Code? {
            do throws(CollabError) {
                _ = try SafetensorsWriter(path: path, tensors: tensors)
                return nil
            } catch { return error.code }
        }
        let good = TensorDescription(name: "w", shape: [2], format: .f32)
        let path = folder.path("x.safetensors")
        #expect(code(path, [good, good]) == .tensorMismatch)
        #expect(
            code(path, [TensorDescription(name: "__metadata__", shape: [1], format: .f32)]) == .tensorMismatch
        )
        #expect(
            code(path, [TensorDescription(name: "w", shape: [.max, 2], format: .f32)]) == .tensorMismatch
        )
        #expect(code(path, [TensorDescription(name: "w", shape: [-1], format: .f32)]) == .tensorMismatch)
        #expect(code(path, [TensorDescription(name: "w", shape: [32], format: .q8_0)]) == .unsupported)
        #expect(code(folder.path("none/x.safetensors"), [good]) == .inputOutput)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
        let writer = try SafetensorsWriter(path: path, tensors: [good])
        #expect(throws: CollabError.self) { try writer.append([1, 2, 3], to: "w") }
        #expect(throws: CollabError.self) { try writer.append([1], to: "v") }
    }

    /// What the plain reference checker says of a file.
    private func oracle(_ path: String) throws -> String {
        let python = Process()
        let output = Pipe()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.currentDirectoryURL = URL(fileURLWithPath: FuzzCorpus.fixture(""))
        python.arguments = [
            "python3", "-B", "-c",
            "import sys, corpuslib; print(corpuslib.check_safetensors(open(sys.argv[1], 'rb').read())[1], end='')",
            path,
        ]
        python.standardOutput = output
        try python.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        python.waitUntilExit()
        return text
    }
}
