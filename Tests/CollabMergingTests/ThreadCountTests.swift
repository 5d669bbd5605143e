import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What is written does not depend on how many threads wrote it")
struct ThreadCountTests {
    /// Methods that draw random numbers, and methods that look at whole matrices.
    static let methods = [
        ("dare_linear", "weight: 0.6, density: 0.5"), ("dare_ties", "weight: 0.6, density: 0.5"),
        ("della", "weight: 0.6, density: 0.5, epsilon: 0.2"),
        ("della_linear", "weight: 0.6, density: 0.5, epsilon: 0.2"), ("iso_c", ""), ("tsv_m", ""),
    ]

    /// The bytes of the file that a merge of three models is written to.
    private func written(
        _ method: (name: String, parameters: String),
        _ type: String,
        threads: Int,
        seed: UInt64 = 5
    ) async throws -> Data {
        let scratch = try ScratchFolder()
        let models = ["ftA", "ftB", "ftC"].map {
            "  - {model: inputs/\(type)/\($0), parameters: {\(method.parameters)}}\n"
        }
        let yaml =
            "merge_method: \(method.name)\nbase_model: inputs/\(type)/base\nmodels:\n\(models.joined())"
        let writer = MergeWriter(
            try MergeFixtures.plan(yaml: yaml, seed: seed),
            to: scratch.path + "/out",
            configuration: yaml,
            options: MergeOptions(threads: threads)
        )
        _ = try await writer.run()
        return try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/out/model.safetensors"))
    }

    @Test("one thread and four write the same bytes", arguments: methods, ["fp32", "bf16"])
    func bytes(_ method: (name: String, parameters: String), _ type: String) async throws {
        let alone = try await written(method, type, threads: 1)
        // Which thread takes which tensor is another matter every time.
        for _ in 0..<3 { #expect(try await written(method, type, threads: 4) == alone) }
        guard method.name.hasPrefix("d") else { return }
        // The file names its seed, so the weights behind the header are what has to differ.
        let other = try await written(method, type, threads: 4, seed: 6)
        #expect(other.suffix(10_000) != alone.suffix(10_000), "another seed draws other numbers")
    }
}
